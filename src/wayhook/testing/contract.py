"""The contract of a repository, as tests, and a state machine. Subclass them; every test must pass.

    class TestMine(RepositoryContract):
        @pytest.fixture
        async def repository(self):
            async with MyRepository(...) as repository:
                yield repository

Needs pytest, pytest-asyncio (or another plug-in that runs async tests) and hypothesis.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from wayhook.errors import Conflict, DefinitionError, NotFound, StillInUse
from wayhook.execution.ports import Repository
from wayhook.expression.expression import expression
from wayhook.model.action import Action, UrlConfiguration
from wayhook.model.authentication import ApiKeyAuthentication, BasicAuthentication
from wayhook.model.capping import CappingConfiguration, CappingRule
from wayhook.model.journey import ActionActivity, Journey, JourneyStatus
from wayhook.model.limit import Metadata, Rating, Stamp
from wayhook.model.parameter import message_parameters, payload, variable
from wayhook.model.throttling import Sandbox, ThrottlingConfiguration, ThrottlingRule
from wayhook.secret import literal_secret, secret
from wayhook.testing.fakes import FakeClock

__all__ = ["HistoryContract", "RepositoryContract", "RepositoryMachine"]


def _action(name: str = "SendSms", **changes: Any) -> Action:
    action = Action(
        name=name,
        description="Ein kurzer Text, é, 日本",
        url_configuration=UrlConfiguration(
            "https://sms.example.com/v1/", headers={"X-Campaign": variable("Campaign", optional=True)}
        ),
        authentication=ApiKeyAuthentication("X-Key", secret("env:SMS_KEY")),
        message_parameters=message_parameters(
            {"to": "x", "n": 1.5, "tags": ["a", None]}, variables={"to": "Recipient"}
        ),
        response=payload({"id": 9007199254740993, "ok": True}),
    )
    return attrs.evolve(action, **changes)


def _journey(name: str = "Welcome", *actions: str, **changes: Any) -> Journey:
    activities = [
        ActionActivity(
            action,
            label=f"step{i}",
            path=expression(f"@action{{{action}.id, defaultValue: 'x'}} + '/é'"),
            parameters={"to": "plain", "tags": ("a", 1, {"b": (None,)})},
        )
        for i, action in enumerate(actions)
    ]
    return attrs.evolve(Journey(name, activities, timeout=10), **changes)


NOW = datetime(2030, 1, 1, tzinfo=UTC)


def _publishable() -> Journey:
    return Journey("Welcome", [ActionActivity("SendSms", label="a", parameters={"to": "plain"})], timeout=10)


def _capping(uid: str = "sms", **changes: Any) -> CappingConfiguration:
    rule = CappingRule("https://sms.example.com/*", Rating(10, 500, 50), data_source=Rating(5), methods=["PUT", "GET"])
    stamps = Metadata(Stamp("é", "2030-01-02T03:04:05.678Z", "1"))
    return attrs.evolve(CappingConfiguration(uid, rule, metadata=stamps, tenant_id="t"), **changes)


def _throttling(uid: str = "all", **changes: Any) -> ThrottlingConfiguration:
    rule = ThrottlingRule("https://sms.example.com/*", ["POST"], 250, "é", "日本")
    sandbox = Sandbox("main", "5f3a")
    return attrs.evolve(ThrottlingConfiguration(uid, rule, sandbox=sandbox, org_id="org-1"), **changes)


class RepositoryContract:
    """What every repository keeps, whatever it keeps it in; see `wayhook.Repository`."""

    @pytest.fixture
    async def repository(self) -> Repository:
        """Return an open, empty repository, with the standard guardrails; override this one fixture."""
        raise NotImplementedError("override the fixture 'repository'")

    async def test_what_was_saved_comes_back_equal(self, repository: Repository) -> None:
        """An action and a journey come back equal, with version 1."""
        action, journey = _action(), _journey("Welcome", "SendSms")

        versions = [await repository.save(action), await repository.save(journey)]

        assert versions == [1, 1]
        assert (await repository.get(Action, "SendSms")).value == action
        assert (await repository.get(Journey, "Welcome")).value == journey

    async def test_versions_count_saves(self, repository: Repository) -> None:
        """Each save counts the version on by one, with and without an expected version."""
        await repository.save(_action())

        assert await repository.save(_action(description="b")) == 2
        assert await repository.save(_action(description="c"), expected_version=2) == 3
        stored = await repository.get(Action, "SendSms")
        assert (stored.version, stored.value.description) == (3, "c")

    async def test_an_unexpected_version_is_a_conflict(self, repository: Repository) -> None:
        """A save against an old version changes nothing and says what was found."""
        await repository.save(_action())
        await repository.save(_action(description="theirs"))

        with pytest.raises(Conflict) as conflict:
            await repository.save(_action(description="mine"), expected_version=1)

        assert (conflict.value.expected, conflict.value.found) == (1, 2)
        assert (await repository.get(Action, "SendSms")).value.description == "theirs"

    async def test_a_name_is_taken_once(self, repository: Repository) -> None:
        """A new value under a name that is taken is a conflict (R9); actions and journeys do not share names."""
        await repository.save(_action("Loyalty"), expected_version=0)
        await repository.save(_action("Other"), expected_version=0)

        await repository.save(_journey("Loyalty"), expected_version=0)
        with pytest.raises(Conflict):
            await repository.save(_action("Loyalty"), expected_version=0)

    async def test_what_is_not_kept_is_not_found(self, repository: Repository) -> None:
        """Getting, deleting and renaming what is not there says so."""
        with pytest.raises(NotFound):
            await repository.get(Action, "Nobody")
        with pytest.raises(NotFound):
            await repository.delete(Journey, "Nobody")
        with pytest.raises(NotFound):
            await repository.save(_action(), renamed_from="Nobody")
        with pytest.raises(Conflict):
            await repository.save(_action(), expected_version=3)

    async def test_what_was_deleted_is_gone(self, repository: Repository) -> None:
        """A deletion checks the version, forgets the value, and its name is free again."""
        await repository.save(_action())

        with pytest.raises(Conflict):
            await repository.delete(Action, "SendSms", expected_version=2)
        await repository.delete(Action, "SendSms", expected_version=1)

        with pytest.raises(NotFound):
            await repository.get(Action, "SendSms")
        assert await repository.save(_action(), expected_version=0) == 1

    async def test_values_are_saved_together(self, repository: Repository) -> None:
        """A save of several values keeps all of them or, when one may not be kept, none."""
        assert await repository.save(_action(), _journey("Welcome", "SendSms")) == 1

        with pytest.raises(DefinitionError) as refused:
            await repository.save(_journey("Other", "SendSms"), _action("not a name"))

        assert [violation.path for violation in refused.value.violations] == ["$[1].name"]
        assert [stored.value.name for stored in (await repository.list(Journey)).items] == ["Welcome"]

    async def test_an_identifier_stays_with_its_record(self, repository: Repository) -> None:
        """A record is given an identifier once; saves and renames leave it, and a new record has another."""
        await repository.save(_action())
        uid = (await repository.get(Action, "SendSms")).uid

        await repository.save(_action("SendText"), renamed_from="SendSms")
        await repository.save(_action())

        assert uid
        assert (await repository.get(Action, "SendText")).uid == uid
        assert (await repository.get(Action, "SendSms")).uid not in ("", uid)

    async def test_a_list_has_every_name_once(self, repository: Repository) -> None:
        """Pages follow each other by their cursors, in code-point order, whatever the size of a page."""
        names = ["_", "a", "B", "C9", "b", "Z", "zz", "0"]
        for name in names:
            await repository.save(_action(name))

        found, cursor = [], None
        while True:
            page = await repository.list(Action, cursor=cursor, limit=3)
            found += [stored.value.name for stored in page.items]
            cursor = page.cursor
            if cursor is None:
                break

        assert found == sorted(names)
        assert (await repository.list(Journey)).items == ()
        assert (await repository.list(Action, limit=8)).cursor is None

    async def test_a_page_has_one_to_a_thousand_values(self, repository: Repository) -> None:
        """Another size, or a cursor that no page gave, is refused."""
        for limit in (0, -1, 1001):
            with pytest.raises(DefinitionError, match="limit"):
                await repository.list(Action, limit=limit)
        with pytest.raises(DefinitionError, match="cursor"):
            await repository.list(Action, cursor="\ud800")

    async def test_only_definitions_are_kept(self, repository: Repository) -> None:
        """What is no action and no journey is refused, whatever is asked for it."""
        with pytest.raises(DefinitionError, match="is kept, not"):
            await repository.save("SendSms")  # type: ignore[arg-type]
        with pytest.raises(DefinitionError, match="is kept, not"):
            await repository.get(str, "SendSms")  # type: ignore[type-var]
        with pytest.raises(DefinitionError, match="is kept, not"):
            await repository.list(str)  # type: ignore[type-var]

    async def test_used_in_counts_journeys(self, repository: Repository) -> None:
        """An action is used in as many journeys as name it, each counted once (R13 to R15)."""
        await repository.save(_action())
        assert await repository.journeys_using("SendSms") == ()

        await repository.save(_journey("B", "SendSms", "SendSms", "Other"))
        await repository.save(_journey("A", "SendSms"))
        assert await repository.journeys_using("SendSms") == ("A", "B")

        await repository.save(_journey("B", "Other"))
        await repository.delete(Journey, "A")
        assert await repository.journeys_using("SendSms") == ()
        assert await repository.journeys_using("Other") == ("B",)

    async def test_a_used_action_is_not_deleted(self, repository: Repository) -> None:
        """A deletion of a used action names its journeys and changes nothing (R28); a built-in one stays (R27)."""
        await repository.save(_action())
        await repository.save(_journey("Welcome", "SendSms"))
        await repository.save(_action("Standard", built_in=True))

        with pytest.raises(StillInUse) as refused:
            await repository.delete(Action, "SendSms")
        with pytest.raises(DefinitionError, match="R27"):
            await repository.delete(Action, "Standard")

        assert refused.value.users == ("Welcome",)
        await repository.delete(Journey, "Welcome")
        await repository.delete(Action, "SendSms")

    async def test_limits_are_kept(self, repository: Repository) -> None:
        """A capping and a throttling come back equal in every state, under their uid."""
        for capping in (
            _capping(),
            _capping().deployed(),
            _capping().deployed().updated(CappingRule("https://x/", Rating(1))),
        ):
            await repository.save(capping)
            assert (await repository.get(CappingConfiguration, "sms")).value == capping
        for throttling in (_throttling(), _throttling().deployed()):
            await repository.save(throttling)
            assert (await repository.get(ThrottlingConfiguration, "all")).value == throttling
        assert [stored.version for stored in (await repository.list(CappingConfiguration)).items] == [3]

    async def test_an_organization_has_one_throttling(self, repository: Repository) -> None:
        """A second throttling of an organization is refused with its code, also beside the first in one save (R265)."""
        with pytest.raises(DefinitionError, match="1465"):
            await repository.save(_throttling("one"), _throttling("two"))
        await repository.save(_throttling("one"), _throttling("elsewhere", org_id="org-2"))

        with pytest.raises(DefinitionError) as refused:
            await repository.save(_throttling("two"))

        assert [violation.code for violation in refused.value.violations] == ["1465"]
        assert await repository.save(_throttling("one").deployed()) == 2

    async def test_a_broken_limit_is_not_kept(self, repository: Repository) -> None:
        """A limit that breaks documented rules is refused with all of their codes (R254, R266)."""
        broken = _capping(rule=CappingRule("", Rating(0), methods=[]))

        with pytest.raises(DefinitionError) as refused:
            await repository.save(broken, _throttling(sandbox=Sandbox(production=False)))

        assert [violation.code[-4:] for violation in refused.value.violations] == ["_100", "_103", "_107", "1463"]
        assert (await repository.list(CappingConfiguration)).items == ()

    async def test_a_deployed_limit_is_deleted_by_force_only(self, repository: Repository) -> None:
        """A deletion of what is deployed is refused with its code, unless it is forced (R255, R256, R272)."""
        await repository.save(_capping().deployed(), _throttling().deployed())

        for kind, uid, code in ((CappingConfiguration, "sms", "1451"), (ThrottlingConfiguration, "all", "1456")):
            with pytest.raises(DefinitionError) as refused:
                await repository.delete(kind, uid)
            assert [violation.code for violation in refused.value.violations] == [code]
            await repository.delete(kind, uid, force=True)
            with pytest.raises(NotFound):
                await repository.get(kind, uid)

    async def test_a_limit_without_deployment_is_deleted(self, repository: Repository) -> None:
        """What was never deployed, or is no more, is deleted; an unknown uid is not found (R257, R273)."""
        await repository.save(_capping().deployed().undeployed(), _throttling())

        await repository.delete(CappingConfiguration, "sms")
        await repository.delete(ThrottlingConfiguration, "all")

        with pytest.raises(NotFound, match="There is no capping"):
            await repository.delete(CappingConfiguration, "sms")
        with pytest.raises(NotFound, match="14467"):
            await repository.delete(ThrottlingConfiguration, "all", force=True)

    async def test_guardrails_are_checked_on_save(self, repository: Repository) -> None:
        """A value that breaks rules is refused with all of them, and nothing is kept."""
        broken = _action("not a name", url_configuration=UrlConfiguration("ftp://h.example", method="TRACE"))

        with pytest.raises(DefinitionError) as refused:
            await repository.save(broken)

        assert {violation.rule for violation in refused.value.violations} >= {"R3", "R36", "R62"}
        assert (await repository.list(Action)).items == ()

    async def test_no_literal_secret_is_kept(self, repository: Repository) -> None:
        """A literal secret is refused with its place and without its text."""
        action = _action(authentication=BasicAuthentication("joe", literal_secret("canary-7")))

        with pytest.raises(DefinitionError) as refused:
            await repository.save(action)

        assert "$.authentication.password" in str(refused.value)
        assert "canary-7" not in str(refused.value)

    async def test_a_used_action_changes_only_where_it_may(self, repository: Repository) -> None:
        """Description, URL and authentication of a used action change; its method and payload do not (R17 to R21)."""
        await repository.save(_action())
        await repository.save(_journey("Welcome", "SendSms"))
        url = UrlConfiguration("https://new.example.com/", headers={"X-Campaign": variable("Campaign", optional=True)})

        await repository.save(_action(description="new", url_configuration=url, authentication=_basic()))
        with pytest.raises(DefinitionError) as refused:
            await repository.save(
                _action(url_configuration=attrs.evolve(url, method="PUT"), message_parameters=payload({"x": 1}))
            )

        assert {violation.rule for violation in refused.value.violations} == {"R20", "R21"}

    async def test_headers_are_added_while_journeys_are_drafts(self, repository: Repository) -> None:
        """A header or query parameter is added to a used action while all its journeys are drafts (R22 to R24)."""
        await repository.save(_action())
        await repository.save(_publishable())
        known: dict[str, Any] = {"X-Campaign": variable("Campaign", optional=True)}
        more = UrlConfiguration("https://sms.example.com/v1/", headers={**known, "X-New": "1"})
        still_more = attrs.evolve(
            more, query_parameters=UrlConfiguration("x", query_parameters={"q": "1"}).query_parameters
        )

        await repository.save(_action(url_configuration=more))
        await repository.save(_publishable().publish(NOW))
        with pytest.raises(DefinitionError, match="R23"):
            await repository.save(_action(url_configuration=still_more))
        with pytest.raises(DefinitionError, match="R24"):
            await repository.save(_action())

    async def test_a_journey_lives_and_ends(self, repository: Repository) -> None:
        """A journey is published, changed by a next version, closed and finished; no step but the lawful ones."""
        await repository.save(_action())
        draft = _publishable()
        await repository.save(draft)
        await repository.save(draft.publish(NOW))
        second = (await repository.get(Journey, "Welcome")).value.new_version()
        await repository.save(attrs.evolve(second, activities=()))
        await repository.save(attrs.evolve(second, activities=()).publish(NOW))

        kept = (await repository.get(Journey, "Welcome")).value
        assert [version.status for version in kept.versions] == [JourneyStatus.CLOSED, JourneyStatus.LIVE]
        assert await repository.journeys_using("SendSms") == ("Welcome",)
        with pytest.raises(DefinitionError, match="R292"):
            await repository.save(attrs.evolve(kept, status=JourneyStatus.CLOSED, earlier=[draft.publish(NOW)]))
        with pytest.raises(DefinitionError, match="R294"):
            await repository.delete(Journey, "Welcome")
        closed = kept.close(NOW)
        await repository.save(closed)
        await repository.save(closed.finish(NOW).finish(NOW, version=1))
        await repository.delete(Journey, "Welcome")

    async def test_a_published_journey_stays_as_it_is(self, repository: Repository) -> None:
        """What a live journey does stays; its labels and descriptions change, and its name with all versions (R289)."""
        await repository.save(_action())
        live = _publishable().publish(NOW)
        await repository.save(live)
        relabelled = attrs.evolve(live, activities=[attrs.evolve(live.action_activities[0], label="first")])

        await repository.save(relabelled)
        with pytest.raises(DefinitionError, match="R289"):
            await repository.save(attrs.evolve(relabelled, timeout=11))

        await repository.save(relabelled.renamed("Hello"), renamed_from="Welcome")
        assert (await repository.get(Journey, "Hello")).value == relabelled.renamed("Hello")

    async def test_a_journey_with_errors_is_not_published(self, repository: Repository) -> None:
        """A draft may have errors; with them it comes neither to life nor to a test, and stays a draft (R284)."""
        await repository.save(_action())
        draft = Journey("Welcome", [ActionActivity("SendSms", label="a"), ActionActivity("Other", label="b")])
        await repository.save(draft)

        for started in (draft.publish(NOW), draft.test(NOW)):
            with pytest.raises(DefinitionError) as refused:
                await repository.save(started)
            assert [v.path for v in refused.value.violations] == [
                "$.activities[0].parameters.to",
                "$.activities[1].action",
            ]

        assert (await repository.get(Journey, "Welcome")).value == draft

    async def test_a_renamed_action_takes_live_journeys_along(self, repository: Repository) -> None:
        """A rename reaches every version of a journey in any status, though it may not be changed by hand (R16)."""
        await repository.save(_action())
        reading = ActionActivity("SendSms", label="b", parameters={"to": expression("'n' + @action{SendSms.id}")})
        live = attrs.evolve(_publishable(), activities=(*_publishable().activities, reading)).publish(NOW)
        await repository.save(live)
        await repository.save(live.new_version().publish(NOW))

        await repository.save(_action("SendText"), renamed_from="SendSms")

        kept = (await repository.get(Journey, "Welcome")).value
        assert [version.actions for version in kept.versions] == [("SendText",), ("SendText",)]
        assert {str(next(v.activity("b").expressions)) for v in kept.versions} == {"'n' + @action{SendText.id}"}

    async def test_a_renamed_action_takes_its_journeys_along(self, repository: Repository) -> None:
        """A rename keeps the version counting and changes the journeys that use it, expressions included (R16)."""
        await repository.save(_action())
        await repository.save(_journey("Welcome", "SendSms", "Other"))

        version = await repository.save(_action("SendText"), renamed_from="SendSms", expected_version=1)

        assert version == 2
        journey = await repository.get(Journey, "Welcome")
        assert journey.value.actions == ("SendText", "Other")
        assert str(journey.value.activity("step0").path).startswith("@action{SendText.id")
        assert journey.version == 2
        assert await repository.journeys_using("SendText") == ("Welcome",)
        with pytest.raises(NotFound):
            await repository.get(Action, "SendSms")

    async def test_a_rename_takes_no_other_name(self, repository: Repository) -> None:
        """A rename onto a name that is taken is a conflict, and both stay as they are."""
        await repository.save(_action("A"))
        await repository.save(_action("B", description="b"))

        with pytest.raises(Conflict):
            await repository.save(_action("B"), renamed_from="A")

        assert (await repository.get(Action, "B")).value.description == "b"
        assert (await repository.get(Action, "A")).version == 1

    async def test_of_many_writers_one_wins(self, repository: Repository) -> None:
        """Of writers that expect the same version exactly one wins; no update is lost."""
        await repository.save(_action(description="0"))

        async def count() -> None:
            while True:
                stored = await repository.get(Action, "SendSms")
                more = attrs.evolve(stored.value, description=str(int(stored.value.description) + 1))
                try:
                    await repository.save(more, expected_version=stored.version)
                except Conflict:
                    continue
                return

        await asyncio.gather(*(count() for _ in range(10)))

        stored = await repository.get(Action, "SendSms")
        assert (stored.version, stored.value.description) == (11, "10")


class HistoryContract:
    """What a repository with a history and namespaces keeps beside; subclass it as `RepositoryContract`.

    The `repository` of the fixture is a `Repository`, a `History` and `Namespaced`, made with `now=clock.now`, where
    `clock` is a fixture that gives a `FakeClock`.
    """

    async def test_a_record_says_who_saved_it_and_when(self, repository: Any, clock: FakeClock) -> None:
        """The record that is read has the author and the instant of its last save, in lists too."""
        await repository.save(_action(), by="ann")
        clock.pass_time(60)
        await repository.save(_action(description="b"), by="bo")

        stored = await repository.get(Action, "SendSms")

        assert (stored.by, stored.saved) == ("bo", clock.now())
        assert (await repository.list(Action)).items == (stored,)

    async def test_the_history_tells_every_step(self, repository: Any, clock: FakeClock) -> None:
        """Creation, change, rename and deletion are told, the newest first, with author, instant and value."""
        await repository.save(_action(), by="ann")
        clock.pass_time(1)
        await repository.save(_action(description="b"), by="bo")
        clock.pass_time(1)
        await repository.save(_action("SendText"), renamed_from="SendSms", by="cy")
        clock.pass_time(1)
        await repository.delete(Action, "SendText", by="di")

        steps = await repository.history(Action, "SendText")

        assert [(edit.what, edit.stored.version, edit.stored.by) for edit in steps] == [
            ("deleted", 3, "di"),
            ("renamed", 3, "cy"),
            ("changed", 2, "bo"),
            ("created", 1, "ann"),
        ]
        assert [edit.stored.value.description for edit in steps[-2:]] == ["b", _action().description]
        assert [(clock.now() - edit.stored.saved).total_seconds() for edit in steps] == [0, 1, 2, 3]
        assert len({edit.stored.uid for edit in steps}) == 1
        assert steps == await repository.history(Action, "SendSms")
        assert steps[:2] == await repository.history(Action, "SendText", limit=2)
        assert await repository.history(Action, "Other") == ()

    async def test_what_follows_a_rename_is_in_the_history(self, repository: Any) -> None:
        """A journey that was changed by the rename of its action was changed by whoever renamed that."""
        await repository.save(_action())
        await repository.save(_journey("Welcome", "SendSms"), by="ann")
        await repository.save(_action("SendText"), renamed_from="SendSms", by="bo")

        last, first = await repository.history(Journey, "Welcome")

        assert [(edit.what, edit.stored.by) for edit in (first, last)] == [("created", "ann"), ("changed", "bo")]
        assert last.stored == await repository.get(Journey, "Welcome")

    async def test_a_refused_save_leaves_no_step(self, repository: Any) -> None:
        """What is not kept is not in the history, and who cannot be named is refused."""
        await repository.save(_action())
        with pytest.raises(Conflict):
            await repository.save(_action(), expected_version=7, by="ann")
        with pytest.raises(DefinitionError):
            await repository.save(_action("not a name"), by="ann")
        for author in ("a" * 201, "a\nb", 7):
            with pytest.raises(DefinitionError, match="by"):
                await repository.save(_action(), by=author)
            with pytest.raises(DefinitionError, match="by"):
                await repository.delete(Action, "SendSms", by=author)

        assert [edit.what for edit in await repository.history(Action, "SendSms")] == ["created"]

    async def test_a_time_of_the_past_has_its_record(self, repository: Any, clock: FakeClock) -> None:
        """As of an instant stands what stood there then: nothing before, nor after a rename or a deletion."""
        start = clock.now()
        await repository.save(_action())
        clock.pass_time(10)
        await repository.save(_action(description="b"))
        clock.pass_time(10)
        await repository.save(_action("SendText"), renamed_from="SendSms")
        clock.pass_time(10)
        await repository.delete(Action, "SendText")
        clock.pass_time(10)
        await repository.save(_action(description="again"))

        async def then(name: str, seconds: float) -> str | None:
            try:
                stored = await repository.as_of(Action, name, start + timedelta(seconds=seconds))
            except NotFound:
                return None
            description: str = stored.value.description
            return description

        assert [await then("SendSms", seconds) for seconds in (-1, 0, 9.999999, 10, 19, 20, 30, 40, 99)] == [
            None,
            *[_action().description] * 2,
            *["b"] * 2,
            *[None] * 2,
            *["again"] * 2,
        ]
        assert [await then("SendText", seconds) for seconds in (19, 20, 29, 30)] == [
            None,
            *[_action("SendText").description] * 2,
            None,
        ]
        for instant in ("2030-01-01", datetime(2030, 1, 1)):  # noqa: DTZ001 - one without an offset is refused
            with pytest.raises(DefinitionError, match="offset"):
                await repository.as_of(Action, "SendSms", instant)

    async def test_a_clock_that_was_set_back_turns_nothing_round(self, repository: Any, clock: FakeClock) -> None:
        """A step is never told to be before the step that it follows."""
        await repository.save(_action(description="a"))
        clock.pass_time(-3600)
        await repository.save(_action(description="b"))

        last, first = await repository.history(Action, "SendSms")

        assert [edit.stored.value.description for edit in (first, last)] == ["a", "b"]
        assert last.stored.saved == first.stored.saved

    async def test_namespaces_do_not_see_each_other(self, repository: Any) -> None:
        """The same names stand in two namespaces, with values, versions, users and histories of their own."""
        other = repository.within("tenant-1")
        await repository.save(_action(description="here"))
        await repository.save(_action(description="here"))
        await other.save(_action(description="there"), by="ann")
        await other.save(_journey("Welcome", "SendSms"))

        assert (repository.namespace, other.namespace) == ("default", "tenant-1")
        assert (await repository.get(Action, "SendSms")).version == 2
        assert (await other.get(Action, "SendSms")).value.description == "there"
        assert await repository.journeys_using("SendSms") == ()
        assert await other.journeys_using("SendSms") == ("Welcome",)
        assert (await repository.list(Journey)).items == ()
        assert len(await repository.history(Action, "SendSms")) == 2
        assert [edit.stored.by for edit in await other.history(Action, "SendSms")] == ["ann"]
        await repository.delete(Action, "SendSms")
        assert (await other.within("tenant-1").get(Action, "SendSms")).value.description == "there"
        assert (await repository.within("empty").list(Action)).items == ()

    async def test_a_namespace_has_a_plain_name(self, repository: Any) -> None:
        """What no namespace can be called is refused."""
        for name in ("", "-a", "a b", "a/b", "é", "a" * 65, 7, None):
            with pytest.raises(DefinitionError, match="namespace"):
                repository.within(name)

        assert repository.within("a" * 64).namespace == "a" * 64


NAMES = st.sampled_from(["a", "b", "c", "d"])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


class RepositoryMachine(RuleBasedStateMachine):
    """Compares a repository with two dictionaries through any history of saves, renames and deletions.

    Subclass it and override `open`; give pytest the subclass's `TestCase`:

        class MyMachine(RepositoryMachine):
            def open(self):
                return MyRepository(...)

        TestMyMachine = MyMachine.TestCase
    """

    def open(self) -> AbstractAsyncContextManager[Repository]:
        """Return a new, empty repository as an async context manager."""
        raise NotImplementedError("override 'open'")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.opened = self.open()
        self.repository = self.runner.run(self.opened.__aenter__())
        self.actions: dict[str, tuple[int, str]] = {}
        self.journeys: dict[str, tuple[int, tuple[str, ...]]] = {}

    def teardown(self) -> None:
        """Close the repository."""
        self.runner.run(self.opened.__aexit__(None, None, None))
        self.runner.close()

    def users(self, action: str) -> tuple[str, ...]:
        """The journeys that use an action, by the model."""
        return tuple(sorted(name for name, (_, actions) in self.journeys.items() if action in actions))

    @rule(name=NAMES, text=TEXTS, expected=st.sampled_from([None, 0, 1, 2]))
    def save_action(self, name: str, text: str, expected: int | None) -> None:
        """A save counts on, or is a conflict."""
        version = self.actions.get(name, (0, ""))[0]
        saving = self.repository.save(_action(name, description=text), expected_version=expected)
        if expected not in (None, version):
            with pytest.raises(Conflict):
                self.runner.run(saving)
            return
        assert self.runner.run(saving) == version + 1
        self.actions[name] = (version + 1, text)

    @rule(name=NAMES, actions=st.lists(NAMES, max_size=3))
    def save_journey(self, name: str, actions: list[str]) -> None:
        """A journey says anew which actions it uses."""
        version = self.journeys.get(name, (0, ()))[0]
        assert self.runner.run(self.repository.save(_journey(name, *actions))) == version + 1
        self.journeys[name] = (version + 1, tuple(dict.fromkeys(actions)))

    @rule(old=NAMES, new=NAMES)
    def rename_action(self, old: str, new: str) -> None:
        """A rename takes journeys along, or is refused."""
        saving = self.repository.save(_action(new), renamed_from=old)
        if old not in self.actions or (new in self.actions and new != old):
            with pytest.raises(NotFound if old not in self.actions else Conflict):
                self.runner.run(saving)
            return
        assert self.runner.run(saving) == self.actions[old][0] + 1
        self.actions[new] = (self.actions.pop(old)[0] + 1, _action(new).description)
        if new == old:
            return
        for name in self.users(old):
            version, actions = self.journeys[name]
            renamed = tuple(dict.fromkeys(new if action == old else action for action in actions))
            self.journeys[name] = (version + 1, renamed)

    @rule(name=NAMES)
    def delete_action(self, name: str) -> None:
        """A deletion succeeds exactly where the action is there and not in use."""
        deleting = self.repository.delete(Action, name)
        if name not in self.actions or self.users(name):
            with pytest.raises(NotFound if name not in self.actions else StillInUse):
                self.runner.run(deleting)
            return
        self.runner.run(deleting)
        del self.actions[name]

    @rule(name=NAMES)
    def delete_journey(self, name: str) -> None:
        """A deleted journey uses nothing."""
        deleting = self.repository.delete(Journey, name)
        if name not in self.journeys:
            with pytest.raises(NotFound):
                self.runner.run(deleting)
            return
        self.runner.run(deleting)
        del self.journeys[name]

    @invariant()
    def agrees(self) -> None:
        """Lists and uses are those of the dictionaries."""
        actions = self.runner.run(self.repository.list(Action)).items
        journeys = self.runner.run(self.repository.list(Journey)).items
        assert [(s.value.name, s.version, s.value.description) for s in actions] == [
            (name, *kept) for name, kept in sorted(self.actions.items())
        ]
        assert [(s.value.name, s.version, s.value.actions) for s in journeys] == [
            (name, *kept) for name, kept in sorted(self.journeys.items())
        ]
        for name in ("a", "b", "c", "d"):
            assert self.runner.run(self.repository.journeys_using(name)) == self.users(name)


def _basic() -> BasicAuthentication:
    return BasicAuthentication("joe", secret("env:PASSWORD"))

"""The rules of journeys, number by number: their life, their canvas, their publication, and the paths of outcomes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs
import pytest

import wayhook as wh
from wayhook.errors import Evidence
from wayhook.testing import FakeConsent, FakeTransport

STANDARD = wh.Guardrails.standard()
ORCHESTRATION = wh.Guardrails.journey_orchestration()
OPTIMIZER = wh.Guardrails.journey_optimizer()
NOW = datetime(2030, 1, 1, tzinfo=UTC)
Status = wh.JourneyStatus

LOYALTY = wh.Action(
    name="Loyalty",
    url_configuration=wh.UrlConfiguration("https://h.example/v1/", headers={"X-Id": wh.variable("Id", optional=True)}),
    message_parameters=wh.message_parameters(
        {"id": "x", "note": "x"}, variables={"id": "Id", "note": wh.variable("Note", optional=True)}
    ),
    response=wh.payload({"status": "gold", "orders": [{"total": 1}], "home": {"city": "Ulm"}}),
    failure_response=wh.payload({"code": 7}),
)
EVENT, END = wh.Activity("event", label="signup"), wh.Activity("end", label="end")


def use(label: str = "a", action: str = "Loyalty", **parts) -> wh.ActionActivity:
    """A use of the action that fills in what it needs."""
    return wh.ActionActivity(action, label=label, **{"parameters": {"id": "7"}, **parts})


def drawn(*activities: wh.ActionActivity | wh.Activity, **parts) -> wh.Journey:
    """A journey that begins with an event and ends."""
    return wh.Journey("Welcome", [EVENT, *activities, END], **parts)


DRAFT = drawn(use())
LIVE = DRAFT.publish(NOW)


def found(journey: wh.Journey, guardrails: wh.Guardrails = STANDARD, *actions: wh.Action) -> list[tuple[str, str]]:
    """What stands against publication: path and rule."""
    violations = wh.publication_violations(journey, actions or [LOYALTY], guardrails=guardrails)
    return [(violation.path, violation.rule) for violation in violations if not violation.warning]


def warned(journey: wh.Journey, guardrails: wh.Guardrails = STANDARD) -> list[tuple[str, str]]:
    """What is only told before publication: path and rule."""
    violations = wh.publication_violations(journey, [LOYALTY], guardrails=guardrails)
    return [(violation.path, violation.rule) for violation in violations if violation.warning]


async def kept(*values: wh.Action | wh.Journey, guardrails: wh.Guardrails | None = None) -> wh.MemoryRepository:
    """A repository that holds the action and the values."""
    repository = wh.MemoryRepository(guardrails=guardrails)
    for value in (LOYALTY, *values):
        await repository.save(value)
    return repository


async def refused(repository: wh.MemoryRepository, journey: wh.Journey) -> list[tuple[str, str]]:
    """The broken rules that a save is refused with."""
    with pytest.raises(wh.DefinitionError) as caught:
        await repository.save(journey)
    return [(violation.path, violation.rule) for violation in caught.value.violations]


def impossible(command: str, journey: wh.Journey, **parts) -> str:
    """The rule that a command is refused with."""
    with pytest.raises(wh.DefinitionError) as caught:
        getattr(journey, command)(NOW, **parts)
    [violation] = caught.value.violations
    return violation.rule


def at(status: wh.JourneyStatus, **parts) -> wh.Journey:
    """The journey in a status."""
    return attrs.evolve(DRAFT, status=status, **parts)


# Paths of outcomes


async def executed(journey: wh.Journey, transport: FakeTransport, **parts) -> wh.Outcome:
    """How the first use of a journey ends."""
    async with wh.Executor(await kept(), transport=transport, **parts) as executor:
        return await executor.execute(journey, "a", wh.Context())


FAILURES = {
    "error": (wh.Response(404), "http_404"),
    "redirect": (wh.Response(304), "http_304"),
    "timeout": (wh.TransportError("too late", Evidence.EXPIRED), "timedout"),
    "internal": (wh.TransportError("no such host", Evidence.PERMANENT), "internalError"),
}


@pytest.mark.rule("R226", "R227")
@pytest.mark.parametrize(("reply", "status"), FAILURES.values(), ids=FAILURES)
async def test_a_failure_takes_the_alternative_path_or_ends(reply, status) -> None:
    """HTTP error, timeout and internal error lead along the alternative path; without one the journey ends."""
    alternative = drawn(use(alternative_path=True))

    outcomes = [await executed(journey, FakeTransport(reply)) for journey in (alternative, DRAFT)]

    assert [outcome.status for outcome in outcomes] == [status, status]
    assert [outcome.path for outcome in outcomes] == ["alternative", "end"]


@pytest.mark.rule("R227")
async def test_a_capped_call_takes_the_alternative_path() -> None:
    """What is over the cap leads along the alternative path as an error does."""
    limiter = wh.WindowLimiter([wh.CappingRule("https://h.example/*", wh.Rating(1, 60_000))])
    journey = drawn(use(alternative_path=True))

    async with wh.Executor(await kept(), transport=FakeTransport(), limiter=limiter) as executor:
        paths = [(await executor.execute(journey, "a", wh.Context())).path for _ in range(2)]

    assert paths == ["main", "alternative"]


@pytest.mark.rule("R228")
async def test_a_success_takes_the_main_path() -> None:
    """A success never takes the alternative path."""
    outcome = await executed(drawn(use(alternative_path=True)), FakeTransport(wh.Response(200)))

    assert outcome.path == "main"


async def test_a_call_in_no_journey_has_no_path() -> None:
    """There is nowhere to go on."""
    async with wh.Executor(transport=FakeTransport(wh.Response(404))) as executor:
        outcome = await executor.call(LOYALTY, {"id": "7"})

    assert outcome.path is None


MAIL = attrs.evolve(LOYALTY, name="Mail", channel="Email", required_marketing_action="emailTargeting")


@pytest.mark.rule("R229")
@pytest.mark.parametrize(
    ("action", "additional", "refusing", "calls", "asked"),
    [
        (MAIL, None, ("emailTargeting",), 0, [("emailTargeting",)]),
        (MAIL, "profiling", ("profiling",), 0, [("emailTargeting", "profiling")]),
        (MAIL, "profiling", (), 1, [("emailTargeting", "profiling")]),
        (MAIL, None, ("smsTargeting",), 1, [("emailTargeting",)]),
        (LOYALTY, None, ("emailTargeting",), 1, []),
    ],
)
async def test_who_did_not_agree_is_not_called(action, additional, refusing, calls, asked) -> None:
    """An excluded individual is not called and goes on along the main path; others are called."""
    transport, consent = FakeTransport(), FakeConsent(*refusing)
    journey = wh.Journey("J", [use(action=action.name, alternative_path=True, additional_marketing_action=additional)])

    async with wh.Executor(await kept(MAIL), transport=transport, consent=consent) as executor:
        outcome = await executor.execute(journey, "a", wh.Context())

    assert (len(transport.requests), len(outcome.attempts), outcome.path) == (calls, calls, "main")
    assert (outcome.status == "excluded") is (calls == 0)
    assert consent.asked == asked


@pytest.mark.rule("R229")
async def test_a_consent_that_cannot_be_asked_keeps_the_call_back() -> None:
    """A fault of the consent service is an outcome; nobody is called on a guess."""

    class Broken:
        async def allows(self, context, marketing_actions) -> bool:
            raise RuntimeError("down")

    transport = FakeTransport()
    async with wh.Executor(await kept(MAIL), transport=transport, consent=Broken()) as executor:
        outcome = await executor.execute(wh.Journey("J", [use(action="Mail")]), "a", wh.Context())

    assert (outcome.status, outcome.path, transport.requests) == ("internalError", "end", [])


@pytest.mark.rule("R229", "R230", "R231")
@pytest.mark.parametrize(
    ("journey", "status", "path"),
    [
        pytest.param(DRAFT.dry_run(NOW), "dryRun", "main", id="dry run"),
        pytest.param(LIVE.pause(NOW), "held", None, id="held"),
        pytest.param(LIVE.pause(NOW, mode="discard"), "discarded", "end", id="discarded"),
        pytest.param(LIVE.stop(NOW), "discarded", "end", id="stopped"),
    ],
)
async def test_a_call_that_is_left_out_says_so(journey, status, path) -> None:
    """No attempt, no response, no error; the status says why and the path where the individual goes."""
    transport = FakeTransport()

    outcome = await executed(journey, transport)

    assert (outcome.status, outcome.path, outcome.response) == (status, path, None)
    assert (transport.requests, outcome.attempts) == ([], ())
    assert outcome.raise_for_error() is outcome


@pytest.mark.rule("R230")
async def test_a_test_and_a_live_journey_call() -> None:
    """Only the dry run leaves the call out; test mode, Live and Closed make it."""
    transport = FakeTransport()

    for journey in (DRAFT, DRAFT.test(NOW), LIVE, LIVE.close(NOW)):
        assert (await executed(journey, transport)).path == "main"

    assert len(transport.requests) == 4


@pytest.mark.rule("R231")
async def test_a_resumed_journey_calls_again() -> None:
    """The hold ends with the pause, in the same executor."""
    repository, transport = await kept(LIVE), FakeTransport()

    async with wh.Executor(repository, transport=transport) as executor:
        await repository.save(LIVE.pause(NOW))
        held = await executor.execute("Welcome", "a", wh.Context())
        await repository.save(LIVE.pause(NOW).resume(NOW))
        called = await executor.execute("Welcome", "a", wh.Context())

    assert (held.status, called.status, len(transport.requests)) == ("held", "http_200", 1)


@pytest.mark.rule("R230", "R231")
async def test_orchestration_has_no_pause_and_no_dry_run() -> None:
    """The legacy product knows neither status."""
    repository = await kept(LIVE, guardrails=attrs.evolve(ORCHESTRATION, responses=True, optional_variables=True))

    assert ("$.status", "R231") in await refused(repository, LIVE.pause(NOW))
    assert wh.violations(at(Status.DRY_RUN), guardrails=ORCHESTRATION)[0].rule == "R230"


async def test_a_name_means_the_version_that_runs() -> None:
    """While the next version is a draft, the published one is executed by name; a value is executed as it is."""
    second = attrs.evolve(LIVE.new_version(), activities=[EVENT, use("b"), END])
    repository = await kept(LIVE)
    await repository.save(second)

    async with wh.Executor(repository, transport=FakeTransport()) as executor:
        assert (await executor.execute("Welcome", "a", wh.Context())).succeeded
        assert (await executor.execute(second, "b", wh.Context())).succeeded
        with pytest.raises(wh.NotFound):
            await executor.execute("Welcome", "b", wh.Context())


# The life of a journey


@pytest.mark.rule("R279")
async def test_a_journey_begins_as_a_draft() -> None:
    """A new journey is a Draft; it is not first saved closed, nor with versions that nobody saw."""
    assert wh.Journey("J").status is Status.DRAFT
    repository = await kept()

    assert await refused(repository, at(Status.CLOSED)) == [("$.status", "R290")]
    assert await refused(repository, LIVE.new_version()) == [("$.version", "R279")]
    assert await repository.save(LIVE) == 1


@pytest.mark.rule("R286")
async def test_a_valid_draft_is_published() -> None:
    """A valid draft goes Live, an invalid one does not."""
    assert (LIVE.status, LIVE.published) == (Status.LIVE, NOW)
    repository = await kept(DRAFT)

    assert await refused(repository, drawn(use(parameters={})).publish(NOW)) == [
        ("$.activities[1].parameters.id", "R147")
    ]
    assert await repository.save(LIVE) == 2


@pytest.mark.rule("R286")
def test_a_live_journey_is_not_published_again() -> None:
    """Only a draft is published."""
    assert impossible("publish", LIVE) == "R286"


@pytest.mark.rule("R287")
async def test_a_journey_in_test_mode_is_published_directly() -> None:
    """From Draft (Test) to Live is one step; from a dry run it is none."""
    repository = await kept(DRAFT.test(NOW))

    assert await repository.save(DRAFT.test(NOW).publish(NOW)) == 2
    assert impossible("publish", DRAFT.dry_run(NOW)) == "R286"


@pytest.mark.rule("R288")
@pytest.mark.parametrize(
    "change", [{"timeout": 9}, {"description": "d"}, {"activities": [EVENT, use(description="d"), END]}]
)
async def test_a_journey_in_test_mode_is_not_edited(change) -> None:
    """Not even a description changes in test mode; it does when the test mode has ended."""
    test = DRAFT.test(NOW)
    repository = await kept(test)

    assert {rule for _, rule in await refused(repository, attrs.evolve(test, **change))} == {"R288"}
    await repository.save(test.end_test(NOW))
    assert await repository.save(attrs.evolve(DRAFT, **change)) == 3


RELABELLED = attrs.evolve(
    LIVE,
    description="d",
    activities=[
        attrs.evolve(EVENT, label="in", next=[]),
        use("b", description="e"),
        attrs.evolve(END, label="out", description="f"),
    ],
)


@pytest.mark.rule("R289")
async def test_words_of_a_live_journey_change() -> None:
    """Labels, descriptions, the name and the description of a live journey change."""
    repository = await kept(LIVE)

    assert await repository.save(RELABELLED) == 2
    assert await repository.save(RELABELLED.renamed("Hello"), renamed_from="Welcome") == 3


@pytest.mark.rule("R289")
async def test_labels_change_with_what_leads_to_them() -> None:
    """In a drawn journey the links follow a new label; a link that leads elsewhere is a change of the journey."""
    linked = wh.Journey(
        "Welcome", [attrs.evolve(EVENT, next=["a"]), use(next=["end"], alternative_path=True, on_error="end"), END]
    ).publish(NOW)
    repository = await kept(linked)
    event, action, end = linked.activities
    moved = (
        attrs.evolve(event, next=["b"]),
        attrs.evolve(action, label="b", next=["out"], on_error="out"),
        attrs.evolve(end, label="out"),
    )

    assert await repository.save(attrs.evolve(linked, activities=moved)) == 2
    assert await refused(repository, attrs.evolve(linked, activities=[moved[0], *moved[1:2], end])) != []
    elsewhere = [attrs.evolve(moved[0], next=["out"]), *moved[1:]]
    assert await refused(repository, attrs.evolve(linked, activities=elsewhere)) == [("$.activities[0]", "R289")]


@pytest.mark.rule("R289")
@pytest.mark.parametrize("status", [Status.LIVE, Status.CLOSED, Status.STOPPED, Status.FINISHED])
@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"activities": [EVENT, use(parameters={"id": "8"}), END]}, "$.activities[1]"),
        ({"activities": [EVENT, use(alternative_path=True), END]}, "$.activities[1]"),
        ({"activities": [EVENT, END]}, "$.activities"),
        ({"timeout": 9}, "$.timeout"),
        ({"reentrance": False}, "$.reentrance"),
        ({"time_zone": "Europe/Berlin"}, "$.time_zone"),
    ],
)
async def test_what_a_published_journey_does_stays(status, change, place) -> None:
    """Mappings, activities and properties are read-only from publication on, to the end."""
    repository = await kept(LIVE)
    for earlier in (Status.CLOSED, Status.FINISHED) if status is Status.FINISHED else (status,):
        await repository.save(at(earlier))

    assert await refused(repository, at(status, **change)) == [(place, "R289")]


async def test_a_paused_journey_may_be_changed() -> None:
    """The pause is the other way to change a published journey; it resumes only without errors."""
    paused = LIVE.pause(NOW)
    repository = await kept(LIVE)
    await repository.save(paused)
    wrong = attrs.evolve(paused, activities=[EVENT, use(parameters={}), END])

    assert await repository.save(wrong) == 3
    assert await refused(repository, wrong.resume(NOW)) == [("$.activities[1].parameters.id", "R147")]
    assert await repository.save(attrs.evolve(paused, timeout=9).resume(NOW)) == 4


@pytest.mark.rule("R290", both=True)
async def test_only_a_live_journey_is_closed() -> None:
    """Live is closed; a draft, and what is closed already, is not."""
    repository = await kept(LIVE, attrs.evolve(DRAFT, name="Draft"))

    assert await repository.save(LIVE.close(NOW)) == 2
    assert await refused(repository, attrs.evolve(DRAFT, name="Draft", status="Closed")) == [("$.status", "R290")]
    assert [impossible("close", j) for j in (DRAFT, LIVE.close(NOW), LIVE.pause(NOW))] == ["R290"] * 3


@pytest.mark.rule("R291")
@pytest.mark.parametrize("journey", [LIVE, LIVE.close(NOW)], ids=str)
async def test_a_live_or_closed_journey_is_stopped(journey) -> None:
    """Both are stopped, at once or through Stopping."""
    repository = await kept(LIVE)
    await repository.save(journey)

    await repository.save(attrs.evolve(journey, status=Status.STOPPING))
    await repository.save(journey.stop(NOW))
    assert (await repository.get(wh.Journey, "Welcome")).value.status is Status.STOPPED


@pytest.mark.rule("R291")
def test_what_never_ran_or_has_finished_is_not_stopped() -> None:
    """A draft and a finished journey have nobody to stop."""
    assert [impossible("stop", journey) for journey in (DRAFT, LIVE.close(NOW).finish(NOW))] == ["R291", "R291"]


@pytest.mark.rule("R292")
@pytest.mark.parametrize("ended", [LIVE.close(NOW), LIVE.stop(NOW), LIVE.stop(NOW).finish(NOW)], ids=lambda j: j.status)
async def test_there_is_no_way_back(ended) -> None:
    """A closed, stopped or finished journey is not published again, by no spelling; its duplicate is."""
    repository = await kept(LIVE)
    if ended.status is Status.FINISHED:
        await repository.save(LIVE.stop(NOW))
    await repository.save(ended)

    assert impossible("publish", ended) == "R292"
    for status in (Status.LIVE, Status.DRAFT, Status.PUBLISHING, Status.RESUMING):
        assert await refused(repository, at(status)) == [("$.status", "R292")]
    assert await repository.save(ended.duplicate().publish(NOW)) == 1


@pytest.mark.rule("R293")
@pytest.mark.parametrize(("rails", "days"), [(ORCHESTRATION, 30), (OPTIMIZER, 91), (STANDARD, 91)])
def test_a_closed_journey_finishes(rails, days) -> None:
    """After 30 or 91 days, and not a moment earlier; other statuses do not finish by time."""
    closed, after = LIVE.close(NOW), NOW + timedelta(days=days)

    assert closed.as_of(after - timedelta(seconds=1), rails).status is Status.CLOSED
    assert closed.as_of(after, rails).status is Status.FINISHED
    assert LIVE.as_of(after, rails) is LIVE
    assert impossible("finish", LIVE) == "R293"


@pytest.mark.rule("R294")
@pytest.mark.parametrize("status", Status)
async def test_drafts_and_finished_journeys_are_deleted(status) -> None:
    """Any other journey stays."""
    from wayhook.model.record import Records, Stored
    from wayhook.model.storage import admit_deletion

    shelf = Records.of([Stored(at(status), 1)])

    if status in (Status.DRAFT, Status.FINISHED):
        assert admit_deletion(shelf, wh.Journey, "Welcome", expected_version=None).removed
    else:
        with pytest.raises(wh.DefinitionError, match="R294"):
            admit_deletion(shelf, wh.Journey, "Welcome", expected_version=None)


@pytest.mark.rule("R294")
async def test_a_draft_above_a_live_version_is_not_deleted() -> None:
    """The live version would go with it; the draft alone is discarded."""
    repository = await kept(LIVE)
    await repository.save(LIVE.new_version())

    with pytest.raises(wh.DefinitionError, match="version 1 is Live"):
        await repository.delete(wh.Journey, "Welcome")
    assert await repository.save(LIVE.new_version().discard_draft()) == 3
    assert (await repository.get(wh.Journey, "Welcome")).value == LIVE


SECOND = LIVE.new_version()


@pytest.mark.rule("R295")
def test_a_new_version_is_a_draft_of_the_latest() -> None:
    """It keeps what the latest does, counts one on, and has the others below it."""
    third = SECOND.publish(NOW).new_version()

    assert (third.version, third.status, third.published) == (3, Status.DRAFT, None)
    assert [version.version for version in third.versions] == [1, 2, 3]
    assert third.activities == LIVE.activities
    assert third.at(1).status is Status.CLOSED
    with pytest.raises(wh.NotFound, match="'4'"):
        third.at(4)


@pytest.mark.rule("R295")
@pytest.mark.parametrize("journey", [DRAFT, SECOND, DRAFT.test(NOW), LIVE.pause(NOW)], ids=lambda j: j.status)
def test_a_draft_has_no_new_version(journey) -> None:
    """What is not published yet, or paused, is edited itself."""
    with pytest.raises(wh.DefinitionError, match="R295"):
        journey.new_version()


@pytest.mark.rule("R295")
async def test_a_new_version_of_an_older_one_is_not_kept() -> None:
    """It would take the place of the versions after that one."""
    repository = await kept(LIVE)
    await repository.save(SECOND)
    live = SECOND.publish(NOW)
    await repository.save(live)

    from_first = live.at(1).new_version()

    assert {rule for _, rule in await refused(repository, from_first)} == {"R289"}
    assert await refused(repository, live.at(1)) == [("$.earlier", "R295")]
    skipped = attrs.evolve(live.new_version(), version=4)
    assert await refused(repository, skipped) == [("$.version", "R295")]
    assert await repository.save(live.new_version()) == 4


@pytest.mark.rule("R295", "R297")
@pytest.mark.parametrize(
    ("parts", "place", "rule"),
    [
        ({"version": 0}, "$.version", "R295"),
        ({"version": True}, "$.version", "R295"),
        ({"earlier": [LIVE]}, "$.earlier[0].version", "R295"),
        ({"version": 3, "earlier": [LIVE, LIVE]}, "$.earlier[1].version", "R295"),
        ({"version": 2, "earlier": [DRAFT]}, "$.earlier[0].status", "R295"),
        ({"version": 3, "earlier": [SECOND.publish(NOW)]}, "$.earlier[0].earlier", "R295"),
        ({"version": 2, "earlier": [LIVE.renamed("Other")]}, "$.earlier[0].name", "R297"),
        ({"version": 2, "earlier": ["x"]}, "$.earlier[0]", ""),
        ({"version": 2, "earlier": 7}, "$.earlier", ""),
    ],
)
def test_versions_fit_together(parts, place, rule) -> None:
    """Numbers go up, names are the same, earlier versions were published; the rest is refused on construction."""
    with pytest.raises(wh.DefinitionError) as caught:
        attrs.evolve(DRAFT, **parts)

    assert [(violation.path, violation.rule) for violation in caught.value.violations] == [(place, rule)]


@pytest.mark.rule("R296")
async def test_a_published_version_closes_the_one_before() -> None:
    """In the same save; version 1 stays Closed when version 2 is stopped."""
    repository = await kept(LIVE)
    await repository.save(SECOND)
    both = SECOND.publish(NOW)

    await repository.save(both)
    await repository.save(both.stop(NOW))

    stored = (await repository.get(wh.Journey, "Welcome")).value
    assert [version.status for version in stored.versions] == [Status.CLOSED, Status.STOPPED]
    assert stored.at(1).closed == NOW


@pytest.mark.rule("R296")
async def test_two_versions_are_never_live() -> None:
    """By hand neither, and a paused version is not closed behind its back."""
    repository = await kept(LIVE)
    await repository.save(SECOND)

    assert await refused(repository, attrs.evolve(SECOND, status=Status.LIVE)) == [("$.status", "R296")]
    assert impossible("publish", SECOND.pause(NOW, version=1)) == "R296"


async def test_commands_reach_an_earlier_version() -> None:
    """While the next version is drawn, the running one is paused, resumed, closed and stopped by its number."""
    repository = await kept(LIVE)
    await repository.save(SECOND)

    journey = SECOND.pause(NOW, version=1)
    await repository.save(journey)
    journey = journey.resume(NOW, version=1).close(NOW, version=1)
    await repository.save(journey)

    assert [version.status for version in journey.versions] == [Status.CLOSED, Status.DRAFT]
    assert journey.as_of(NOW + timedelta(days=91), STANDARD).at(1).status is Status.FINISHED


@pytest.mark.rule("R297")
async def test_a_rename_reaches_all_versions() -> None:
    """All versions share the name, before and after a rename."""
    repository = await kept(LIVE)
    await repository.save(SECOND)

    await repository.save(SECOND.renamed("Hello"), renamed_from="Welcome")

    stored = (await repository.get(wh.Journey, "Hello")).value
    assert [version.name for version in stored.versions] == ["Hello", "Hello"]
    with pytest.raises(wh.DefinitionError, match="R297"):
        attrs.evolve(stored, name="Other")


@pytest.mark.rule("R298")
@pytest.mark.parametrize("change", [{"reentrance": False}, {"reentrance_wait": 60}])
async def test_the_reentrance_rule_is_equal_in_all_versions(change) -> None:
    """A new version keeps whether and when an individual may come again."""
    repository = await kept(LIVE)

    assert await refused(repository, attrs.evolve(SECOND, **change)) == [(f"$.{next(iter(change))}", "R298")]
    assert await repository.save(SECOND) == 2


@pytest.mark.rule("R299")
@pytest.mark.parametrize(
    ("rails", "limit"),
    [(ORCHESTRATION, 100), (OPTIMIZER, 200), (attrs.evolve(OPTIMIZER, live_journeys=100), 100)],
    ids=["orchestration", "optimizer", "development"],
)
async def test_so_many_journeys_are_live(rails, limit) -> None:
    """The last one within the limit is published, the next is not; a further version of a live one is."""
    empty = wh.Journey("J0", [EVENT, END])
    repository = wh.MemoryRepository(guardrails=rails)
    for i in range(limit):
        await repository.save(empty.renamed(f"J{i}").publish(NOW))

    assert await refused(repository, empty.renamed("More").publish(NOW)) == [("$.status", "R299")]
    assert await repository.save(empty.publish(NOW).new_version().publish(NOW)) == 2
    assert await repository.save(empty.renamed("More")) == 1
    assert wh.Guardrails.standard().live_journeys is None


@pytest.mark.rule("R299")
@pytest.mark.parametrize(("rails", "is_free"), [(ORCHESTRATION, True), (OPTIMIZER, False)])
async def test_closed_journeys_count_in_the_optimizer(rails, is_free) -> None:
    """There a closed journey keeps its place until it is stopped or finished."""
    empty = wh.Journey("One", [EVENT, END])
    repository = wh.MemoryRepository(guardrails=attrs.evolve(rails, live_journeys=1))
    await repository.save(empty.publish(NOW))
    await repository.save(empty.publish(NOW).close(NOW))

    two = empty.renamed("Two").publish(NOW)
    if not is_free:
        assert await refused(repository, two) == [("$.status", "R299")]
        await repository.save(empty.publish(NOW).close(NOW).stop(NOW))
    assert await repository.save(two) == 1


@pytest.mark.rule("R299")
async def test_journeys_of_one_save_count_together() -> None:
    """Two that come to life in one save are two."""
    empty = wh.Journey("One", [EVENT, END])
    repository = wh.MemoryRepository(guardrails=attrs.evolve(OPTIMIZER, live_journeys=1))

    with pytest.raises(wh.DefinitionError, match="R299"):
        await repository.save(empty.publish(NOW), empty.renamed("Two").publish(NOW))


@pytest.mark.rule("R300", both=True)
def test_the_reentrance_wait() -> None:
    """Five minutes unless given, 90 days at most, no negative and no endless one."""
    days = 24 * 3600

    assert wh.Journey("J").reentrance_wait == 300
    assert wh.violations(wh.Journey("J", reentrance_wait=90 * days)) == ()
    assert [v.rule for v in wh.violations(wh.Journey("J", reentrance_wait=91 * days))] == ["R300"]
    for wait in (-1, float("inf"), float("nan"), "5", True):
        with pytest.raises(wh.DefinitionError, match="R300"):
            wh.Journey("J", reentrance_wait=wait)


@pytest.mark.rule("R301", both=True)
async def test_a_pause_ends_by_itself() -> None:
    """It holds 14 days, and is over on day 15; the next command may be saved at once."""
    paused = LIVE.pause(NOW)
    repository = await kept(LIVE)
    await repository.save(paused)

    later = paused.as_of(NOW + timedelta(days=15), STANDARD)

    assert paused.as_of(NOW + timedelta(days=14), STANDARD).status is Status.PAUSED
    assert (later.status, later.paused) == (Status.LIVE, None)
    assert await repository.save(later.close(NOW)) == 3
    assert impossible("resume", LIVE) == "R301"


INTERMEDIATE = [
    (DRAFT, Status.PUBLISHING),
    (DRAFT, Status.ACTIVATING_TEST_MODE),
    (DRAFT, Status.ACTIVATING_DRY_RUN),
    (DRAFT.test(NOW), Status.DEACTIVATING_TEST_MODE),
    (LIVE, Status.PAUSING),
    (LIVE, Status.STOPPING),
]


@pytest.mark.rule("R302")
@pytest.mark.parametrize(("journey", "status"), INTERMEDIATE)
async def test_a_journey_on_its_way_is_read_only(journey, status) -> None:
    """In a status in between nothing changes, not even a description; it leads on to where it was bound only."""
    repository = await kept(journey)
    on_the_way = attrs.evolve(journey, status=status)
    await repository.save(on_the_way)

    edited = attrs.evolve(on_the_way, description="d")
    assert await refused(repository, edited) == [("$.description", "R302")]
    back = Status.LIVE if status in (Status.PAUSING, Status.STOPPING) else Status.FINISHED
    assert [path for path, _ in await refused(repository, attrs.evolve(on_the_way, status=back))] == ["$.status"]


@pytest.mark.rule("R303", both=True)
def test_an_idle_test_mode_ends() -> None:
    """It is there on day 6 and gone on day 8; another event keeps it for a week more."""
    test = DRAFT.test(NOW)
    day = timedelta(days=1)

    assert test.as_of(NOW + 6 * day, STANDARD).status is Status.DRAFT_TEST
    assert test.as_of(NOW + 8 * day, STANDARD).status is Status.DRAFT
    assert test.test(NOW + 6 * day).as_of(NOW + 8 * day, STANDARD).status is Status.DRAFT_TEST


@pytest.mark.rule("R304")
@pytest.mark.parametrize("status", Status)
def test_a_duplicate_is_a_draft_of_its_own(status) -> None:
    """In any status; named after the original, and not like any other."""
    copy = at(status, published=NOW).duplicate({"Welcome", "Welcome_copy"})

    assert (copy.name, copy.status, copy.published) == ("Welcome_copy2", Status.DRAFT, None)
    assert SECOND.duplicate() == attrs.evolve(DRAFT, name="Welcome_copy")
    assert copy.activities == DRAFT.activities


@pytest.mark.rule("R305")
def test_the_label_is_a_suffix() -> None:
    """`Slack` and `Alert` show `Slack-Alert`; there is no activity without a label."""
    assert wh.ActionActivity("Slack", label="Alert").title == "Slack-Alert"
    with pytest.raises(wh.DefinitionError):
        wh.ActionActivity("Slack", label="")


def test_a_moment_has_an_offset() -> None:
    """A time without an offset is refused by every command, and in every field."""
    naive = datetime(2030, 1, 1)  # noqa: DTZ001 - what is refused

    for command in ("publish", "test", "dry_run"):
        with pytest.raises(wh.DefinitionError, match="offset"):
            getattr(DRAFT, command)(naive)
    with pytest.raises(wh.DefinitionError, match="offset"):
        LIVE.as_of(naive, STANDARD)
    with pytest.raises(wh.DefinitionError, match="offset"):
        attrs.evolve(DRAFT, closed=naive)


# The canvas


@pytest.mark.rule("R280")
def test_a_journey_does_not_begin_with_an_action() -> None:
    """An event first, not an action; the standard edition asks it of drawn journeys only."""
    plain = wh.Journey("J", [use()])

    assert found(DRAFT) == found(DRAFT, OPTIMIZER) == []
    assert found(wh.Journey("J", [use(), END])) == [("$.activities[0]", "R280")]
    assert found(plain) == []
    assert found(plain, OPTIMIZER) == [("$.activities[0]", "R280")]
    assert found(wh.Journey("J"), OPTIMIZER) == [("$.activities", "R280")]


@pytest.mark.rule("R280")
def test_the_beginning_is_where_nothing_leads_to() -> None:
    """The order in the sequence does not matter where links are drawn."""
    action, event = use(next=["end"]), attrs.evolve(EVENT, next=["a"])

    assert found(wh.Journey("J", [action, END, event])) == []
    assert found(wh.Journey("J", [attrs.evolve(event, next=["end"]), action, END])) == []
    assert warned(wh.Journey("J", [attrs.evolve(event, next=["end"]), action, END])) == [("$.activities[1]", "R285")]


@pytest.mark.rule("R280")
async def test_a_next_version_keeps_beginning_with_an_event() -> None:
    """What began with an event does so in every version."""
    repository = await kept(LIVE)
    without = attrs.evolve(SECOND, activities=[use()])
    await repository.save(without)

    assert await refused(repository, without.publish(NOW)) == [("$.activities", "R280")]
    assert await repository.save(SECOND.publish(NOW)) == 3


@pytest.mark.rule("R22")
async def test_a_live_version_below_a_draft_protects_its_action() -> None:
    """A header is not added while any version that uses the action is published; other versions do not matter."""
    headers = {"X-Id": wh.variable("Id", optional=True), "X-New": "1"}
    more = attrs.evolve(LOYALTY, url_configuration=wh.UrlConfiguration("https://h.example/v1/", headers=headers))
    repository = await kept(LIVE)
    await repository.save(SECOND)
    other = await kept(wh.Journey("Welcome", [EVENT, END]).publish(NOW))
    await other.save(attrs.evolve(wh.Journey("Welcome", [EVENT, END]).publish(NOW).new_version(), activities=[use()]))

    with pytest.raises(wh.DefinitionError, match="R22"):
        await repository.save(more)
    assert await other.save(more) == 2


@pytest.mark.rule("R281", both=True)
def test_actions_do_not_run_side_by_side() -> None:
    """One after the other; waits may stand side by side, and branches of a condition are alternatives."""
    a, b = use("a", next=["end"]), use("b", next=["end"])
    waits = [wh.Activity("wait", label=label, next=["end"]) for label in ("w", "v")]
    is_gold = wh.expression("@event{Signup.tier} == 'gold'")

    side_by_side = wh.Journey("J", [attrs.evolve(EVENT, next=["a", "b"]), a, b, END])
    condition = wh.Activity("condition", label="c", conditions={"a": is_gold}, next=["b"])
    one_of_two = wh.Journey("J", [attrs.evolve(EVENT, next=["c"]), condition, a, b, END])
    waiting = wh.Journey("J", [attrs.evolve(EVENT, next=["w", "v"]), *waits, END])

    assert found(side_by_side) == [("$.activities[0].next", "R281")]
    assert found(one_of_two) == found(waiting) == found(drawn(use("a"), use("b"))) == []


@pytest.mark.rule("R282")
@pytest.mark.parametrize(
    ("activities", "place"),
    [
        ([attrs.evolve(EVENT, next=["a"]), use(next=["signup"])], "$.activities[1]"),
        (
            [attrs.evolve(EVENT, next=["a"]), use(next=["end"], alternative_path=True, on_error="a"), END],
            "$.activities[1]",
        ),
        (
            [
                attrs.evolve(EVENT, next=["a"]),
                use(next=["c"]),
                wh.Activity("condition", label="c", conditions={"a": wh.expression("true")}, next=["end"]),
                END,
            ],
            "$.activities[2]",
        ),
    ],
)
def test_nothing_leads_back(activities, place) -> None:
    """No link leads to an earlier activity: not the main one, not the alternative path, not a condition."""
    assert found(wh.Journey("J", activities)) == [(place, "R282")]


@pytest.mark.rule("R282")
def test_paths_may_meet_again() -> None:
    """Two ways to one end are no loop."""
    activities = [attrs.evolve(EVENT, next=["a"]), use(next=["end"], alternative_path=True, on_error="end"), END]

    assert found(wh.Journey("J", activities)) == []


@pytest.mark.rule("R283", "R284")
def test_a_huge_journey_is_judged_all_the_same() -> None:
    """However many activities there are, their number is told, in no time."""
    many = wh.Journey("J", [use(f"{i}", path=wh.expression("@action{Loyalty.status}")) for i in range(3000)])

    assert ("$.activities", "R283") in found(many, OPTIMIZER)


# Publication


def test_actions_are_given_one_or_many() -> None:
    """One action may stand for a sequence of one; anything else is told."""
    assert wh.publication_violations(DRAFT, LOYALTY) == wh.publication_violations(DRAFT, iter([LOYALTY])) == ()
    for nothing in (None, "Loyalty", [None], 7):
        assert [v.path for v in wh.publication_violations(DRAFT, nothing)] == ["$.actions"]


@pytest.mark.rule("R284")
async def test_errors_block_test_and_publication() -> None:
    """One error stands against both, and none against keeping the draft."""
    wrong = drawn(use(action="Nobody"))
    repository = await kept(wrong)

    for started in (wrong.publish(NOW), wrong.test(NOW), attrs.evolve(wrong, status="Publishing"), wrong.dry_run(NOW)):
        assert await refused(repository, started) == [("$.activities[1].action", "R284")]
    assert await repository.save(DRAFT.test(NOW)) == 2


@pytest.mark.rule("R68", "R147", "R190", "R203", "R280", "R284")
def test_everything_is_told_at_once() -> None:
    """The journey's faults first, then those of its activities in order."""
    reads = wh.expression("@action{Loyalty.nothing} + @action{Other.x}")
    needy = attrs.evolve(
        LOYALTY,
        name="Needy",
        url_configuration=wh.UrlConfiguration("https://h.example", headers={"X-A": wh.variable("A"), "X-B": "1"}),
    )
    journey = wh.Journey(
        "J",
        [
            use("a"),
            use("b", action="Nobody"),
            use("c", action="Needy", parameters={"id": reads, "di": "1"}, headers={"X-B": "2"}, next=["nowhere"]),
        ],
        timeout=99,
    )

    assert found(journey, STANDARD, LOYALTY, needy) == [
        ("$.timeout", "R203"),
        ("$.activities[0]", "R280"),
        ("$.activities[1].action", "R284"),
        ("$.activities[2]", "R284"),
        ("$.activities[2].headers.X-B", "R65"),
        ("$.activities[2].headers.X-A", "R68"),
        ("$.activities[2].parameters.di", "R144"),
        ("$.activities[2]", "R190"),
        ("$.activities[2]", "R190"),
    ]


@pytest.mark.rule("R284")
def test_links_lead_somewhere() -> None:
    """A link to a label that is not there, and one from an end, block; links between activities do not."""
    lost = [attrs.evolve(EVENT, next=["a"]), use(next=["b"], alternative_path=True, on_error="c"), END]
    endless = [attrs.evolve(EVENT, next=["end"]), attrs.evolve(END, next=["a"]), use()]

    assert found(wh.Journey("J", lost)) == [("$.activities[1]", "R284"), ("$.activities[1]", "R284")]
    assert found(wh.Journey("J", endless)) == [("$.activities[1].next", "R284")]


@pytest.mark.rule("R284")
def test_a_condition_says_when() -> None:
    """A condition without an expression has a transition without a condition, with the product's own code."""
    empty = wh.Activity("condition", label="c")

    [violation] = wh.publication_violations(drawn(empty), [])

    assert (violation.path, violation.code) == ("$.activities[1].conditions", "ERR_JOURNEYVERSION_200")
    assert [v.code for v in wh.publication_violations(drawn(use(parameters={})), [LOYALTY])] == [
        "ERR_JOURNEYVERSION_601"
    ]


@pytest.mark.rule("R284")
def test_an_action_that_breaks_the_edition_blocks() -> None:
    """What could not be saved in this edition is not published in it."""
    get = attrs.evolve(
        LOYALTY, message_parameters=(), url_configuration=wh.UrlConfiguration("https://h.example", method="DELETE")
    )

    assert found(drawn(use(parameters={})), OPTIMIZER, get) == [("$.activities[1].action", "R284")]


@pytest.mark.rule("R285")
async def test_warnings_do_not_block() -> None:
    """An activity that nothing leads to is only told; the journey goes live with it."""
    loose = wh.Journey("J", [attrs.evolve(EVENT, next=["end"]), use(next=["end"]), END])

    assert (found(loose), warned(loose)) == ([], [("$.activities[1]", "R285")])
    assert await (await kept()).save(loose.publish(NOW)) == 1
    assert warned(DRAFT) == []


@pytest.mark.rule("R190")
@pytest.mark.parametrize(
    ("text", "is_known"),
    [
        ("@action{Loyalty.status}", True),
        ("@action{Loyalty.home.city}", True),
        ("@action{Loyalty.jo_status_code}", True),
        ("@action{Loyalty.errorResponse.code}", True),
        ("@action{Loyalty.orders.total}", True),
        ("@action{Loyalty.status, defaultValue: @action{Loyalty.none}}", False),
        ("@action{Loyalty.stats}", False),
        ("@action{Loyalty.home.street}", False),
        ("@action{Loyalty.errorResponse.none}", False),
        ("@action{loyalty.status}", False),
    ],
)
def test_an_expression_reads_what_an_action_before_answers(text, is_known) -> None:
    """A declared field of an action that is used before; other names and fields block publication."""
    reading = use("b", path=wh.expression(text))

    assert found(drawn(use("a"), reading)) == ([] if is_known else [("$.activities[2]", "R190")])


@pytest.mark.rule("R190")
def test_only_what_leads_to_an_activity_is_before_it() -> None:
    """Not itself, not what follows, not a branch beside it; by the alternative path, however, it is."""
    reads = {"path": wh.expression("@action{Loyalty.status}")}
    branch = wh.Activity("condition", label="c", conditions={"a": wh.expression("true")}, next=["b"])
    other = attrs.evolve(LOYALTY, name="Other")

    beside = [attrs.evolve(EVENT, next=["c"]), branch, use(next=["end"]), use("b", "Other", next=["end"], **reads), END]
    on_error = [
        attrs.evolve(EVENT, next=["a"]),
        use(next=["end"], alternative_path=True, on_error="b"),
        use("b", "Other", next=["end"], **reads),
        END,
    ]

    assert found(drawn(use(**reads))) == [("$.activities[1]", "R190")]
    assert found(drawn(use("a", **reads), use("b"))) == [("$.activities[1]", "R190")]
    assert found(wh.Journey("J", beside), STANDARD, LOYALTY, other) == [("$.activities[3]", "R190")]
    assert found(wh.Journey("J", on_error), STANDARD, LOYALTY, other) == []


POLICY = wh.DataPolicy("emailTargeting", ["@event{Signup.contact}", "#{Profile.Person.email}"])


@pytest.mark.rule("R306")
@pytest.mark.parametrize(
    ("text", "is_free"),
    [
        ("@event{Signup.name}", True),
        ("@event{Other.contact}", True),
        ("@event{Signup.contact}", False),
        ("'x' + @event{Signup.contact.phone}", False),
        ("#{Profile.Person.email, defaultValue: ''}", False),
    ],
)
def test_restricted_data_blocks_publication(text, is_free) -> None:
    """A restricted field, or one below it, in any expression of an activity for that marketing action."""
    rails = attrs.evolve(STANDARD, data_policies=[POLICY])
    own = drawn(use(action="Mail", parameters={"id": wh.expression(text)}))
    additional = drawn(use(headers={"X-Id": wh.expression(text)}, additional_marketing_action="emailTargeting"))
    none = drawn(use(parameters={"id": wh.expression(text)}))

    expected = [] if is_free else [("$.activities[1]", "R306")]
    assert found(own, rails, LOYALTY, MAIL) == expected
    assert found(additional, rails) == expected
    assert found(none, rails) == found(own, STANDARD, MAIL) == []


@pytest.mark.rule("R306")
async def test_a_repository_keeps_data_policies() -> None:
    """Its guardrails hold them, so a save that publishes is refused."""
    repository = await kept(MAIL, guardrails=attrs.evolve(STANDARD, data_policies=[POLICY]))
    journey = drawn(use(action="Mail", parameters={"id": wh.expression("@event{Signup.contact}")}))

    assert await repository.save(journey) == 1
    assert await refused(repository, journey.publish(NOW)) == [("$.activities[1]", "R306")]


@pytest.mark.rule("R306")
@pytest.mark.parametrize("restricted", [["Signup.phone"], ["'text'"], [7], 7, "@event{Signup.phone}"])
def test_a_restriction_is_a_reference(restricted) -> None:
    """Text that is no reference, or no sequence of them, is refused."""
    with pytest.raises(wh.DefinitionError, match="R306"):
        wh.DataPolicy("emailTargeting", restricted)


@pytest.mark.rule("R307", both=True)
async def test_a_journey_has_a_size() -> None:
    """At 89 % nothing is said, at 90 % a warning, at 100 % it is refused with 413; other editions have no limit."""

    def filled(rails: wh.Guardrails, share: float) -> wh.Journey:
        wanted = int(rails.journey_size * share)
        empty = drawn(use(parameters={"id": "x"}))
        size = next(n for n in range(2000) if _is_full(empty, n))
        return drawn(use(parameters={"id": "x" * (wanted - size + 1)}))

    rails = attrs.evolve(OPTIMIZER, journey_size=10_000)
    nearly, warning, full = (filled(rails, share) for share in (0.8999, 0.9, 1.0))

    assert (found(nearly, rails), warned(nearly, rails)) == ([], [])
    assert (found(warning, rails), warned(warning, rails)) == ([], [("$", "R307")])
    assert found(full, rails) == [("$", "R307")]
    assert [v.code for v in wh.publication_violations(full, [LOYALTY], guardrails=rails)] == ["413"]
    assert found(full) == []
    assert [v.code for v in wh.violations(full, guardrails=rails)] == ["413"]
    assert wh.violations(warning, guardrails=rails) == ()
    assert (OPTIMIZER.journey_size, ORCHESTRATION.journey_size) == (2_000_000, None)


def _is_full(journey: wh.Journey, size: int) -> bool:
    """Whether `size` bytes are too few for it."""
    rails = attrs.evolve(OPTIMIZER, journey_size=size + 1)
    return ("$", "R307") not in found(journey, rails)


@pytest.mark.rule("R308", both=True)
def test_with_the_select_package_an_error_leads_to_an_end() -> None:
    """Straight to an end, in a journey that begins with an event; without the package anywhere."""
    rails = attrs.evolve(STANDARD, select_package=True)
    event = attrs.evolve(EVENT, next=["a"])
    wait = wh.Activity("wait", label="w", next=["end"])
    to_end = wh.Journey("J", [event, use(next=["w"], alternative_path=True, on_error="end"), wait, END])
    to_wait = wh.Journey("J", [event, use(next=["end"], alternative_path=True, on_error="w"), wait, END])

    [violation] = wh.publication_violations(to_wait, [LOYALTY], guardrails=rails)

    assert (violation.path, violation.code) == ("$.activities[1].on_error", "ERR_PKG_SELECT_2")
    assert found(to_end, rails) == found(to_wait) == []

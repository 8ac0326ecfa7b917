"""Journey and its activities: where actions are used. No I/O.

Section 7 of the rules (R279 to R308); `timeout` after R203 and R204. `lifecycle.py` says how a journey lives.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import attrs

from wayhook.errors import DefinitionError, NotFound, Violation
from wayhook.expression.expression import Expression
from wayhook.jsonvalue import is_bounded
from wayhook.model.lifecycle import JourneyStatus, PauseMode, as_of, is_instant, next_version, step
from wayhook.model.parameter import Variable
from wayhook.model.shape import Shaped, as_pairs, as_tuple, as_word, pair_faults, require_names, type_fault
from wayhook.presentation import Presentable
from wayhook.secret import LiteralSecret, SecretReference, SecretText

if TYPE_CHECKING:
    from wayhook.model.guardrail import Guardrails

__all__ = [
    "ActionActivity",
    "Activity",
    "ActivityKind",
    "AnyActivity",
    "Journey",
    "JourneyStatus",
    "PauseMode",
    "renamed_labels",
    "unpublished",
]


class ActivityKind(StrEnum):
    """What an activity is that uses no action."""

    EVENT = "event"
    WAIT = "wait"
    CONDITION = "condition"
    END = "end"


def _kind(given: ActivityKind | str) -> ActivityKind:
    return as_word(ActivityKind, given)


def _status(given: JourneyStatus | str) -> JourneyStatus:
    return as_word(JourneyStatus, given)


def _pause_mode(given: PauseMode | str) -> PauseMode:
    return as_word(PauseMode, given)


def _labels(given: Iterable[str]) -> tuple[str, ...]:
    return as_tuple(given)


@attrs.frozen(repr=False)
class Activity(Shaped, Presentable):
    """A place of the canvas that uses no action: an event, a wait, a condition, an end.

    `kind`: one of these words. `label`: names it within its journey. `next`: the labels of what follows; empty in
    every activity means the order of the sequence. `conditions`, of a condition only: the label of what follows to
    the `Expression` that leads there; `next` is then for all other cases.
    """

    kind: ActivityKind = attrs.field(converter=_kind)
    label: str = attrs.field(kw_only=True)
    next: tuple[str, ...] = attrs.field(default=(), converter=_labels, kw_only=True)
    conditions: tuple[tuple[str, Any], ...] = attrs.field(default=(), converter=as_pairs, kw_only=True)
    description: str = attrs.field(default="", kw_only=True)

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type or does not fit together."""
        if not isinstance(self.kind, ActivityKind):
            yield Violation("$.kind", f"a kind of activity is one of {', '.join(ActivityKind)}")
        yield from _label_faults(self.label, self.next)
        yield from type_fault(self.description, str, "$.description", "text")
        if (faults := list(pair_faults(self.conditions, "$.conditions"))) or not self.conditions:
            yield from faults
            return
        if isinstance(self.kind, ActivityKind) and self.kind is not ActivityKind.CONDITION:
            yield Violation("$.conditions", f"only a condition has conditions, not {self.kind}")
        for label, condition in self.conditions:
            yield from type_fault(condition, Expression, f"$.conditions.{label}", "an expression")

    @property
    def expressions(self) -> Iterator[Expression]:
        """The expressions of this activity."""
        return (condition for _, condition in self.conditions)

    @property
    def links(self) -> tuple[str, ...]:
        """The labels that this activity names as what may follow, each once."""
        return tuple(dict.fromkeys((*(label for label, _ in self.conditions), *self.next)))

    def __repr__(self) -> str:
        return f"<Activity {self.label}: {self.kind}>"


def _label_faults(label: object, following: object) -> Iterator[Violation]:
    if not isinstance(label, str) or not label:
        yield Violation("$.label", "the label of an activity is a name")
    if not isinstance(following, tuple) or not all(isinstance(each, str) for each in following):
        yield Violation("$.next", "a sequence of the labels that follow belongs here")


@attrs.frozen(repr=False)
class ActionActivity(Shaped, Presentable):
    """One use of an action in a journey.

    `action`: the action's name. `label`: names the activity within its journey. `path`: appended to the static
    URL; empty calls the static URL itself (R50). `headers`, `query_parameters`, `parameters`: values for the
    action's variables, by header name, parameter name and dotted path. Each value is a literal, or an
    `Expression` made by `wayhook.expression(text)`; text is never code.
    `fields`: for a variable `listObject`, where its objects keep a field: `products.id` to `productId`, or to a
    sub-path such as `details.color`; the same name unless given (R165, R166).
    `alternative_path`: whether the journey goes on along a second path after an error or timeout; `on_error`: the
    label of that path's first activity, or empty where it is not drawn. `next`: the labels of what follows
    otherwise; empty in every activity means the order of the sequence.
    `additional_marketing_action`: beside the action's own, which cannot be changed here (R32).

    Literals are compared by their text form, since `1`, `1.0` and `True` are equal in Python and not in JSON.
    """

    action: str
    label: str = attrs.field(kw_only=True)
    path: str | Expression = attrs.field(default="", kw_only=True)
    headers: tuple[tuple[str, Any], ...] = attrs.field(default=(), converter=as_pairs, kw_only=True, eq=repr)
    query_parameters: tuple[tuple[str, Any], ...] = attrs.field(default=(), converter=as_pairs, kw_only=True, eq=repr)
    parameters: tuple[tuple[str, Any], ...] = attrs.field(default=(), converter=as_pairs, kw_only=True, eq=repr)
    fields: tuple[tuple[str, str], ...] = attrs.field(default=(), converter=as_pairs, kw_only=True)
    alternative_path: bool = attrs.field(default=False, kw_only=True)
    on_error: str = attrs.field(default="", kw_only=True)
    next: tuple[str, ...] = attrs.field(default=(), converter=_labels, kw_only=True)
    description: str = attrs.field(default="", kw_only=True)
    additional_marketing_action: str | None = attrs.field(default=None, kw_only=True)

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type or does not fit together."""
        if not isinstance(self.action, str) or not self.action:
            yield Violation("$.action", "the action of an activity is a name")
        yield from _label_faults(self.label, self.next)
        if not isinstance(self.path, str | Expression):
            yield Violation("$.path", f"a path is text or an expression, not {type(self.path).__name__}", "R51")
        for name in ("headers", "query_parameters", "parameters", "fields"):
            faults = list(pair_faults(getattr(self, name), f"$.{name}"))
            yield from faults or self._value_faults(name)
        for name, kind, wanted in (
            ("alternative_path", bool, "True or False"),
            ("on_error", str, "the label of an activity"),
            ("description", str, "text"),
            ("additional_marketing_action", (str, type(None)), "text"),
        ):
            yield from type_fault(getattr(self, name), kind, f"$.{name}", wanted)
        if self.on_error and self.alternative_path is False:
            yield Violation("$.on_error", "without an alternative path nothing follows an error; set alternative_path")

    def _value_faults(self, name: str) -> Iterator[Violation]:
        for key, value in getattr(self, name):
            if name == "fields":
                yield from type_fault(value, str, f"$.fields.{key}", "the name of a field", "R166")
            elif isinstance(value, Variable | SecretReference | LiteralSecret | SecretText):
                message = "a literal or an expression belongs here; variables and secrets belong to the action"
                yield Violation(f"$.{name}.{key}", message)
            elif not is_bounded(value):
                yield Violation(f"$.{name}.{key}", "this is too deep or too large, or contains itself; make it smaller")

    @property
    def expressions(self) -> Iterator[Expression]:
        """The expressions of this activity."""
        values = (
            self.path,
            *(v for part in (self.headers, self.query_parameters, self.parameters) for _, v in part),
        )
        return (value for value in values if isinstance(value, Expression))

    @property
    def title(self) -> str:
        """The name that is shown: the label is a suffix of the action's, `Slack-Alert` (R305)."""
        return f"{self.action}-{self.label}"

    @property
    def links(self) -> tuple[str, ...]:
        """The labels that this activity names as what may follow, each once."""
        return tuple(dict.fromkeys((*self.next, *((self.on_error,) if self.on_error else ()))))

    def __repr__(self) -> str:
        return f"<ActionActivity {self.label}: {self.action}>"


AnyActivity = ActionActivity | Activity


def _activities(given: Iterable[AnyActivity]) -> tuple[AnyActivity, ...]:
    return as_tuple(given)


def _versions(given: Iterable[Journey]) -> tuple[Journey, ...]:
    return as_tuple(given)


def _instant(given: datetime | None) -> datetime | None:
    """An instant in UTC, since two that are written in different zones need not compare; others as they are."""
    try:
        return given.astimezone(UTC) if is_instant(given) and given is not None else given
    except OverflowError:  # on the first or last day of the calendar
        return given


REENTRANCE_WAIT = 300.0
MAX_VERSION = 1_000_000
_UNPUBLISHED = frozenset(
    {
        JourneyStatus.DRAFT,
        JourneyStatus.DRAFT_TEST,
        JourneyStatus.DRY_RUN,
        JourneyStatus.PUBLISHING,
        JourneyStatus.ACTIVATING_TEST_MODE,
        JourneyStatus.DEACTIVATING_TEST_MODE,
        JourneyStatus.ACTIVATING_DRY_RUN,
    }
)


@attrs.frozen(repr=False)
class Journey(Shaped, Presentable):
    """What uses actions: its latest version, with the earlier ones below it.

    `name`: unique among journeys, and shared by all versions (R297). `activities`: labels are unique.
    `timeout`: seconds for an external call and its retries together, 1 to 30 (R203); None takes the edition's
    default (R204). `status`: Draft unless given (R279); commands such as `publish` and `close` change it.
    `version`: from 1; `earlier`: the versions before, oldest first, none of which has `earlier` of its own.
    `reentrance`: whether an individual may come again; `reentrance_wait`: seconds until then, at most 90 days
    (R300), equal in all versions (R298). `time_zone`, `namespace`: names that an engine understands, or empty.
    `pause_mode`: what happens at an action while the journey is paused (R231). `published`, `closed`, `paused`,
    `tested`: when the version was last, in UTC; None where it was not, or is so no longer.

    Raises `DefinitionError` with every part that is of a wrong type or does not fit the others.
    """

    name: str
    activities: tuple[AnyActivity, ...] = attrs.field(default=(), converter=_activities)
    timeout: float | None = attrs.field(default=None, kw_only=True)
    description: str = attrs.field(default="", kw_only=True)
    status: JourneyStatus = attrs.field(default=JourneyStatus.DRAFT, converter=_status, kw_only=True)
    version: int = attrs.field(default=1, kw_only=True)
    earlier: tuple[Journey, ...] = attrs.field(default=(), converter=_versions, kw_only=True)
    reentrance: bool = attrs.field(default=True, kw_only=True)
    reentrance_wait: float = attrs.field(default=REENTRANCE_WAIT, kw_only=True)
    time_zone: str = attrs.field(default="", kw_only=True)
    namespace: str = attrs.field(default="", kw_only=True)
    pause_mode: PauseMode = attrs.field(default=PauseMode.HOLD, converter=_pause_mode, kw_only=True)
    published: datetime | None = attrs.field(default=None, converter=_instant, kw_only=True)
    closed: datetime | None = attrs.field(default=None, converter=_instant, kw_only=True)
    paused: datetime | None = attrs.field(default=None, converter=_instant, kw_only=True)
    tested: datetime | None = attrs.field(default=None, converter=_instant, kw_only=True)

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type or does not fit together."""
        if not isinstance(self.name, str) or not self.name:
            yield Violation("$.name", "a journey has a name")
        if self.timeout is not None and not _is_number(self.timeout):
            yield Violation("$.timeout", f"a timeout is a number of seconds, not {type(self.timeout).__name__}", "R203")
        if not isinstance(self.status, JourneyStatus):
            yield Violation("$.status", f"a status is one of {', '.join(JourneyStatus)}")
        if not isinstance(self.pause_mode, PauseMode):
            yield Violation("$.pause_mode", f"a pause mode is one of {', '.join(PauseMode)}", "R231")
        yield from self._setting_faults()
        yield from self._activity_faults()
        yield from self._version_faults()

    def _setting_faults(self) -> Iterator[Violation]:
        for name in ("description", "time_zone", "namespace"):
            yield from type_fault(getattr(self, name), str, f"$.{name}", "text")
        yield from type_fault(self.reentrance, bool, "$.reentrance", "True or False", "R300")
        if not _is_number(self.reentrance_wait) or not 0 <= self.reentrance_wait < math.inf:
            yield Violation("$.reentrance_wait", "give a number of seconds, from 0", "R300")
        for name in ("published", "closed", "paused", "tested"):
            if (instant := getattr(self, name)) is not None and getattr(instant, "tzinfo", None) is not UTC:
                yield Violation(f"$.{name}", "give a date and time with an offset, or None")

    def _activity_faults(self) -> Iterator[Violation]:
        yield from type_fault(self.activities, tuple, "$.activities", "a sequence of ActionActivity")
        labels: set[str] = set()
        for i, activity in enumerate(self.activities if isinstance(self.activities, tuple) else ()):
            if not isinstance(activity, AnyActivity):
                message = f"an ActionActivity or an Activity belongs here, not {type(activity).__name__}"
                yield Violation(f"$.activities[{i}]", message)
            elif activity.label in labels:
                message = f"two activities are labelled {activity.label!r}; rename one"
                yield Violation(f"$.activities[{i}].label", message)
            else:
                labels.add(activity.label)

    def _version_faults(self) -> Iterator[Violation]:
        if not _is_version(self.version):
            yield Violation("$.version", f"versions are whole numbers from 1 to {MAX_VERSION:,}", "R295")
            return
        yield from type_fault(self.earlier, tuple, "$.earlier", "a sequence of Journey")
        before = 0
        for i, version in enumerate(self.earlier if isinstance(self.earlier, tuple) else ()):
            path = f"$.earlier[{i}]"
            if not isinstance(version, Journey):
                yield Violation(path, f"a Journey belongs here, not {type(version).__name__}")
                continue
            if version.name != self.name:
                yield Violation(f"{path}.name", f"all versions are named {self.name!r}; use renamed(name)", "R297")
            if not before < version.version < self.version:
                yield Violation(f"{path}.version", "versions go up, and the journey itself is the latest", "R295")
            if version.earlier:
                yield Violation(f"{path}.earlier", "an earlier version has none below it; put all side by side", "R295")
            if version.status in _UNPUBLISHED:
                yield Violation(f"{path}.status", f"an earlier version was published, not {version.status}", "R295")
            before = version.version

    @property
    def actions(self) -> tuple[str, ...]:
        """The names of the actions used by any version, each once, the latest version's first (R14, R15)."""
        used = (activity.action for version in (self, *self.earlier) for activity in version.action_activities)
        return tuple(dict.fromkeys(used))

    @property
    def action_activities(self) -> tuple[ActionActivity, ...]:
        """The activities of this version that use an action, in order."""
        return tuple(activity for activity in self.activities if isinstance(activity, ActionActivity))

    @property
    def versions(self) -> tuple[Journey, ...]:
        """All versions, oldest first; the last one is the journey itself."""
        return (*self.earlier, self)

    @property
    def current(self) -> Journey:
        """The version that runs: the latest one that was published, or this one if none was."""
        published = [version for version in self.versions if version.status not in _UNPUBLISHED]
        return published[-1] if published else self

    def at(self, version: int) -> Journey:
        """Return that version; an earlier one comes without those before it. Raises `NotFound`."""
        for each in self.versions if _is_version(version) else ():
            if each.version == version:
                return each
        shown = f"{version}" if _is_version(version) else type(version).__name__
        raise NotFound(f"version of {self.name}", shown)

    def activity(self, label: str) -> ActionActivity:
        """Return the activity of this version that is labelled `label` and uses an action; raises `NotFound`."""
        for activity in self.activities:
            if isinstance(activity, ActionActivity) and activity.label == label:
                return activity
        raise NotFound(f"activity of {self.name}", label)

    def publish(self, now: datetime) -> Journey:
        """Return the journey with its draft Live and the version before it Closed (R286, R287, R296).

        What blocks publication is told by `publication_violations`, and by the repository on save. Raises
        `DefinitionError` where the journey is no draft: a closed or stopped one is not started again (R292).
        """
        return step(self, "publish", now, published=now)

    def test(self, now: datetime) -> Journey:
        """Return the draft in test mode, or in test mode for another week (R287, R303)."""
        return step(self, "test", now, tested=now)

    def end_test(self, now: datetime) -> Journey:
        """Return the draft out of test mode."""
        return step(self, "end_test", now)

    def dry_run(self, now: datetime) -> Journey:
        """Return the draft in a dry run: its actions are not called (R230)."""
        return step(self, "dry_run", now)

    def end_dry_run(self, now: datetime) -> Journey:
        """Return the draft out of its dry run."""
        return step(self, "end_dry_run", now)

    def pause(self, now: datetime, *, mode: PauseMode | str = PauseMode.HOLD, version: int | None = None) -> Journey:
        """Return the journey with a Live version Paused; `mode`: what happens at an action (R231, R301).

        `version`: the latest one unless given, here and in the commands below.
        """
        return step(self, "pause", now, version, paused=now, pause_mode=mode)

    def resume(self, now: datetime, *, version: int | None = None) -> Journey:
        """Return the journey with a Paused version Live again."""
        return step(self, "resume", now, version)

    def close(self, now: datetime, *, version: int | None = None) -> Journey:
        """Return the journey with a Live version Closed: nobody enters, who is inside goes on (R290)."""
        return step(self, "close", now, version, closed=now)

    def stop(self, now: datetime, *, version: int | None = None) -> Journey:
        """Return the journey with a Live or Closed version Stopped: everybody inside stops (R291)."""
        return step(self, "stop", now, version)

    def finish(self, now: datetime, *, version: int | None = None) -> Journey:
        """Return the journey with a Closed or Stopped version Finished: nobody is inside any more (R293)."""
        return step(self, "finish", now, version)

    def as_of(self, now: datetime, guardrails: Guardrails) -> Journey:
        """Return the journey as time has left it: closed ones finish (R293), long pauses (R301) and idle test modes
        end (R303)."""  # noqa: D205, D209 - one sentence
        return as_of(self, now, guardrails)

    def new_version(self) -> Journey:
        """Return a draft of the next version; raises `DefinitionError` unless the latest one was published (R295)."""
        return next_version(self)

    def discard_draft(self) -> Journey:
        """Return the journey without the draft of its latest version.

        Raises `DefinitionError` where the latest version is no draft, or the only one.
        """
        if self.status is not JourneyStatus.DRAFT or not self.earlier:
            message = "there is no draft of a later version to discard; delete a journey that was never published"
            raise DefinitionError([Violation("$.status", message, "R295")])
        return attrs.evolve(self.earlier[-1], earlier=self.earlier[:-1])

    def renamed(self, name: str) -> Journey:
        """Return the journey, all of its versions, under another name (R297)."""
        earlier = tuple(attrs.evolve(version, name=name) for version in self.earlier)
        return attrs.evolve(self, name=name, earlier=earlier)

    def duplicate(self, taken: Collection[str] = ()) -> Journey:
        """Return a draft of its own named `<name>_copy`, or with a number where that is one of `taken` (R304)."""
        require_names(taken, "$.taken")
        names = (f"{self.name}_copy{number if number > 1 else ''}" for number in range(1, len(taken) + 2))
        name = next(name for name in names if name not in taken)
        return attrs.evolve(unpublished(self), name=name, version=1, earlier=())

    def renaming_action(self, old: str, new: str) -> Journey:
        """Return the journey, all versions, with the action `old` called `new` in activities and expressions (R16)."""
        return attrs.evolve(
            self,
            activities=(_with_action(activity, old, new) for activity in self.activities),
            earlier=(version.renaming_action(old, new) for version in self.earlier),
        )

    def __repr__(self) -> str:
        count = len(self.activities)
        version = f" v{self.version}" if self.version > 1 else ""
        return f"<Journey {self.name}{version}: {self.status}, {count} activit{'y' if count == 1 else 'ies'}>"


def unpublished(journey: Journey) -> Journey:
    """Return this version as the draft that it was before it was published."""
    return attrs.evolve(journey, status=JourneyStatus.DRAFT, published=None, closed=None, paused=None, tested=None)


def _is_version(value: object) -> bool:
    return type(value) is int and 1 <= value <= MAX_VERSION


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _with_action(activity: AnyActivity, old: str, new: str) -> AnyActivity:
    def renamed(value: Any) -> Any:
        return value.renaming_action(old, new) if isinstance(value, Expression) else value

    def renamed_pairs(pairs: tuple[tuple[str, Any], ...]) -> tuple[tuple[str, Any], ...]:
        return tuple((key, renamed(value)) for key, value in pairs)

    if isinstance(activity, Activity):
        return attrs.evolve(activity, conditions=renamed_pairs(activity.conditions))
    return attrs.evolve(
        activity,
        action=new if activity.action == old else activity.action,
        path=renamed(activity.path),
        headers=renamed_pairs(activity.headers),
        query_parameters=renamed_pairs(activity.query_parameters),
        parameters=renamed_pairs(activity.parameters),
    )


def renamed_labels(activity: AnyActivity, names: Mapping[str, str]) -> AnyActivity:
    """Return an activity with its label, and those that it names, as `names` says; others stay."""

    def of(label: str) -> str:
        return names.get(label, label)

    following = tuple(map(of, activity.next))
    if isinstance(activity, Activity):
        conditions = tuple((of(label), condition) for label, condition in activity.conditions)
        return attrs.evolve(activity, label=of(activity.label), next=following, conditions=conditions)
    return attrs.evolve(activity, label=of(activity.label), next=following, on_error=of(activity.on_error))

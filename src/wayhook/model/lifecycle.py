"""The life of a journey: its statuses, the steps between them, and what time alone does. No I/O.

Section 7.2 of the rules. Every step is a row of `STEPS`; what is in no row does not happen (R286 to R293).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import attrs

from wayhook.errors import DefinitionError, Violation

if TYPE_CHECKING:
    from wayhook.model.guardrail import Guardrails
    from wayhook.model.journey import Journey

__all__ = [
    "CHECKED",
    "DRY_RUNS",
    "EDITABLE",
    "INTERMEDIATE",
    "PAUSES",
    "RUNNING",
    "STEPS",
    "JourneyStatus",
    "PauseMode",
    "Step",
    "as_of",
    "is_instant",
    "is_lawful",
    "next_version",
    "step",
    "step_rule",
]


class JourneyStatus(StrEnum):
    """The statuses of a journey (section 7.2); those from `Publishing` on are on the way to another (R302)."""

    DRAFT = "Draft"
    DRAFT_TEST = "Draft (Test)"
    LIVE = "Live"
    CLOSED = "Closed"
    STOPPED = "Stopped"
    FINISHED = "Finished"
    PAUSED = "Paused"
    DRY_RUN = "Dry run"
    PUBLISHING = "Publishing"
    STOPPING = "Stopping"
    ACTIVATING_TEST_MODE = "Activating test mode"
    DEACTIVATING_TEST_MODE = "Deactivating test mode"
    PAUSING = "Pausing"
    RESUMING = "Resuming"
    ACTIVATING_DRY_RUN = "Activating dry run"


class PauseMode(StrEnum):
    """What happens at an action of a paused journey: the individual is held there, or discarded (R231)."""

    HOLD = "hold"
    DISCARD = "discard"


_DRAFT, _TEST, _LIVE = JourneyStatus.DRAFT, JourneyStatus.DRAFT_TEST, JourneyStatus.LIVE
_CLOSED, _STOPPED, _FINISHED = JourneyStatus.CLOSED, JourneyStatus.STOPPED, JourneyStatus.FINISHED
_PAUSED, _DRY_RUN = JourneyStatus.PAUSED, JourneyStatus.DRY_RUN

INTERMEDIATE = frozenset(
    {
        JourneyStatus.PUBLISHING,
        JourneyStatus.STOPPING,
        JourneyStatus.ACTIVATING_TEST_MODE,
        JourneyStatus.DEACTIVATING_TEST_MODE,
        JourneyStatus.PAUSING,
        JourneyStatus.RESUMING,
        JourneyStatus.ACTIVATING_DRY_RUN,
    }
)
EDITABLE = frozenset({_DRAFT, _PAUSED})
ENDED = frozenset({_CLOSED, _STOPPED, _FINISHED})
PAUSES = frozenset({_PAUSED, JourneyStatus.PAUSING, JourneyStatus.RESUMING})
DRY_RUNS = frozenset({_DRY_RUN, JourneyStatus.ACTIVATING_DRY_RUN})
RUNNING = PAUSES | {_LIVE}
CHECKED = DRY_RUNS | {_LIVE, _TEST, JourneyStatus.PUBLISHING, JourneyStatus.ACTIVATING_TEST_MODE}
"""The statuses that a journey comes to only when nothing stands against it (R284)."""


@attrs.frozen
class Step:
    """One row: `command` leads from each of `sources` to `target`, perhaps `through` a status in between."""

    command: str
    sources: tuple[JourneyStatus, ...]
    target: JourneyStatus
    through: JourneyStatus | None = None
    rule: str = "R302"

    @property
    def pairs(self) -> frozenset[tuple[JourneyStatus, JourneyStatus]]:
        """From and to, of the whole step and of its two halves."""
        if self.through is None:
            return frozenset((source, self.target) for source in self.sources)
        halves = {(source, self.through) for source in self.sources} | {(self.through, self.target)}
        return frozenset(halves | {(source, self.target) for source in self.sources})


STEPS = {
    row.command: row
    for row in (
        Step("publish", (_DRAFT, _TEST), _LIVE, JourneyStatus.PUBLISHING, "R286"),
        Step("test", (_DRAFT, _TEST), _TEST, JourneyStatus.ACTIVATING_TEST_MODE, "R288"),
        Step("end_test", (_TEST,), _DRAFT, JourneyStatus.DEACTIVATING_TEST_MODE, "R288"),
        Step("dry_run", (_DRAFT,), _DRY_RUN, JourneyStatus.ACTIVATING_DRY_RUN, "R230"),
        Step("end_dry_run", (_DRY_RUN,), _DRAFT, rule="R230"),
        Step("pause", (_LIVE,), _PAUSED, JourneyStatus.PAUSING, "R301"),
        Step("resume", (_PAUSED,), _LIVE, JourneyStatus.RESUMING, "R301"),
        Step("close", (_LIVE,), _CLOSED, rule="R290"),
        Step("stop", (_LIVE, _CLOSED), _STOPPED, JourneyStatus.STOPPING, "R291"),
        Step("finish", (_CLOSED, _STOPPED), _FINISHED, rule="R293"),
    )
}
_PAIRS = frozenset(pair for row in STEPS.values() for pair in row.pairs)
_BY_TIME = frozenset({(_CLOSED, _FINISHED), (_PAUSED, _LIVE), (_TEST, _DRAFT)})
_RULES = {row.target: row.rule for row in STEPS.values()} | {_LIVE: "R286", _DRAFT: "R289"}

PAUSE_LIMIT = timedelta(days=14)
IDLE_TEST_LIMIT = timedelta(days=7)


def is_lawful(old: JourneyStatus, new: JourneyStatus) -> bool:
    """Whether a journey may go from `old` to `new`: not at all, by one step, or by one after what time did."""
    waited = (mid for before, mid in _BY_TIME if before is old)
    return old is new or (old, new) in _PAIRS or any((mid, new) in _PAIRS for mid in waited)


def step_rule(old: JourneyStatus, new: JourneyStatus) -> str:
    """Return the number of the rule that a step from `old` to `new` would break."""
    return "R292" if old in ENDED and new not in ENDED else _RULES.get(new, "R302")


def is_instant(value: object) -> bool:
    """Whether a value is a date and time with an offset."""
    return isinstance(value, datetime) and value.tzinfo is not None


def step(journey: Journey, command: str, now: datetime, version: int | None = None, **changes: Any) -> Journey:
    """Return `journey` after `command` on its latest version, or on `version`.

    Publishing closes the version before (R296). Raises `DefinitionError` where no step leads from, and `NotFound`
    for a version that there is none of.
    """
    _require_instant(now)
    row = STEPS[command]
    subject = journey.at(journey.version if version is None else version)
    if subject.status not in (*row.sources, row.through):
        rule = "R292" if command == "publish" and subject.status in ENDED else row.rule
        sources = " or ".join(row.sources)
        message = f"{command} leads from {sources} to {row.target}; version {subject.version} is {subject.status}"
        raise DefinitionError([Violation("$.status", message, rule)])
    after = {"status": row.target, "paused": None, "tested": None, **changes}
    if command == "publish":
        after["earlier"] = tuple(_superseded(before, now) for before in journey.earlier)
    return _with_version(journey, attrs.evolve(subject, **after))


def _superseded(version: Journey, now: datetime) -> Journey:
    """What becomes of an earlier version when the next one is published (R296)."""
    if version.status is _LIVE:
        return attrs.evolve(version, status=_CLOSED, closed=now)
    if version.status in ENDED:
        return version
    message = f"version {version.version} is {version.status}; resume it, or wait until it is Live, before publishing"
    raise DefinitionError([Violation("$.status", message, "R296")])


def _with_version(journey: Journey, version: Journey) -> Journey:
    """Return `journey` with that version of it in its place."""
    if version.version == journey.version:
        return version
    return attrs.evolve(journey, earlier=(version if v.version == version.version else v for v in journey.earlier))


def as_of(journey: Journey, now: datetime, guardrails: Guardrails) -> Journey:
    """Return `journey` as time has left it, each version by itself.

    A closed one finishes after the days of the edition (R293), a pause of more than 14 days ends (R301), a test
    mode that was idle for a week too (R303).
    """
    _require_instant(now)
    days = getattr(guardrails, "finished_after_days", None)  # the class itself is above this module
    if type(days) is not int:
        message = "guardrails are an edition, such as Guardrails.standard()"
        raise DefinitionError([Violation("$.guardrails", message)])
    finished_after = timedelta(days=days)
    due: dict[JourneyStatus, tuple[str, Callable[[timedelta], bool], dict[str, Any]]] = {
        _CLOSED: ("closed", lambda elapsed: elapsed >= finished_after, {"status": _FINISHED}),
        _PAUSED: ("paused", lambda elapsed: elapsed > PAUSE_LIMIT, {"status": _LIVE, "paused": None}),
        _TEST: ("tested", lambda elapsed: elapsed >= IDLE_TEST_LIMIT, {"status": _DRAFT, "tested": None}),
    }
    for number in [version.version for version in journey.versions]:
        version = journey.at(number)
        name, is_due, changes = due.get(version.status, ("", bool, {}))
        since = getattr(version, name) if name else None
        if since is not None and is_due(now - since):
            journey = _with_version(journey, attrs.evolve(version, **changes))
    return journey


def next_version(journey: Journey) -> Journey:
    """Return a draft of the next version; raises `DefinitionError` unless the latest one was published (R295)."""
    if journey.status not in (_LIVE, *ENDED):
        message = f"a new version follows one that is Live or has ended; version {journey.version} is {journey.status}"
        raise DefinitionError([Violation("$.status", message, "R295")])
    kept = attrs.evolve(journey, earlier=())
    return attrs.evolve(
        journey,
        version=journey.version + 1,
        earlier=(*journey.earlier, kept),
        status=_DRAFT,
        published=None,
        closed=None,
    )


def _require_instant(now: object) -> None:
    if not is_instant(now):
        message = "give the date and time with an offset, such as datetime.now(UTC)"
        raise DefinitionError([Violation("$.now", message)])

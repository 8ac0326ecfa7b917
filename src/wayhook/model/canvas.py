"""The canvas of a journey: which activity leads to which. No I/O.

A journey is *drawn* when it has an `Activity` or says what follows what. Where no activity says so, each leads to the
one after it in the sequence, an end to none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping

import attrs

from wayhook.model.journey import ActionActivity, Activity, ActivityKind, AnyActivity, Journey

__all__ = ["Canvas"]

Links = Mapping[str, tuple[str, ...]]


@attrs.frozen
class Canvas:
    """The activities of one version by label, and the links between them; labels that are not there are left out.

    `main`: what follows without a condition or an error. `links`: all that may follow.
    """

    activities: Mapping[str, AnyActivity]
    main: Links
    links: Links
    _back: Mapping[str, list[str]]

    @classmethod
    def of(cls, journey: Journey) -> Canvas:
        """Return the canvas of the version `journey`."""
        activities = {activity.label: activity for activity in journey.activities}
        main = {label: activity.next for label, activity in activities.items()}
        if not any(a.next or (isinstance(a, Activity) and a.conditions) for a in activities.values()):
            main = dict(_in_sequence(journey.activities))
        links = _known({label: (*main[label], *activity.links) for label, activity in activities.items()}, activities)
        return cls(activities, _known(main, activities), links, _reversed(links))

    @property
    def is_drawn(self) -> bool:
        """Whether the journey is more than a sequence of actions."""
        return any(isinstance(a, Activity) or a.links for a in self.activities.values())

    @property
    def entry(self) -> str | None:
        """The label of the activity that the journey begins with: that no other leads to, an event before others."""
        targets = {label for following in self.links.values() for label in following}
        starts = [label for label in self.activities if label not in targets] or list(self.activities)
        return next((label for label in starts if self.is_event(label)), starts[0] if starts else None)

    @property
    def is_unitary(self) -> bool:
        """Whether individuals enter one by one: the journey begins with an event."""
        return self.entry is not None and self.is_event(self.entry)

    def is_event(self, label: str) -> bool:
        """Whether an event is labelled so."""
        return _is(self.activities[label], ActivityKind.EVENT)

    def is_end(self, label: str) -> bool:
        """Whether an end is labelled so; nothing may be."""
        return label in self.activities and _is(self.activities[label], ActivityKind.END)

    @property
    def disconnected(self) -> tuple[str, ...]:
        """The labels of what cannot be reached from the entry (R285)."""
        reached = _reached(self.links, [] if self.entry is None else [self.entry])
        return tuple(label for label in self.activities if label not in reached)

    @property
    def parallel(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Labels after which more than one action follows at once, with those of the actions (R281)."""
        for label, following in self.main.items():
            actions = tuple(each for each in following if isinstance(self.activities[each], ActionActivity))
            if len(actions) > 1:
                yield label, actions

    @property
    def loops(self) -> Iterator[tuple[str, str]]:
        """Links that lead back: from a label to one that leads to it (R282)."""
        done: set[str] = set()
        for root in self.activities:
            under_way: dict[str, Iterator[str]] = {} if root in done else {root: iter(self.links[root])}
            while under_way:
                label, following = next(reversed(under_way.items()))
                below = next(following, None)
                if below is None:
                    done.add(label)
                    del under_way[label]
                elif below in under_way:
                    yield label, below
                elif below not in done:
                    under_way[below] = iter(self.links[below])

    def before(self, label: str) -> frozenset[str]:
        """Return the labels of what may have happened before the activity `label`."""
        return frozenset(_reached(self._back, self._back[label]))


def _is(activity: AnyActivity, kind: ActivityKind) -> bool:
    return isinstance(activity, Activity) and activity.kind is kind


def _in_sequence(activities: tuple[AnyActivity, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for i, activity in enumerate(activities):
        following = () if _is(activity, ActivityKind.END) else activities[i + 1 : i + 2]
        yield activity.label, tuple(after.label for after in following)


def _known(links: Links, activities: Mapping[str, AnyActivity]) -> Links:
    return {
        label: tuple(dict.fromkeys(below for below in following if below in activities))
        for label, following in links.items()
    }


def _reversed(links: Links) -> Mapping[str, list[str]]:
    back: dict[str, list[str]] = {label: [] for label in links}
    for label, following in links.items():
        for below in following:
            back[below].append(label)
    return back


def _reached(links: Mapping[str, Iterable[str]], starts: Iterable[str]) -> set[str]:
    """What is reached from `starts`, these included."""
    reached, waiting = set(starts), deque(starts)
    while waiting:
        for below in links[waiting.popleft()]:
            if below not in reached:
                reached.add(below)
                waiting.append(below)
    return reached

"""The machine that runs a pattern: it tries ways in Java's order, and none of them twice at one place. No I/O.

A way that failed at a place of the text fails there again, whatever led to it; so each is tried once, and the work
grows with the length of the text times that of the pattern (except for references back to a group, whose
text makes a difference; they have the limit of `MAX_STEPS` only). What takes longer or more memory than a step counts
as several.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NoReturn

from wayhook.expression.effort import MAX_WORK, Uncounted, is_counting, left, spend
from wayhook.values import Misfit

__all__ = ["Machine", "Program"]

PER_STEP = 32
"""The work of a step."""
MAX_STEPS = MAX_WORK // PER_STEP
MAX_CODE = 5_000
_PER_START, _PER_MATCH = 3, 6
"""The steps that a start takes, and a match."""
_PLACES = 8
"""Places that are kept on the way in the time of one step."""

LETTER, SPLIT, JUMP, SAVE, PLACE, AGAIN, LOOK, ATOMIC, BACK, MATCH = range(10)
Instruction = tuple[Any, ...]
Saves = tuple[int | None, ...]


class Program:
    """A tree of `pattern` as instructions.

    `places`: how many places are kept on the way: start and end of the match and of each group, and where the
    current round of each repetition began that may match nothing. `size`: how many instructions there are, those of
    inner programs too.
    """

    def __init__(self, tree: Any, groups: int, outer: Program | None = None) -> None:
        self.groups, self.remembers = groups, True
        self._rounds: itertools.count[int] = itertools.count(2 * groups + 2) if outer is None else outer._rounds  # noqa: SLF001 - its own class
        self._count: itertools.count[int] = itertools.count() if outer is None else outer._count  # noqa: SLF001
        self.code: list[Instruction] = []
        self._add(tree)
        self.code.append((MATCH,))
        self.places = next(self._rounds) if outer is None else 0
        self.size = next(self._count) + 1

    def _emit(self, *instruction: Any) -> int:
        if next(self._count) >= MAX_CODE:
            raise Misfit("takes a regular expression that is not so large; repeat less")
        self.code.append(instruction)
        return len(self.code) - 1

    def _add(self, tree: Any) -> None:
        getattr(self, f"_{type(tree).__name__.lower()}")(tree)

    def _letter(self, tree: Any) -> None:
        self._emit(LETTER, tree.test, tree.weight - 1)

    def _place(self, tree: Any) -> None:
        self._emit(PLACE, tree.test)

    def _row(self, tree: Any) -> None:
        for part in tree.parts:
            self._add(part)

    def _either(self, tree: Any) -> None:
        ends = []
        for part in tree.parts[:-1]:
            fork = self._emit(SPLIT)
            self._add(part)
            ends.append(self._emit(JUMP))
            self.code[fork] = (SPLIT, fork + 1, len(self.code))
        self._add(tree.parts[-1])
        for end in ends:
            self.code[end] = (JUMP, len(self.code))

    def _group(self, tree: Any) -> None:
        self._emit(SAVE, 2 * tree.number)
        self._add(tree.part)
        self._emit(SAVE, 2 * tree.number + 1)

    def _repeat(self, tree: Any) -> None:
        for _ in range(tree.low):
            self._add(tree.part)
        if tree.high is None:
            self._without_end(tree)
            return
        forks = []
        for _ in range(tree.high - tree.low):
            forks.append(self._emit(SPLIT))
            self._add(tree.part)
        for fork in forks:
            self._fork(fork, tree)

    def _without_end(self, tree: Any) -> None:
        fork = self._emit(SPLIT)
        place = next(self._rounds) if tree.is_empty else None
        if place is not None:
            self._emit(SAVE, place)
        self._add(tree.part)
        end = self._emit(JUMP, fork)
        if place is not None:
            self.code[end] = (AGAIN, place, fork)
        self._fork(fork, tree)

    def _fork(self, fork: int, tree: Any) -> None:
        """Set the two ways of a repetition: once more, and on; the lazy one goes on first."""
        ways = (fork + 1, len(self.code))
        self.code[fork] = (SPLIT, *(reversed(ways) if tree.mode == "?" else ways))

    def _inner(self, tree: Any) -> Program:
        inner = Program(tree, self.groups, self)
        self.remembers = self.remembers and inner.remembers
        return inner

    def _look(self, tree: Any) -> None:
        self._emit(LOOK, self._inner(tree.part), tree.width, tree.wanted)

    def _atomic(self, tree: Any) -> None:
        self._emit(ATOMIC, self._inner(tree.part))

    def _back(self, tree: Any) -> None:
        self.remembers = False
        self._emit(BACK, tree.number, tree.fold)


class Machine:
    """One program on one text. `frame`: of the evaluation that pays for the steps, None where nobody does."""

    def __init__(self, program: Program, text: str, frame: Any = None) -> None:
        self.program, self.text, self.steps = program, text, 2 * _PER_START
        self._frame, self._paid, self._most = frame, 0, min(MAX_STEPS, left(frame) // PER_STEP)
        self._per_save = 1 + program.places // _PLACES
        self.failed: dict[tuple[int, int | None], set[int]] = {}

    def at(self, start: int, *, whole: bool) -> Saves | None:
        """Return the places of the match from `start`, and to the end if `whole`; None if there is none."""
        nothing: Saves = (None,) * self.program.places
        found = self._run(self.program, start, nothing, len(self.text) if whole else None)
        spend(self._frame, (self.steps - self._paid) * PER_STEP)
        self._paid = self.steps
        return found

    def every(self) -> Iterator[Saves]:
        """Yield the matches from left to right, none overlapping another."""
        start = 0
        while start <= len(self.text):
            match = self.at(start, whole=False)
            if match is None:
                start += 1
                continue
            yield match[: 2 * self.program.groups + 2]
            end = match[1] or 0
            self._forget(end)
            start = end if end > start else start + 1

    def _forget(self, end: int) -> None:
        """Take back what a match left at its end: ways that were not tried to their own ends."""
        failed, width = self.failed[id(self.program), None], len(self.text) + 1
        failed.difference_update(range(end, len(self.program.code) * width, width))
        self._step(_PER_MATCH + len(self.program.code) // _PLACES)

    def _step(self, steps: int) -> None:
        self.steps += steps
        if self.steps > self._most:
            self._refuse()

    def _refuse(self) -> NoReturn:
        if not is_counting(self._frame):
            raise Uncounted
        if self._most < MAX_STEPS // 2:
            spend(self._frame, MAX_WORK)
        raise Misfit("takes a regular expression that needs less work on this text; make it simpler")

    def _run(  # noqa: C901, PLR0912, PLR0915 - the loop of a machine
        self, program: Program, start: int, saves: Saves, end: int | None
    ) -> Saves | None:
        """Run a program from `start`, to exactly `end` where it is given."""
        code, text, size = program.code, self.text, len(self.text)
        failed = self.failed.setdefault((id(program), end), set())
        width, most, per_save = size + 1, self._most, self._per_save
        ways: list[tuple[int, int, Saves]] = [(0, start, saves)]
        steps = self.steps + _PER_START
        while ways:
            pc, at, saves = ways.pop()
            while True:
                steps += 1
                if steps > most:
                    self._refuse()
                instruction = code[pc]
                kind = instruction[0]
                if kind == LETTER:
                    steps += instruction[2]
                    if at >= size or not instruction[1](text[at]):
                        break
                    at += 1
                elif kind == SPLIT:
                    if program.remembers:
                        way = pc * width + at
                        if way in failed:
                            break
                        failed.add(way)
                    ways.append((instruction[2], at, saves))
                    pc = instruction[1]
                    continue
                elif kind == JUMP:
                    pc = instruction[1]
                    continue
                elif kind == SAVE:
                    number = instruction[1]
                    saves = (*saves[:number], at, *saves[number + 1 :])
                    steps += per_save
                elif kind == AGAIN:
                    if saves[instruction[1]] != at:
                        pc = instruction[2]
                        continue
                elif kind == PLACE:
                    if not instruction[1](text, at):
                        break
                elif kind == MATCH:
                    if end is None or at == end:
                        self.steps = steps
                        return (start, at, *saves[2:])
                    break
                else:
                    self.steps = steps
                    onward = self._inner(instruction, at, saves)
                    steps = self.steps
                    if onward is None:
                        break
                    at, saves = onward
                pc += 1
        self.steps = steps
        return None

    def _inner(self, instruction: Instruction, at: int, saves: Saves) -> tuple[int, Saves] | None:
        """Look around, match in one way only, or match a group again; None if that fails, else where to go on."""
        if instruction[0] == BACK:
            return self._again(instruction[1], instruction[2], at, saves)
        if instruction[0] == ATOMIC:
            match = self._fresh(instruction[1], at, saves, None)
            return None if match is None else (match[1] or 0, (*saves[:2], *match[2:]))
        _, program, behind, wanted = instruction
        match = None
        for start in [at] if behind is None else range(at, max(-1, at - behind - 1), -1):
            match = self._fresh(program, start, saves, None if behind is None else at)
            if match is not None:
                break
        if (match is not None) is not wanted:
            return None
        return at, saves if match is None else (*saves[:2], *match[2:])

    def _fresh(self, program: Program, start: int, saves: Saves, end: int | None) -> Saves | None:
        """Run an inner program that may succeed at one place more than once: only its failures are remembered."""
        self.failed.pop((id(program), end), None)
        return self._run(program, start, saves, end)

    def _again(self, number: int, fold: bool, at: int, saves: Saves) -> tuple[int, Saves] | None:  # noqa: FBT001
        start, stop = saves[2 * number : 2 * number + 2]
        if start is None or stop is None:
            return None
        self._step(stop - start)
        wanted, found = self.text[start:stop], self.text[at : at + stop - start]
        same = wanted.lower() == found.lower() if fold else wanted == found
        return (at + len(found), saves) if same else None

"""The error tree: one root to catch, leaves sorted by who must act.

    WayhookError
    ├─ DefinitionError (ValueError)       a definition breaks a rule; all of them are in .violations
    │  └─ DocumentError                   ... and it came from a stored document
    ├─ ExpressionError (ValueError)       an expression's text is wrong; .problems, each with .line and .column
    ├─ RenderError                        the values do not fit; all faults are in .violations
    │  ├─ MissingValue (LookupError)
    │  ├─ WrongType (TypeError)
    │  └─ UnsafeCall (ValueError)         a value would move the host, climb or inject
    ├─ RepositoryError
    │  ├─ NotFound (LookupError)
    │  ├─ Conflict                        saved by someone else meanwhile; .expected, .found
    │  ├─ StillInUse                      .users name it
    │  └─ StoreUnavailable                newer, foreign or corrupt; left untouched
    ├─ ExecutionError                     .outcome says what was tried
    │  ├─ AuthenticationFailed            the token call failed; the credentials need mending
    │  ├─ SecretMissing (LookupError)     a reference leads nowhere
    │  ├─ TimedOut (TimeoutError)         the budget of the call is used up
    │  ├─ Discarded                       over the rate
    │  ├─ DestinationUnavailable          asked for time, or down; .not_before
    │  ├─ ConnectionFailed                never answered, or the answer was no HTTP
    │  └─ Rejected                        the receiver said no; .status
    ├─ TransportError                     what a transport raises; .evidence
    └─ MissingExtra (ImportError)         names the pip command

Beside it, `NotCarriedOver` (UserWarning) is the warning about what an import left out. Every error can be pickled. No
message holds a secret or a whole payload.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING

import attrs

from wayhook.presentation import Presentable

if TYPE_CHECKING:
    from datetime import datetime

    from wayhook.wire import Outcome

__all__ = [
    "AuthenticationFailed",
    "Conflict",
    "ConnectionFailed",
    "DefinitionError",
    "Delivery",
    "DestinationUnavailable",
    "Discarded",
    "DocumentError",
    "Evidence",
    "ExecutionError",
    "ExpressionError",
    "ExpressionProblem",
    "LimitsUnavailable",
    "MissingExtra",
    "MissingValue",
    "NotCarriedOver",
    "NotFound",
    "Rejected",
    "RenderError",
    "RepositoryError",
    "SecretMissing",
    "StillInUse",
    "StoreUnavailable",
    "TimedOut",
    "TransportError",
    "UnsafeCall",
    "Violation",
    "Violations",
    "WayhookError",
    "WrongType",
    "closest",
    "delivery_of",
]


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return which of the `known` names may have been meant, or None, for the sentence about one that is not there."""
    import difflib

    return next(iter(difflib.get_close_matches(name, list(known), n=1)), None)


@attrs.frozen
class Violation(Presentable):
    """One broken rule.

    `path`: where, from the root `$`, such as `$.url_configuration.headers[1].name`.
    `message`: a sentence that says what is wrong and what to do.
    `rule`: the number of the documented rule, such as `R2`, or `""` where none is documented.
    `code`: the product's own code, such as `ERR_ENDPOINTCONFIG_101`, or `""` where it has none.
    `warning`: whether it is only told, and stands in the way of nothing (R285).
    """

    path: str
    message: str
    rule: str = ""
    code: str = ""
    warning: bool = False

    def __str__(self) -> str:
        sources = ", ".join(filter(None, (self.code, self.rule)))
        source = f" ({sources})" if sources else ""
        return f"{self.path}: {self.message}{source}"


class Violations(tuple[Violation, ...], Presentable):
    """Broken rules, in order."""

    __slots__ = ()


class WayhookError(Presentable, Exception):
    """The root of every error that wayhook raises."""


class NotCarriedOver(UserWarning):
    """An import left something out, which the text names with its place and the reason."""


class _ViolatedError(WayhookError):
    """An error made of one or more violations, shown one a line."""

    def __init__(self, violations: Iterable[Violation]) -> None:
        self.violations: tuple[Violation, ...] = Violations(violations)
        super().__init__(self.violations)

    def __str__(self) -> str:
        return "\n".join(str(violation) for violation in self.violations)


class DefinitionError(_ViolatedError, ValueError):
    """An action, a journey or a part of one breaks rules; `violations` holds all of them."""


class DocumentError(DefinitionError):
    """A stored document cannot be read; `violations` holds every fault with its path in the document."""


@attrs.frozen
class ExpressionProblem:
    """One thing wrong in the text of an expression, at `line` and `column` (both from 1).

    `message`: what is wrong and what to do. `expected`: what could have stood there, as words of the language;
    may be empty.
    """

    message: str
    line: int = 1
    column: int = 1
    expected: tuple[str, ...] = ()

    def shown_in(self, text: str) -> str:
        """Return the problem with the line of `text` in question, and a caret below the place."""
        lines = text.split("\n")
        excerpt = lines[min(self.line, len(lines)) - 1]
        start = max(0, self.column - 40)
        wanted = f"\nexpected: {', '.join(self.expected)}" if self.expected else ""
        caret = " " * (self.column - 1 - start) + "^"
        return (
            f"line {self.line}, column {self.column}: {self.message}\n"
            f"  {excerpt[start : start + 80]}\n  {caret}{wanted}"
        )


class ExpressionError(WayhookError, ValueError):
    """The text of an expression is wrong at `line` and `column` (both from 1).

    `expected`: what could have stood there, as words of the language; may be empty. `problems`: everything that
    is wrong, in the order of the text; the first of them is the one above.
    """

    def __init__(
        self,
        message: str,
        *,
        text: str,
        line: int = 1,
        column: int = 1,
        expected: tuple[str, ...] = (),
        problems: tuple[ExpressionProblem, ...] = (),
    ) -> None:
        self.message, self.text, self.line, self.column, self.expected = message, text, line, column, expected
        self.problems = problems or (ExpressionProblem(message, line, column, expected),)
        super().__init__(message)

    @classmethod
    def of(cls, problems: Iterable[ExpressionProblem], text: str) -> ExpressionError:
        """Return the error that holds all `problems`, at least one, sorted by their place in `text`."""
        found = tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))
        first = found[0]
        return cls(
            first.message, text=text, line=first.line, column=first.column, expected=first.expected, problems=found
        )

    def __str__(self) -> str:
        return "\n".join(problem.shown_in(self.text) for problem in self.problems)

    def __reduce__(self) -> tuple[object, ...]:
        return _expression_error, (self.problems, self.text)


def _expression_error(problems: tuple[ExpressionProblem, ...], text: str) -> ExpressionError:
    return ExpressionError.of(problems, text)


class RenderError(_ViolatedError):
    """The values do not fit the action; `violations` holds every fault, never a value."""


class MissingValue(RenderError, LookupError):  # noqa: N818 - the field's own word
    """A required variable has no value."""


class WrongType(RenderError, TypeError):  # noqa: N818
    """A value is not of the declared type."""


class UnsafeCall(RenderError, ValueError):  # noqa: N818
    """A value would move the host, leave the static path or inject into a header."""


def _shown(name: object) -> str:
    """A name in a sentence: the beginning of one that is long, and the type of what is none."""
    return repr(name[:60]) if isinstance(name, str) else type(name).__name__


class RepositoryError(WayhookError):
    """The root of what a repository refuses or cannot do."""


class NotFound(RepositoryError, LookupError):  # noqa: N818
    """Nothing is kept under that name."""

    def __init__(self, kind: str, name: str) -> None:
        self.kind, self.name = kind, name
        super().__init__(kind, name)

    @property
    def code(self) -> str:
        """The product's own code, or "" where it has none (R273)."""
        return "14467" if self.kind == "throttling" else ""

    def __str__(self) -> str:
        code = f" ({self.code})" if self.code else ""
        return f"There is no {self.kind} named {_shown(self.name)}{code}. Save it first, or list what is there."


class Conflict(RepositoryError):  # noqa: N818
    """Someone else saved meanwhile: the version expected is not the version found (0: nothing is kept)."""

    def __init__(self, kind: str, name: str, expected: int, found: int) -> None:
        self.kind, self.name, self.expected, self.found = kind, name, expected, found
        super().__init__(kind, name, expected, found)

    def __str__(self) -> str:
        if self.expected == 0:
            article = "An" if self.kind == "action" else "A"
            taken = f"{article} {self.kind} named {_shown(self.name)} exists already (version {self.found})."
            return f"{taken} Choose another name."
        return (
            f"The {self.kind} {_shown(self.name)} is at version {self.found}, not {self.expected}. "
            "Read it again, repeat the change and save with the version read."
        )


class StillInUse(RepositoryError):  # noqa: N818
    """What others use cannot be deleted; `users` names them: the journeys of an action."""

    def __init__(self, kind: str, name: str, users: tuple[str, ...]) -> None:
        self.kind, self.name, self.users = kind, name, users
        super().__init__(kind, name, users)

    def __str__(self) -> str:
        return (
            f"The {self.kind} {_shown(self.name)} is used by {', '.join(self.users)} (R28). Take it out of these first."
        )


class StoreUnavailable(RepositoryError):  # noqa: N818
    """The store cannot be used as it stands: newer, foreign, corrupt or locked. It was left untouched."""


class Evidence(StrEnum):
    """What an attempt proves about its effect (`reference/reliability.md`, section 4)."""

    DELIVERED = "delivered"
    NEVER_SENT = "never sent"
    REJECTED_UNREAD = "rejected unread"
    AMBIGUOUS = "ambiguous"
    PERMANENT = "permanent"
    EXPIRED = "expired"
    REFUSED = "refused"

    __hash__ = str.__hash__  # an enumeration's own is written in Python, and each call looks its evidence up


class Delivery(StrEnum):
    """The last word about a call (`reference/reliability.md`, section 1): what certainly happened at the other side.

    `DELIVERED`: a final 2xx came. `DELIVERED_UNREAD`: it came, and its body could not be used. `REJECTED`: the other
    side said no, nothing was done, and it would say so again. `UNAVAILABLE`: nothing was done, and the call may work
    later. `UNKNOWN`: it may have been done or not. `REFUSED`: we said no before a byte left.
    """

    DELIVERED = "delivered"
    DELIVERED_UNREAD = "delivered_unread"
    REJECTED = "rejected"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"
    REFUSED = "refused"


_WORDS = {
    Evidence.DELIVERED: Delivery.DELIVERED,
    Evidence.NEVER_SENT: Delivery.UNAVAILABLE,
    Evidence.REJECTED_UNREAD: Delivery.UNAVAILABLE,
    Evidence.AMBIGUOUS: Delivery.UNKNOWN,
    Evidence.PERMANENT: Delivery.REJECTED,
    Evidence.EXPIRED: Delivery.UNKNOWN,
    Evidence.REFUSED: Delivery.REFUSED,
}


def delivery_of(evidence: Evidence) -> Delivery:
    """Return the word for what an attempt proves, where nothing more is known."""
    return _WORDS[evidence]


class ExecutionError(WayhookError):
    """An execution that did not deliver; `outcome` holds the call (masked), the attempts and the times."""

    def __init__(self, message: str, outcome: Outcome | None = None) -> None:
        self.message, self.outcome = message, outcome
        super().__init__(message, outcome)

    def with_outcome(self, outcome: Outcome) -> ExecutionError:
        """Return the error as it is raised for an outcome; of a kind that is not ours, the nearest that is."""
        ours = next(kind for kind in type(self).__mro__ if kind.__module__ == __name__)
        return ours(self.message, outcome)  # type: ignore[no-any-return]  # of this tree, from ExecutionError down

    def __str__(self) -> str:
        return self.message


class AuthenticationFailed(ExecutionError):  # noqa: N818
    """The token call did not give a usable token; the action was not called.

    `delivery`: `REJECTED` where the credentials need mending, `UNAVAILABLE` where the endpoint may work later,
    `not_before` where it said when, `REFUSED` where our own policy kept the token from being asked for.
    """

    def __init__(
        self,
        message: str,
        outcome: Outcome | None = None,
        delivery: Delivery = Delivery.REJECTED,
        not_before: datetime | None = None,
    ) -> None:
        self.delivery, self.not_before = delivery, not_before
        super().__init__(message, outcome)

    def with_outcome(self, outcome: Outcome) -> AuthenticationFailed:
        """Return the error as it is raised for an outcome."""
        return AuthenticationFailed(self.message, outcome, self.delivery, self.not_before)

    def __reduce__(self) -> tuple[object, ...]:
        return AuthenticationFailed, (self.message, self.outcome, self.delivery, self.not_before)


class SecretMissing(ExecutionError, LookupError):  # noqa: N818
    """A secret reference leads nowhere; the action was not called."""


class TimedOut(ExecutionError, TimeoutError):  # noqa: N818
    """The budget of the execution is used up."""


class Discarded(ExecutionError):  # noqa: N818
    """The call was above the rate and was not sent."""


class LimitsUnavailable(ExecutionError):  # noqa: N818
    """The store that limits are kept in cannot be used now; the call was not sent, and may be later."""


class DestinationUnavailable(ExecutionError):  # noqa: N818
    """The destination asked for time, or failed too often of late; no request was made, and `not_before` says when."""

    def __init__(self, message: str, outcome: Outcome | None = None, not_before: datetime | None = None) -> None:
        self.not_before = not_before
        super().__init__(message, outcome)

    def with_outcome(self, outcome: Outcome) -> DestinationUnavailable:
        """Return the error as it is raised for an outcome."""
        return DestinationUnavailable(self.message, outcome, self.not_before)

    def __reduce__(self) -> tuple[object, ...]:
        return DestinationUnavailable, (self.message, self.outcome, self.not_before)


class ConnectionFailed(ExecutionError):  # noqa: N818
    """No usable answer came: no connection, a broken one, or no HTTP."""


class Rejected(ExecutionError):  # noqa: N818
    """The receiver answered with another status than 2xx; `status` is that status."""

    @property
    def status(self) -> int:
        """The HTTP status of the last answer."""
        assert self.outcome is not None and self.outcome.received is not None  # noqa: PT018, S101 - by construction
        return self.outcome.received.status


class TransportError(WayhookError):
    """What a transport raises when no final head arrived.

    `evidence`: what that proves, and so whether the call may be repeated. `delivery`: the word that is true of this
    attempt by itself. It follows from the evidence unless given: what is permanent is `UNKNOWN`, since a broken answer
    came from somebody who may have done the call, yet a host without a name is `UNAVAILABLE` and one that ends the
    handshake has `REJECTED`; a deadline that passed before a byte left is `UNAVAILABLE`, too. `local`: whether it was a
    shortage of our own, of connections, file descriptors or memory, that says nothing of the other side (F12). The
    message names the failure in words without URL, header or body.
    """

    def __init__(
        self, message: str, evidence: Evidence, delivery: Delivery | None = None, *, local: bool = False
    ) -> None:
        usual = Delivery.UNKNOWN if evidence is Evidence.PERMANENT else delivery_of(evidence)
        self.message, self.evidence, self.delivery, self.local = message, evidence, delivery or usual, local
        super().__init__(message, evidence)

    def __reduce__(self) -> tuple[object, ...]:
        return _transport_error, (self.message, self.evidence, self.delivery, self.local)

    def __str__(self) -> str:
        return self.message


def _transport_error(
    message: str,
    evidence: Evidence,
    delivery: Delivery,
    local: bool = False,  # noqa: FBT001, FBT002 - pickle gives it by its place, and an older one without it
) -> TransportError:
    return TransportError(message, evidence, delivery=delivery, local=local)


class MissingExtra(WayhookError, ImportError):  # noqa: N818
    """An optional part is not installed; the message names the pip command."""

"""Counters and histograms for Prometheus, as many series as there are actions and destinations; extra `prometheus`."""

from __future__ import annotations

from typing import Any

from wayhook.errors import DefinitionError, MissingExtra, Violation
from wayhook.execution.ports import (
    AttemptEnded,
    BreakerChanged,
    Capped,
    Event,
    ExecutionEnded,
    Paused,
    Retrying,
    TokenAttemptEnded,
    Waited,
)
from wayhook.wire import Attempt

__all__ = ["PrometheusSink"]

MOST = 1000
OTHER = "(other)"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_CLASSES = range(1, 6)


class PrometheusSink:
    """Counts and times what happens, in metrics whose names begin with `wayhook_`.

    `registry`: a `CollectorRegistry` of prometheus_client; its default one unless given. Give one sink to all executors
    that share a registry. Labels are names of actions, destinations, and words of small sets; of the first 1,000
    actions and the first 1,000 destinations each has its own series, all others share `(other)`. No label holds
    a value, a path or a secret. Raises `MissingExtra` without the library, and `DefinitionError` for what is no
    registry, or one that has these metrics.
    """

    def __init__(self, registry: Any = None) -> None:
        try:
            from prometheus_client import REGISTRY, Counter, Histogram
        except ImportError:
            raise MissingExtra(
                "metrics for Prometheus need prometheus_client: pip install 'wayhook[prometheus]'"
            ) from None
        home = REGISTRY if registry is None else registry
        if not callable(getattr(home, "register", None)):
            message = f"a CollectorRegistry, or None, belongs here, not {type(registry).__name__}"
            raise DefinitionError([Violation("$.registry", message)])

        def counter(name: str, about: str, *labels: str) -> Any:
            return Counter(f"wayhook_{name}", about, labels, registry=home)

        def histogram(name: str, about: str, *labels: str) -> Any:
            return Histogram(f"wayhook_{name}_seconds", about, labels, registry=home, buckets=_SECONDS)

        try:
            self._executions = counter("executions", "Executions that ended.", "action", "status")
            self._seconds = histogram("execution", "From start to end, with waits and retries.", "action")
            self._attempts = histogram("attempt", "Of each attempt.", "destination", "method", "result")
            self._tokens = histogram("token_attempt", "Of each attempt to get a token.", "destination", "result")
            self._retries = counter("retries", "Attempts that will be repeated.", "action", "result")
            self._waits = histogram("wait", "Of waits before an attempt.", "destination", "reason")
            self._capped = counter("capped", "Calls above a limit, not sent.", "action")
            self._pauses = counter("pauses", "Pauses of a destination.", "destination", "asked")
            self._breakers = counter("breaker_changes", "Changes of a breaker.", "destination", "state")
        except ValueError:  # the library's word for a name that is taken
            message = "this registry has metrics of Wayhook already; give the sink that made them to every executor"
            raise DefinitionError([Violation("$.registry", message)]) from None
        self._actions, self._destinations = _Names(), _Names()

    def emit(self, event: Event) -> None:
        """Count the event."""
        match event:
            case AttemptEnded():
                call, attempt = event.call, event.attempt
                series = self._attempts.labels(self._destinations[call.destination], call.method, _result(attempt))
                series.observe(attempt.elapsed)
            case ExecutionEnded():
                outcome = event.outcome
                action = self._actions[outcome.action]
                self._executions.labels(action, _word(outcome.status)).inc()
                self._seconds.labels(action).observe(outcome.elapsed)
            case TokenAttemptEnded():
                series = self._tokens.labels(self._destinations[event.call.destination], _result(event.attempt))
                series.observe(event.attempt.elapsed)
            case Retrying():
                self._retries.labels(self._actions[event.action], _result(event.attempt)).inc()
            case Waited():
                self._waits.labels(self._destinations[event.destination], event.reason).observe(event.seconds)
            case Capped():
                self._capped.labels(self._actions[event.action]).inc()
            case Paused():
                asked = "yes" if event.asked else "no"
                self._pauses.labels(self._destinations[event.destination], asked).inc()
            case BreakerChanged():
                self._breakers.labels(self._destinations[event.destination], event.state.replace(" ", "_")).inc()


class _Names(dict[str, str]):
    """The values of a label by what they are for: the first thousand as they are, then one for all others."""

    def __missing__(self, name: str) -> str:
        if len(self) >= MOST:
            return OTHER
        return self.setdefault(name, name)


def _result(attempt: Attempt) -> str:
    """How an attempt ended: the class of its status, or the word of the evidence, such as `never_sent`."""
    return str(attempt.evidence).replace(" ", "_") if attempt.status is None else _class(attempt.status)


def _word(status: str) -> str:
    """The status of an outcome, of an HTTP status its class: at most as many words as the page of outcomes has."""
    number = status.removeprefix("http_")
    return f"http_{_class(int(number))}" if number != status else status


def _class(status: int) -> str:
    return f"{status // 100}xx" if status // 100 in _CLASSES else "other"

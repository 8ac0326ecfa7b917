"""The executor for scripts and notebooks: no await, also inside of a running event loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, ExitStack
from functools import partial
from typing import Any, Self, TypeVar

from anyio.from_thread import start_blocking_portal

from wayhook.execution.executor import Executor
from wayhook.execution.ports import Repository, SecretSource, Transport
from wayhook.model.action import Action
from wayhook.model.guardrail import Guardrails
from wayhook.wire import Outcome

__all__ = ["LoopBeside", "call"]

T = TypeVar("T")


class LoopBeside(ExitStack):
    """An event loop in a thread of its own; both end when the context is left, after what was entered there."""

    def __enter__(self) -> Self:
        self._portal = self.enter_context(start_blocking_portal())
        return self

    def enter_async(self, context: AbstractAsyncContextManager[T]) -> T:
        """Enter a context on the loop."""
        return self.enter_context(self._portal.wrap_async_context_manager(context))

    def begin(self, function: Callable[[], Awaitable[T]]) -> Future[T]:
        """Begin what a function does on the loop, and go on meanwhile."""
        return self._portal.start_task_soon(function)

    def run(self, function: Callable[..., Awaitable[T]], *args: Any, **settings: Any) -> T:
        """Return what a function comes to on the loop."""
        return self._portal.call(partial(function, *args, **settings))


def call(
    action: Action | str,
    values: Mapping[str, Any] | None = None,
    *,
    path: str = "",
    timeout: float | None = None,
    delivery_id: str | None = None,
    repository: Repository | None = None,
    guardrails: Guardrails | None = None,
    secrets: SecretSource | None = None,
    transport: Transport | str = "httpx",
) -> Outcome:
    """Call `action` with `values` by the names of its variables, and return how it ended.

    Works in a script and inside of a running event loop (a notebook): the call runs on a loop of its own in
    another thread. For many rows there is `wayhook.map`; an `Executor` keeps connections and tokens.
    Parameters are those of `Executor` and `Executor.call`; it raises as `Executor.call` does.
    """
    executor = Executor(repository, guardrails=guardrails, secrets=secrets, transport=transport)
    with LoopBeside() as loop:
        loop.enter_async(executor)
        return loop.run(executor.call, action, values, path=path, timeout=timeout, delivery_id=delivery_id)

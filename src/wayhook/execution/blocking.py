"""The executor for scripts and notebooks: no await, also inside of a running event loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anyio.from_thread import start_blocking_portal

from wayhook.execution.executor import Executor
from wayhook.execution.ports import Repository, SecretSource, Transport
from wayhook.model.action import Action
from wayhook.model.guardrail import Guardrails
from wayhook.wire import Outcome

__all__ = ["call"]


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
    another thread. For many calls use an `Executor`, which keeps connections and tokens.
    Parameters are those of `Executor` and `Executor.call`; it raises as `Executor.call` does.
    """

    async def run() -> Outcome:
        settings = {"guardrails": guardrails, "secrets": secrets, "transport": transport}
        async with Executor(repository, **settings) as executor:  # type: ignore[arg-type]  # as declared above
            return await executor.call(action, values, path=path, timeout=timeout, delivery_id=delivery_id)

    with start_blocking_portal() as portal:
        return portal.call(run)

"""For other people's tests: fakes of the ports, a contract for repositories, a loopback service.

`RepositoryContract` and `RepositoryMachine` need pytest and hypothesis; the rest needs nothing more than wayhook.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wayhook.testing.fakes import FakeClock, FakeConsent, FakeSecrets, FakeTransport, RecordingSink
from wayhook.testing.service import Answer, LoopbackService, Received

if TYPE_CHECKING:
    from wayhook.testing.contract import RepositoryContract as RepositoryContract
    from wayhook.testing.contract import RepositoryMachine as RepositoryMachine

__all__ = [
    "Answer",
    "FakeClock",
    "FakeConsent",
    "FakeSecrets",
    "FakeTransport",
    "LoopbackService",
    "Received",
    "RecordingSink",
]


def __getattr__(name: str) -> Any:
    if name not in ("RepositoryContract", "RepositoryMachine"):
        raise AttributeError(f"module 'wayhook.testing' has no attribute {name!r}")
    try:
        from wayhook.testing import contract
    except ModuleNotFoundError as error:
        from wayhook.errors import MissingExtra

        raise MissingExtra(f"{name} needs {error.name}: pip install pytest hypothesis") from None
    return getattr(contract, name)

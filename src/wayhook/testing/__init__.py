"""For other people's tests: fakes of the ports, services on this machine, contracts for what others write.

`RepositoryContract` and `RepositoryMachine` need pytest and hypothesis, `TransportContract` needs pytest and trustme,
`TokenStoreContract`, `DispatcherContract`, `LimiterContract` and `StandingContract` need pytest; the rest needs nothing
more than wayhook.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from wayhook.testing.fakes import FakeClock, FakeConsent, FakeSecrets, FakeTransport, RecordingSink
from wayhook.testing.fault import Fault
from wayhook.testing.fault_server import FaultServer
from wayhook.testing.service import Answer, LoopbackService, Received

if TYPE_CHECKING:
    from wayhook.testing.contract import HistoryContract as HistoryContract
    from wayhook.testing.contract import RepositoryContract as RepositoryContract
    from wayhook.testing.contract import RepositoryMachine as RepositoryMachine
    from wayhook.testing.dispatcher_contract import DispatcherContract as DispatcherContract
    from wayhook.testing.limiter_contract import LimiterContract as LimiterContract
    from wayhook.testing.standing_contract import StandingContract as StandingContract
    from wayhook.testing.token_store_contract import TokenStoreContract as TokenStoreContract
    from wayhook.testing.transport_contract import TransportContract as TransportContract

__all__ = [
    "Answer",
    "FakeClock",
    "FakeConsent",
    "FakeSecrets",
    "FakeTransport",
    "Fault",
    "FaultServer",
    "LoopbackService",
    "Received",
    "RecordingSink",
]


_CONTRACTS = {
    "DispatcherContract": "dispatcher_contract",
    "HistoryContract": "contract",
    "LimiterContract": "limiter_contract",
    "RepositoryContract": "contract",
    "RepositoryMachine": "contract",
    "StandingContract": "standing_contract",
    "TokenStoreContract": "token_store_contract",
    "TransportContract": "transport_contract",
}


def __getattr__(name: str) -> Any:
    if name not in _CONTRACTS:
        raise AttributeError(f"module 'wayhook.testing' has no attribute {name!r}")
    try:
        module = import_module(f"wayhook.testing.{_CONTRACTS[name]}")
    except ModuleNotFoundError as error:
        from wayhook.errors import MissingExtra

        raise MissingExtra(f"{name} needs {error.name}: pip install pytest hypothesis") from None
    return getattr(module, name)

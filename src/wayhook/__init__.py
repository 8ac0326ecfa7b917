"""Wayhook: describe an HTTP call once, use it in journeys, deliver it with care.

Importing this package has no effect: it opens no file, reads no environment variable and loads no HTTP client.
What executes is loaded when it is first named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wayhook.errors import (
    AuthenticationFailed,
    Conflict,
    ConnectionFailed,
    DefinitionError,
    Discarded,
    DocumentError,
    Evidence,
    ExecutionError,
    ExpressionError,
    ExpressionProblem,
    MissingExtra,
    MissingValue,
    NotFound,
    Rejected,
    RenderError,
    RepositoryError,
    SecretMissing,
    StillInUse,
    StoreUnavailable,
    TimedOut,
    TransportError,
    UnsafeCall,
    Violation,
    WayhookError,
    WrongType,
)
from wayhook.expression.context import Context, DataSourceAnswer
from wayhook.expression.expression import Expression, expression
from wayhook.expression.type import ExpressionType
from wayhook.model.action import Action, ActionType, Channel, Header, QueryParameter, UrlConfiguration
from wayhook.model.authentication import (
    ApiKeyAuthentication,
    Authentication,
    BasicAuthentication,
    CacheDuration,
    CustomAuthorization,
    NoAuthentication,
    TimeUnit,
)
from wayhook.model.guardrail import Guardrails, NetworkPolicy, Repetition
from wayhook.model.journey import ActionActivity, Journey, JourneyStatus
from wayhook.model.limit import CappingRule
from wayhook.model.parameter import MessageParameter, Variable, message_parameters, payload, variable
from wayhook.presentation import draw_with
from wayhook.secret import LiteralSecret, SecretReference, literal_secret, secret
from wayhook.values import DataType
from wayhook.wire import Attempt, Call, Outcome, Request, Response

if TYPE_CHECKING:
    from wayhook.adapters.limiter.window import WindowLimiter
    from wayhook.adapters.repository.memory import MemoryRepository
    from wayhook.adapters.repository.sqlite import SqliteRepository
    from wayhook.adapters.telemetry.log import LogSink
    from wayhook.adapters.transport.httpx import HttpxTransport
    from wayhook.execution.batch import Batch
    from wayhook.execution.blocking import call
    from wayhook.execution.executor import Executor
    from wayhook.execution.opening import open_repository
    from wayhook.execution.ports import (
        AttemptEnded,
        Clock,
        EventSink,
        ExecutionEnded,
        Limiter,
        Page,
        Repository,
        SecretSource,
        Stored,
        Transport,
    )
    from wayhook.formats.curl import to_curl
    from wayhook.formats.document import dump, dumps, load, loads
    from wayhook.formats.schema import json_schema
    from wayhook.model.answer import answer_types
    from wayhook.model.rule import violations
    from wayhook.rendering.preview import preview

_LATER = {
    "AttemptEnded": "execution.ports",
    "Batch": "execution.batch",
    "Clock": "execution.ports",
    "EventSink": "execution.ports",
    "ExecutionEnded": "execution.ports",
    "Executor": "execution.executor",
    "HttpxTransport": "adapters.transport.httpx",
    "Limiter": "execution.ports",
    "LogSink": "adapters.telemetry.log",
    "MemoryRepository": "adapters.repository.memory",
    "Page": "execution.ports",
    "Repository": "execution.ports",
    "SecretSource": "execution.ports",
    "SqliteRepository": "adapters.repository.sqlite",
    "Stored": "execution.ports",
    "Transport": "execution.ports",
    "WindowLimiter": "adapters.limiter.window",
    "answer_types": "model.answer",
    "call": "execution.blocking",
    "dump": "formats.document",
    "dumps": "formats.document",
    "json_schema": "formats.schema",
    "load": "formats.document",
    "loads": "formats.document",
    "open_repository": "execution.opening",
    "preview": "rendering.preview",
    "to_curl": "formats.curl",
    "violations": "model.rule",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _LATER:
        raise AttributeError(f"module 'wayhook' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"wayhook.{_LATER[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


def _card(value: object) -> str:
    from wayhook.display.card import card

    return card(value)


draw_with(_card)

__all__ = [
    "Action",
    "ActionActivity",
    "ActionType",
    "ApiKeyAuthentication",
    "Attempt",
    "AttemptEnded",
    "Authentication",
    "AuthenticationFailed",
    "BasicAuthentication",
    "Batch",
    "CacheDuration",
    "Call",
    "CappingRule",
    "Channel",
    "Clock",
    "Conflict",
    "ConnectionFailed",
    "Context",
    "CustomAuthorization",
    "DataSourceAnswer",
    "DataType",
    "DefinitionError",
    "Discarded",
    "DocumentError",
    "EventSink",
    "Evidence",
    "ExecutionEnded",
    "ExecutionError",
    "Executor",
    "Expression",
    "ExpressionError",
    "ExpressionProblem",
    "ExpressionType",
    "Guardrails",
    "Header",
    "HttpxTransport",
    "Journey",
    "JourneyStatus",
    "Limiter",
    "LiteralSecret",
    "LogSink",
    "MemoryRepository",
    "MessageParameter",
    "MissingExtra",
    "MissingValue",
    "NetworkPolicy",
    "NoAuthentication",
    "NotFound",
    "Outcome",
    "Page",
    "QueryParameter",
    "Rejected",
    "RenderError",
    "Repetition",
    "Repository",
    "RepositoryError",
    "Request",
    "Response",
    "SecretMissing",
    "SecretReference",
    "SecretSource",
    "SqliteRepository",
    "StillInUse",
    "StoreUnavailable",
    "Stored",
    "TimeUnit",
    "TimedOut",
    "Transport",
    "TransportError",
    "UnsafeCall",
    "UrlConfiguration",
    "Variable",
    "Violation",
    "WayhookError",
    "WindowLimiter",
    "WrongType",
    "answer_types",
    "call",
    "dump",
    "dumps",
    "expression",
    "json_schema",
    "literal_secret",
    "load",
    "loads",
    "message_parameters",
    "open_repository",
    "payload",
    "preview",
    "secret",
    "to_curl",
    "variable",
    "violations",
]

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
    Delivery,
    DestinationUnavailable,
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
from wayhook.model.action import Action, ActionType, BodyFormat, Channel, Header, QueryParameter, UrlConfiguration
from wayhook.model.authentication import (
    ApiKeyAuthentication,
    Authentication,
    BasicAuthentication,
    BearerAuthentication,
    ConnectionReference,
    MutualTlsAuthentication,
    NoAuthentication,
    connection,
)
from wayhook.model.authorization import (
    CertificateCredential,
    CustomAuthorization,
    JwtBearerGrant,
    OAuthClientCredentials,
)
from wayhook.model.capping import CappingConfiguration, CappingRule
from wayhook.model.connection import Connection
from wayhook.model.guardrail import (
    BreakerRule,
    DataPolicy,
    Guardrails,
    NestedLists,
    NetworkPolicy,
    Repetition,
    RetryBudget,
)
from wayhook.model.journey import ActionActivity, Activity, ActivityKind, Journey, JourneyStatus, PauseMode
from wayhook.model.limit import CanDeploy, ConfigurationState, Metadata, Rating, Stamp
from wayhook.model.parameter import MessageParameter, Variable, message_parameters, payload, variable
from wayhook.model.throttling import Sandbox, ThrottlingConfiguration, ThrottlingRule
from wayhook.model.token import CacheDuration, TimeUnit
from wayhook.presentation import draw_with
from wayhook.secret import Base64, LiteralSecret, SecretReference, SecretText, literal_secret, secret
from wayhook.values import DataType
from wayhook.wire import AddressPolicy, Attempt, Call, Outcome, Request, Response

if TYPE_CHECKING:
    from wayhook.adapters.repository.memory import MemoryRepository
    from wayhook.adapters.repository.sqlite import SqliteRepository
    from wayhook.adapters.telemetry.log import LogSink
    from wayhook.adapters.token.sqlite import SqliteTokenStore
    from wayhook.adapters.transport.httpx import HttpxTransport
    from wayhook.adapters.transport.wire import WireTransport
    from wayhook.execution.batch import Batch
    from wayhook.execution.blocking import call
    from wayhook.execution.exchange import export_journey, import_journey
    from wayhook.execution.executor import Executor
    from wayhook.execution.opening import open_repository
    from wayhook.execution.ports import (
        AttemptEnded,
        BreakerChanged,
        Clock,
        Consent,
        Event,
        EventSink,
        ExecutionEnded,
        Limiter,
        Page,
        Repository,
        SecretSource,
        Stored,
        StoredToken,
        TokenStore,
        Transport,
    )
    from wayhook.execution.window import WindowLimiter
    from wayhook.formats.adobe import dump_authorization, load_authorization
    from wayhook.formats.bundle import placeholders, with_secrets
    from wayhook.formats.curl import to_curl
    from wayhook.formats.document import dump, dumps, load, loads
    from wayhook.formats.limit import dump_capping, dump_throttling, load_capping, load_throttling
    from wayhook.formats.schema import json_schema
    from wayhook.model.answer import answer_types
    from wayhook.model.publication import publication_violations
    from wayhook.model.rule import violations
    from wayhook.rendering.preview import preview

_LATER = {
    "AttemptEnded": "execution.ports",
    "BreakerChanged": "execution.ports",
    "Batch": "execution.batch",
    "Clock": "execution.ports",
    "Consent": "execution.ports",
    "Event": "execution.ports",
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
    "SqliteTokenStore": "adapters.token.sqlite",
    "Stored": "execution.ports",
    "StoredToken": "execution.ports",
    "TokenStore": "execution.ports",
    "Transport": "execution.ports",
    "WindowLimiter": "execution.window",
    "WireTransport": "adapters.transport.wire",
    "answer_types": "model.answer",
    "call": "execution.blocking",
    "dump": "formats.document",
    "dump_authorization": "formats.adobe",
    "dump_capping": "formats.limit",
    "dump_throttling": "formats.limit",
    "dumps": "formats.document",
    "export_journey": "execution.exchange",
    "import_journey": "execution.exchange",
    "json_schema": "formats.schema",
    "load": "formats.document",
    "load_authorization": "formats.adobe",
    "load_capping": "formats.limit",
    "load_throttling": "formats.limit",
    "loads": "formats.document",
    "open_repository": "execution.opening",
    "placeholders": "formats.bundle",
    "preview": "rendering.preview",
    "publication_violations": "model.publication",
    "to_curl": "formats.curl",
    "violations": "model.rule",
    "with_secrets": "formats.bundle",
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
    "Activity",
    "ActivityKind",
    "AddressPolicy",
    "ApiKeyAuthentication",
    "Attempt",
    "AttemptEnded",
    "Authentication",
    "AuthenticationFailed",
    "Base64",
    "BasicAuthentication",
    "Batch",
    "BearerAuthentication",
    "BodyFormat",
    "BreakerChanged",
    "BreakerRule",
    "CacheDuration",
    "Call",
    "CanDeploy",
    "CappingConfiguration",
    "CappingRule",
    "CertificateCredential",
    "Channel",
    "Clock",
    "ConfigurationState",
    "Conflict",
    "Connection",
    "ConnectionFailed",
    "ConnectionReference",
    "Consent",
    "Context",
    "CustomAuthorization",
    "DataPolicy",
    "DataSourceAnswer",
    "DataType",
    "DefinitionError",
    "Delivery",
    "DestinationUnavailable",
    "Discarded",
    "DocumentError",
    "Event",
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
    "JwtBearerGrant",
    "Limiter",
    "LiteralSecret",
    "LogSink",
    "MemoryRepository",
    "MessageParameter",
    "Metadata",
    "MissingExtra",
    "MissingValue",
    "MutualTlsAuthentication",
    "NestedLists",
    "NetworkPolicy",
    "NoAuthentication",
    "NotFound",
    "OAuthClientCredentials",
    "Outcome",
    "Page",
    "PauseMode",
    "QueryParameter",
    "Rating",
    "Rejected",
    "RenderError",
    "Repetition",
    "Repository",
    "RepositoryError",
    "Request",
    "Response",
    "RetryBudget",
    "Sandbox",
    "SecretMissing",
    "SecretReference",
    "SecretSource",
    "SecretText",
    "SqliteRepository",
    "SqliteTokenStore",
    "Stamp",
    "StillInUse",
    "StoreUnavailable",
    "Stored",
    "StoredToken",
    "ThrottlingConfiguration",
    "ThrottlingRule",
    "TimeUnit",
    "TimedOut",
    "TokenStore",
    "Transport",
    "TransportError",
    "UnsafeCall",
    "UrlConfiguration",
    "Variable",
    "Violation",
    "WayhookError",
    "WindowLimiter",
    "WireTransport",
    "WrongType",
    "answer_types",
    "call",
    "connection",
    "dump",
    "dump_authorization",
    "dump_capping",
    "dump_throttling",
    "dumps",
    "export_journey",
    "expression",
    "import_journey",
    "json_schema",
    "literal_secret",
    "load",
    "load_authorization",
    "load_capping",
    "load_throttling",
    "loads",
    "message_parameters",
    "open_repository",
    "payload",
    "placeholders",
    "preview",
    "publication_violations",
    "secret",
    "to_curl",
    "variable",
    "violations",
    "with_secrets",
]

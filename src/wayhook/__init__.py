"""Wayhook: describe an HTTP call once, use it in journeys, deliver it with care.

Importing this package has no effect and costs next to nothing: it opens no file, reads no environment variable, and
loads what a public name needs when that name is first used.
"""

from __future__ import annotations

import sys
from types import ModuleType

from wayhook.presentation import draw_with
from wayhook.reading import read_with

TYPE_CHECKING = False  # what type checkers take for True; `typing` costs more than all the rest of this module
if TYPE_CHECKING:
    from wayhook.adapters.limiter.postgres import PostgresLimiter
    from wayhook.adapters.limiter.postgres_standing import PostgresStandings
    from wayhook.adapters.limiter.redis import RedisLimiter
    from wayhook.adapters.limiter.redis_standing import RedisStandings
    from wayhook.adapters.queue.memory import MemoryJobs
    from wayhook.adapters.queue.taskiq import TaskiqDispatcher
    from wayhook.adapters.repository.folder import FolderRepository
    from wayhook.adapters.repository.memory import MemoryRepository
    from wayhook.adapters.repository.redis import RedisRepository
    from wayhook.adapters.repository.sql import SqlRepository
    from wayhook.adapters.repository.sql_job import SqlJobs
    from wayhook.adapters.repository.sqlite import SqliteRepository
    from wayhook.adapters.secret.aws import AwsSecrets
    from wayhook.adapters.secret.cache import CachedSecrets
    from wayhook.adapters.secret.vault import VaultSecrets
    from wayhook.adapters.telemetry.log import LogSink
    from wayhook.adapters.telemetry.opentelemetry import OpenTelemetrySink
    from wayhook.adapters.telemetry.prometheus import PrometheusSink
    from wayhook.adapters.token.sqlite import SqliteTokenStore
    from wayhook.adapters.transport.cassette import Cassette
    from wayhook.adapters.transport.httpx import HttpxTransport
    from wayhook.adapters.transport.wire import WireTransport
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
        LimitsUnavailable,
        MissingExtra,
        MissingValue,
        NotCarriedOver,
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
    from wayhook.execution.batch import Batch
    from wayhook.execution.blocking import call
    from wayhook.execution.exchange import export_journey, import_journey
    from wayhook.execution.executor import Executor
    from wayhook.execution.job import JobRecord, JobState
    from wayhook.execution.opening import open_repository
    from wayhook.execution.ports import (
        AttemptEnded,
        BreakerChanged,
        Capped,
        Clock,
        Consent,
        DeadLetters,
        Dispatcher,
        Edit,
        Event,
        EventSink,
        ExecutionEnded,
        History,
        JobQueue,
        Limiter,
        Namespaced,
        Page,
        Paused,
        Repository,
        Retrying,
        RuleLimiter,
        SecretSource,
        Standing,
        StandingReport,
        Standings,
        Stored,
        StoredToken,
        TokenAttemptEnded,
        TokenStore,
        Transport,
        Waited,
    )
    from wayhook.execution.standing import MemoryStandings
    from wayhook.execution.window import WindowLimiter
    from wayhook.execution.worker import Redelivery, Worker
    from wayhook.expression.context import Context, DataSourceAnswer
    from wayhook.expression.expression import Expression, expression
    from wayhook.expression.type import ExpressionType
    from wayhook.formats.adobe import dump_authorization, load_authorization
    from wayhook.formats.bundle import placeholders, with_secrets
    from wayhook.formats.cassette import Exchange
    from wayhook.formats.curl import to_curl
    from wayhook.formats.data_sheet import data_sheet
    from wayhook.formats.document import dump, dumps, load, loads
    from wayhook.formats.foreign.adobe import from_adobe
    from wayhook.formats.foreign.curl import from_curl
    from wayhook.formats.foreign.eventbridge import from_eventbridge
    from wayhook.formats.foreign.har import from_har
    from wayhook.formats.foreign.imported import FoundSecret, Imported, LeftOut
    from wayhook.formats.foreign.openapi import from_openapi
    from wayhook.formats.foreign.postman import from_postman
    from wayhook.formats.form import Form, FormField, form
    from wayhook.formats.http_file import to_http_file
    from wayhook.formats.limit import dump_capping, dump_throttling, load_capping, load_throttling
    from wayhook.formats.openapi import to_openapi
    from wayhook.formats.schema import json_schema
    from wayhook.model.action import Action, ActionType, BodyFormat, Channel, Header, QueryParameter, UrlConfiguration
    from wayhook.model.answer import answer_types
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
    from wayhook.model.job import Job
    from wayhook.model.journey import ActionActivity, Activity, ActivityKind, Journey, JourneyStatus, PauseMode
    from wayhook.model.limit import CanDeploy, ConfigurationState, Metadata, Rating, Stamp
    from wayhook.model.parameter import MessageParameter, Variable, message_parameters, payload, variable
    from wayhook.model.publication import publication_violations
    from wayhook.model.rule import violations
    from wayhook.model.throttling import Sandbox, ThrottlingConfiguration, ThrottlingRule
    from wayhook.model.token import CacheDuration, TimeUnit
    from wayhook.notebook.form import FormWidget, form_widget
    from wayhook.notebook.interrupt import Interrupted
    from wayhook.notebook.map import map  # noqa: A004 - the verb
    from wayhook.notebook.progress import Progress
    from wayhook.notebook.results import Calls, Results
    from wayhook.rendering.preview import preview
    from wayhook.secret import Base64, LiteralSecret, SecretReference, SecretText, literal_secret, secret
    from wayhook.values import DataType
    from wayhook.wire import AddressPolicy, Attempt, Call, Explanation, Origin, Outcome, Request, Response

_HOMES = {
    "adapters.limiter.postgres": "PostgresLimiter",
    "adapters.limiter.postgres_standing": "PostgresStandings",
    "adapters.limiter.redis": "RedisLimiter",
    "adapters.limiter.redis_standing": "RedisStandings",
    "adapters.queue.memory": "MemoryJobs",
    "adapters.queue.taskiq": "TaskiqDispatcher",
    "adapters.repository.folder": "FolderRepository",
    "adapters.repository.memory": "MemoryRepository",
    "adapters.repository.redis": "RedisRepository",
    "adapters.repository.sql": "SqlRepository",
    "adapters.repository.sql_job": "SqlJobs",
    "adapters.repository.sqlite": "SqliteRepository",
    "adapters.secret.aws": "AwsSecrets",
    "adapters.secret.cache": "CachedSecrets",
    "adapters.secret.vault": "VaultSecrets",
    "adapters.telemetry.log": "LogSink",
    "adapters.telemetry.opentelemetry": "OpenTelemetrySink",
    "adapters.telemetry.prometheus": "PrometheusSink",
    "adapters.token.sqlite": "SqliteTokenStore",
    "adapters.transport.cassette": "Cassette",
    "adapters.transport.httpx": "HttpxTransport",
    "adapters.transport.wire": "WireTransport",
    "errors": (
        "AuthenticationFailed Conflict ConnectionFailed DefinitionError Delivery DestinationUnavailable Discarded "
        "DocumentError Evidence ExecutionError ExpressionError ExpressionProblem LimitsUnavailable MissingExtra "
        "MissingValue NotCarriedOver NotFound Rejected RenderError RepositoryError SecretMissing StillInUse "
        "StoreUnavailable TimedOut TransportError UnsafeCall Violation WayhookError WrongType"
    ),
    "execution.batch": "Batch",
    "execution.blocking": "call",
    "execution.exchange": "export_journey import_journey",
    "execution.executor": "Executor",
    "execution.job": "JobRecord JobState",
    "execution.opening": "open_repository",
    "execution.ports": (
        "AttemptEnded BreakerChanged Capped Clock Consent DeadLetters Dispatcher Edit Event EventSink ExecutionEnded "
        "History JobQueue Limiter Namespaced Page Paused Repository Retrying RuleLimiter SecretSource Standing "
        "StandingReport Standings Stored StoredToken TokenAttemptEnded TokenStore Transport Waited"
    ),
    "execution.standing": "MemoryStandings",
    "execution.window": "WindowLimiter",
    "execution.worker": "Redelivery Worker",
    "expression.context": "Context DataSourceAnswer",
    "expression.expression": "Expression expression",
    "expression.type": "ExpressionType",
    "formats.adobe": "dump_authorization load_authorization",
    "formats.bundle": "placeholders with_secrets",
    "formats.cassette": "Exchange",
    "formats.curl": "to_curl",
    "formats.data_sheet": "data_sheet",
    "formats.document": "dump dumps load loads",
    "formats.form": "Form FormField form",
    "formats.http_file": "to_http_file",
    "formats.foreign.adobe": "from_adobe",
    "formats.foreign.curl": "from_curl",
    "formats.foreign.eventbridge": "from_eventbridge",
    "formats.foreign.har": "from_har",
    "formats.foreign.imported": "FoundSecret Imported LeftOut",
    "formats.foreign.openapi": "from_openapi",
    "formats.foreign.postman": "from_postman",
    "formats.limit": "dump_capping dump_throttling load_capping load_throttling",
    "formats.openapi": "to_openapi",
    "formats.schema": "json_schema",
    "model.action": "Action ActionType BodyFormat Channel Header QueryParameter UrlConfiguration",
    "model.answer": "answer_types",
    "model.authentication": (
        "ApiKeyAuthentication Authentication BasicAuthentication BearerAuthentication ConnectionReference "
        "MutualTlsAuthentication NoAuthentication connection"
    ),
    "model.authorization": "CertificateCredential CustomAuthorization JwtBearerGrant OAuthClientCredentials",
    "model.capping": "CappingConfiguration CappingRule",
    "model.connection": "Connection",
    "model.guardrail": "BreakerRule DataPolicy Guardrails NestedLists NetworkPolicy Repetition RetryBudget",
    "model.job": "Job",
    "model.journey": "ActionActivity Activity ActivityKind Journey JourneyStatus PauseMode",
    "model.limit": "CanDeploy ConfigurationState Metadata Rating Stamp",
    "model.parameter": "MessageParameter Variable message_parameters payload variable",
    "model.publication": "publication_violations",
    "model.rule": "violations",
    "model.throttling": "Sandbox ThrottlingConfiguration ThrottlingRule",
    "model.token": "CacheDuration TimeUnit",
    "notebook.form": "FormWidget form_widget",
    "notebook.interrupt": "Interrupted",
    "notebook.map": "map",
    "notebook.progress": "Progress",
    "notebook.results": "Calls Results",
    "rendering.preview": "preview",
    "secret": "Base64 LiteralSecret SecretReference SecretText literal_secret secret",
    "values": "DataType",
    "wire": "AddressPolicy Attempt Call Explanation Origin Outcome Request Response",
}
_LATER = {name: home for home, names in _HOMES.items() for name in names.split()}


class _FrontDoor(ModuleType):
    """A package with functions that are called as modules of it are: `wayhook.secret` and `wayhook.expression`."""

    def __setattr__(self, name: str, value: object) -> None:
        # The first import of such a module would otherwise put it in the place of the function.
        if name not in _LATER or not isinstance(value, ModuleType):
            super().__setattr__(name, value)

    def __reduce__(self) -> tuple[object, ...]:
        # A function of a notebook that says `wh` travels to Dask and Spark with what it says, by its name.
        from importlib import import_module

        return import_module, (self.__name__,)


sys.modules[__name__].__class__ = _FrontDoor

if not TYPE_CHECKING:  # type checkers know the names, and shall tell of one that is not there

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name not in _LATER:
            raise AttributeError(f"module 'wayhook' has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"wayhook.{_LATER[name]}"), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


if TYPE_CHECKING:
    from collections.abc import Callable


def _card(value: object) -> str:
    from wayhook.display.card import card

    return card(value)


def _terminal_card(value: object) -> object:
    from wayhook.display.terminal import terminal_card

    return terminal_card(value)


def _shown(value: object) -> Callable[[bool], None]:
    from wayhook.display.live import shown

    return shown(value)


draw_with(_card, _terminal_card, _shown)


def _imported(reader: str, *source: object, **settings: object) -> object:
    from importlib import import_module

    return getattr(import_module(f"wayhook.{_LATER[reader]}"), reader)(*source, **settings)


read_with(_imported)

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
    "AwsSecrets",
    "Base64",
    "BasicAuthentication",
    "Batch",
    "BearerAuthentication",
    "BodyFormat",
    "BreakerChanged",
    "BreakerRule",
    "CacheDuration",
    "CachedSecrets",
    "Call",
    "Calls",
    "CanDeploy",
    "Capped",
    "CappingConfiguration",
    "CappingRule",
    "Cassette",
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
    "DeadLetters",
    "DefinitionError",
    "Delivery",
    "DestinationUnavailable",
    "Discarded",
    "Dispatcher",
    "DocumentError",
    "Edit",
    "Event",
    "EventSink",
    "Evidence",
    "Exchange",
    "ExecutionEnded",
    "ExecutionError",
    "Executor",
    "Explanation",
    "Expression",
    "ExpressionError",
    "ExpressionProblem",
    "ExpressionType",
    "FolderRepository",
    "Form",
    "FormField",
    "FormWidget",
    "FoundSecret",
    "Guardrails",
    "Header",
    "History",
    "HttpxTransport",
    "Imported",
    "Interrupted",
    "Job",
    "JobQueue",
    "JobRecord",
    "JobState",
    "Journey",
    "JourneyStatus",
    "JwtBearerGrant",
    "LeftOut",
    "Limiter",
    "LimitsUnavailable",
    "LiteralSecret",
    "LogSink",
    "MemoryJobs",
    "MemoryRepository",
    "MemoryStandings",
    "MessageParameter",
    "Metadata",
    "MissingExtra",
    "MissingValue",
    "MutualTlsAuthentication",
    "Namespaced",
    "NestedLists",
    "NetworkPolicy",
    "NoAuthentication",
    "NotCarriedOver",
    "NotFound",
    "OAuthClientCredentials",
    "OpenTelemetrySink",
    "Origin",
    "Outcome",
    "Page",
    "PauseMode",
    "Paused",
    "PostgresLimiter",
    "PostgresStandings",
    "Progress",
    "PrometheusSink",
    "QueryParameter",
    "Rating",
    "Redelivery",
    "RedisLimiter",
    "RedisRepository",
    "RedisStandings",
    "Rejected",
    "RenderError",
    "Repetition",
    "Repository",
    "RepositoryError",
    "Request",
    "Response",
    "Results",
    "RetryBudget",
    "Retrying",
    "RuleLimiter",
    "Sandbox",
    "SecretMissing",
    "SecretReference",
    "SecretSource",
    "SecretText",
    "SqlJobs",
    "SqlRepository",
    "SqliteRepository",
    "SqliteTokenStore",
    "Stamp",
    "Standing",
    "StandingReport",
    "Standings",
    "StillInUse",
    "StoreUnavailable",
    "Stored",
    "StoredToken",
    "TaskiqDispatcher",
    "ThrottlingConfiguration",
    "ThrottlingRule",
    "TimeUnit",
    "TimedOut",
    "TokenAttemptEnded",
    "TokenStore",
    "Transport",
    "TransportError",
    "UnsafeCall",
    "UrlConfiguration",
    "Variable",
    "VaultSecrets",
    "Violation",
    "Waited",
    "WayhookError",
    "WindowLimiter",
    "WireTransport",
    "Worker",
    "WrongType",
    "answer_types",
    "call",
    "connection",
    "data_sheet",
    "dump",
    "dump_authorization",
    "dump_capping",
    "dump_throttling",
    "dumps",
    "export_journey",
    "expression",
    "form",
    "form_widget",
    "from_adobe",
    "from_curl",
    "from_eventbridge",
    "from_har",
    "from_openapi",
    "from_postman",
    "import_journey",
    "json_schema",
    "literal_secret",
    "load",
    "load_authorization",
    "load_capping",
    "load_throttling",
    "loads",
    "map",
    "message_parameters",
    "open_repository",
    "payload",
    "placeholders",
    "preview",
    "publication_violations",
    "secret",
    "to_curl",
    "to_http_file",
    "to_openapi",
    "variable",
    "violations",
    "with_secrets",
]

"""Map: an action called for each row of a table, without `await`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Literal, TypedDict, Unpack, overload

from wayhook.errors import DefinitionError, Violation
from wayhook.execution.clock import SystemClock
from wayhook.execution.ports import Consent, EventSink, Limiter, Repository, SecretSource, TokenStore, Transport
from wayhook.model.action import Action
from wayhook.model.guardrail import Guardrails
from wayhook.model.journey import Journey
from wayhook.notebook.errand import Errand
from wayhook.notebook.match import Matching
from wayhook.notebook.progress import PICTURE, Telling
from wayhook.notebook.results import Calls, Results
from wayhook.notebook.row import Each, read_contexts, read_rows
from wayhook.wire import Call

__all__ = ["map"]

_NAMED = 8


class Settings(TypedDict, total=False):
    """The settings of `map`, for type checkers."""

    label: str | None
    values: Mapping[str, Any] | None
    path: Each
    strict: bool
    delivery_ids: Each | None
    concurrency: int
    processes: int
    engine: object
    timeout: float | None
    progress: Telling
    repository: Repository | None
    guardrails: Guardrails | None
    secrets: SecretSource | None
    transport: Transport | str
    limiter: Limiter | Callable[[], Limiter] | None
    consent: Consent | None
    events: Iterable[EventSink]
    tokens: TokenStore | None


@overload
def map(  # noqa: A001 - the verb
    action: Action | Journey | str,
    rows: Iterable[Any],
    *,
    dry_run: Literal[False] = False,
    **settings: Unpack[Settings],
) -> Results: ...
@overload
def map(  # noqa: A001
    action: Action | Journey | str, rows: Iterable[Any], *, dry_run: Literal[True], **settings: Unpack[Settings]
) -> Calls: ...
def map(  # noqa: A001
    action: Action | Journey | str,
    rows: Iterable[Any],
    *,
    label: str | None = None,
    values: Mapping[str, Any] | None = None,
    path: Each = "",
    strict: bool = False,
    delivery_ids: Each | None = None,
    dry_run: bool = False,
    concurrency: int = 50,
    processes: int = 1,
    engine: object = None,
    timeout: float | None = None,
    progress: Telling = True,
    repository: Repository | None = None,
    guardrails: Guardrails | None = None,
    secrets: SecretSource | None = None,
    transport: Transport | str = "httpx",
    limiter: Limiter | Callable[[], Limiter] | None = None,
    consent: Consent | None = None,
    events: Iterable[EventSink] = (),
    tokens: TokenStore | None = None,
) -> Results | Calls:
    """Call `action` for each of `rows`, and return the outcomes in the order of the rows.

    Works in a script and inside of a running event loop (a notebook), with a progress bar. All rows are read and judged
    before anything is sent; what does not fit is raised as `RenderError`, all of it at once, with row, parameter and
    path. After that a call that fails is an outcome, as in a batch.

    `rows`: a DataFrame of pandas or polars, or an iterable of mappings; it is read to its end, 1,000,000 rows at most.
    A column fills the variable of its name or its label. NaN, NaT, NA and the nulls of a DataFrame are no value: an
    optional variable stays empty, and a required one is missing. Columns that fill nothing, and are not the path or the
    delivery ids, are ignored, with a warning that names them where no function may read them; `strict` refuses them.
    `values`: of variables that are the same for all rows, by name or label. `path`: what is appended to the URL: a text
    for all rows, a function of a row, or one for each row, such as `frame["path"]`.

    With a `label`, `action` is a journey or the name of one in the repository, its activity of that label is executed,
    and the rows are contexts.

    `delivery_ids`: a function of a row, or one for each row, so that running again repeats with the same ids (P6).
    `dry_run`: render all rows and return the `Calls`; nothing is sent. `progress`: False for no bar; "picture"
    for one of the tally and the latencies that a notebook draws again; or a function, given a `Progress` ten times a
    second. `concurrency` (50 calls at once unless given), `processes` (1): as in
    `Executor.batch`. `timeout`: as in `Executor.call`. The others are those of `Executor`.

    `engine`: a `distributed.Client` (extra `dask`), whose workers call by partitions of at most 1,000 rows, each with
    `concurrency` calls at once. Transport by name, secrets by reference; `limiter` is a function that makes the limiter
    of a partition, where all agree through a store. Rows of a worker that was lost are `unknown`, not called again.

    Ctrl-C ends the calls under way, starts no others, and raises `Interrupted`, which has the results so far; a second
    one does not wait for the calls to end. Raises what is wrong with the definition, as `Executor.call` does.
    """
    _require(
        {"label": label, "values": values, "progress": progress, "strict": strict, "dry_run": dry_run},
        of_an_activity={"values": values, "path": path, "strict": strict, "timeout": timeout},
        action=action,
    )
    settings = {
        "repository": repository,
        "guardrails": guardrails,
        "secrets": secrets,
        "transport": transport,
        "limiter": limiter,
        "consent": consent,
        "events": tuple(events) if isinstance(events, Iterable) else events,
        "tokens": tokens,
    }
    errand = Errand(action, label, timeout, concurrency, processes, progress, settings, engine)
    calls: list[Call] | None = [] if dry_run else None
    with errand.begun() as now:
        if label is None:
            aside = [getattr(column, "name", None) for column in (path, delivery_ids)]
            matching = Matching(now.plan.action, values or {}, strict=strict, aside=aside)
            read = read_rows(now.plan, rows, matching, path=path, delivery_ids=delivery_ids, calls=calls)
            if not callable(path) and not callable(delivery_ids):  # which may read any column
                _warn_of(matching.ignored)
        else:
            time = SystemClock().now()
            read = read_contexts(now.plan, rows, now=time, delivery_ids=delivery_ids, calls=calls)
        if calls is not None:
            return Calls(tuple(calls), read)
        results = now.results(read)
    return now.unless_stopped(results)


_WANTED: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "label": (lambda given: given is None or isinstance(given, str), "a text"),
    "values": (lambda given: given is None or isinstance(given, Mapping), "a mapping by the names of variables"),
    "progress": (
        lambda given: isinstance(given, bool) or given == PICTURE or callable(given),
        f'True, False, "{PICTURE}" or a function',
    ),
    "strict": (lambda given: isinstance(given, bool), "True or False"),
    "dry_run": (lambda given: isinstance(given, bool), "True or False"),
}


def _require(given: Mapping[str, Any], *, of_an_activity: Mapping[str, Any], action: object) -> None:
    """Raise where a setting is none; `of_an_activity`: what an activity says for itself."""
    faults = [
        Violation(f"$.{name}", f"{wanted} belongs here, not {type(given[name]).__name__}")
        for name, (fits, wanted) in _WANTED.items()
        if not fits(given[name])
    ]
    if given["label"] is not None:
        faults += [
            Violation(f"$.{name}", "the activity of the label and its journey say this; leave it out")
            for name, value in of_an_activity.items()
            if not (value is None or value is False or (isinstance(value, str) and not value))
        ]
    elif isinstance(action, Journey):
        faults.append(Violation("$.label", "a journey has activities; give the label of one, and contexts as rows"))
    if faults:
        raise DefinitionError(faults)


def _warn_of(ignored: Iterable[Hashable]) -> None:
    """Name the columns that fill no variable, once."""
    names = [repr(name) for name in ignored]
    if names:
        more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        shown = ", ".join(names[:_NAMED])
        warnings.warn(f"these columns fill no variable and are not sent: {shown}{more}", stacklevel=3)

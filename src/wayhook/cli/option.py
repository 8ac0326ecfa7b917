"""Arguments and options that several commands have, and how a command is run with them."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any, TypeAlias, get_type_hints

import typer

from wayhook.cli.answer import Answer, ExitCode
from wayhook.cli.console import Console
from wayhook.cli.settings import EDITIONS, Settings
from wayhook.errors import WayhookError

__all__ = [
    "ALONE",
    "ActionName",
    "AnyName",
    "Batched",
    "Beside",
    "ContextFile",
    "DeliveryId",
    "JourneyName",
    "KeptJourney",
    "KindOption",
    "Label",
    "PathText",
    "SubjectName",
    "Timeout",
    "Transport",
    "Values",
    "carried_out",
    "command",
    "count",
    "names_of",
    "one_of",
    "pairs",
    "sign",
    "words_of",
]

EVERYWHERE = "Everywhere"

Work: TypeAlias = Answer | Coroutine[Any, Any, Answer]


def one_of(*words: str) -> Callable[[str], str]:
    """Return what takes one of `words`, and refuses any other text."""

    def word(text: str) -> str:
        if text not in words:
            raise typer.BadParameter(f"give one of {', '.join(words)}")
        return text

    return word


def count(given: str | int) -> int:
    """Return the whole number from 1 that a text stands for; a default comes as it is."""
    text = str(given)
    if not text.isascii() or not text.isdecimal() or int(text[:20]) < 1:
        raise typer.BadParameter("give a whole number from 1")
    return int(text[:20])


def sign(text: str) -> str:
    """Return the one character that a text is, `tab` being the tabulator."""
    found = "\t" if text in ("tab", "\\t") else text
    if len(found) != 1 or found in '"\r\n' or not found.isascii():
        raise typer.BadParameter("give one sign, such as ; or the word tab")
    return found


def seconds(text: str) -> float:
    """Return the number of seconds that a text stands for."""
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter("give a number of seconds, such as 2.5") from None


def pairs(given: Iterable[str], option: str) -> dict[str, str]:
    """Return texts such as `name=text` as a mapping."""
    found = dict(item.partition("=")[::2] for item in given)
    if not all(found) or not all(found.values()):
        raise typer.BadParameter(f"{option} takes a name, an equals sign and a text")
    return found


def names_of(*kinds: str) -> Callable[[typer.Context, str], list[str]]:
    """Return what completes the names of definitions of these kinds."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        from wayhook.cli.completion import names

        return names(kinds, incomplete, ctx.params.get("repository"), ctx.params.get("namespace"))

    return complete


def _labels(ctx: typer.Context, incomplete: str) -> list[str]:
    """What completes the labels of the journey that is named before."""
    from wayhook.cli.completion import labels

    return labels(ctx.params.get("name"), incomplete, ctx.params.get("repository"), ctx.params.get("namespace"))


def words_of(*words: str) -> Callable[[str], list[str]]:
    """Return what completes one of `words`."""
    return lambda incomplete: [word for word in words if word.startswith(incomplete)]


_FILE = "a file ends with .json or has a folder in its name; - is the standard input"
_SUBJECT = f"Name of an action, or of a journey with a LABEL behind it; or a file with one: {_FILE}."

SubjectName = Annotated[
    str, typer.Argument(metavar="NAME", help=_SUBJECT, autocompletion=names_of("action", "journey"))
]
ActionName = Annotated[
    str, typer.Argument(metavar="ACTION", help="Name of an action.", autocompletion=names_of("action"))
]
JourneyName = Annotated[
    str,
    typer.Argument(
        metavar="JOURNEY", help=f"Name of a journey, or its file: {_FILE}.", autocompletion=names_of("journey")
    ),
]
AnyName = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help=f"Name of a definition, or its file: {_FILE}.",
        autocompletion=names_of("action", "journey", "connection", "capping", "throttling"),
    ),
]
Batched = Annotated[
    list[str],
    typer.Argument(
        metavar="ACTION ROWS | JOURNEY LABEL ROWS",
        help=f"An action, or a journey and the label of an activity: names, or files ({_FILE}); and a file with rows, "
        "CSV or JSON Lines.",
        autocompletion=names_of("action", "journey"),
    ),
]
KeptJourney = Annotated[
    str, typer.Argument(metavar="JOURNEY", help="Name of a journey.", autocompletion=names_of("journey"))
]
KINDS = ("action", "journey", "connection", "capping", "throttling")
KindOption = Annotated[
    str | None,
    typer.Option(
        "--kind",
        metavar="|".join(KINDS),
        parser=one_of(*KINDS),
        autocompletion=words_of(*KINDS),
        help="Which, where several have one name.",
    ),
]
Label = Annotated[
    str | None,
    typer.Argument(metavar="[LABEL]", help="Label of an activity of the journey.", autocompletion=_labels),
]
Values = Annotated[
    list[str] | None,
    typer.Option(
        "--values",
        metavar="NAME=VALUE|@FILE|-",
        help="Values of an action's variables: one, or a JSON object in a file or on the standard input. Repeatable.",
    ),
]
PathText = Annotated[str, typer.Option("--path", metavar="TEXT", help="Path to append to the action's URL.")]
ContextFile = Annotated[
    str | None,
    typer.Option("--context", metavar="FILE|-", help="File with the context that an activity reads, as JSON."),
]
Beside = Annotated[
    list[str] | None,
    typer.Option("--with", metavar="FILE|FOLDER", help="Documents of what is used, beside the repository. Repeatable."),
]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", metavar="SECONDS", parser=seconds, help="Time for a call and its retries together."),
]
DeliveryId = Annotated[
    str | None,
    typer.Option(
        "--delivery-id", metavar="ID", help="Identifier of the execution that this one repeats; a new one unless given."
    ),
]
Transport = Annotated[
    str,
    typer.Option(
        "--transport",
        metavar="NAME",
        autocompletion=words_of("httpx", "wire"),
        help="What sends the calls: httpx, or wire (extra fast).",
    ),
]

_COMMON: dict[str, tuple[Any, Any]] = {
    "repository": (
        str | None,
        typer.Option(
            "--repository",
            metavar="URL",
            envvar="WAYHOOK_REPOSITORY",
            help="Where definitions are kept; sqlite:///wayhook.db unless given, if that is there.",
            rich_help_panel=EVERYWHERE,
        ),
    ),
    "namespace": (
        str | None,
        typer.Option(
            "--namespace",
            metavar="NAME",
            envvar="WAYHOOK_NAMESPACE",
            help="The namespace of the repository, such as that of a team.",
            rich_help_panel=EVERYWHERE,
        ),
    ),
    "edition": (
        str,
        typer.Option(
            "--edition",
            metavar="|".join(EDITIONS),
            envvar="WAYHOOK_EDITION",
            parser=one_of(*EDITIONS),
            autocompletion=words_of(*EDITIONS),
            help="The rules that are kept.",
            rich_help_panel=EVERYWHERE,
        ),
    ),
    "allow": (
        list[str] | None,
        typer.Option(
            "--allow",
            metavar="loopback|HOST|HOST:PORT|NETWORK|:PORT",
            envvar="WAYHOOK_ALLOW",
            help="What may be called beyond public hosts. Repeatable.",
            rich_help_panel=EVERYWHERE,
        ),
    ),
    "json": (
        bool,
        typer.Option("--json", help="Print one JSON document, errors as well.", rich_help_panel=EVERYWHERE),
    ),
    "color": (
        str,
        typer.Option(
            "--color",
            metavar="auto|always|never",
            parser=one_of("auto", "always", "never"),
            autocompletion=words_of("auto", "always", "never"),
            help="Colours: on a terminal, always, or never. NO_COLOR and FORCE_COLOR count.",
            rich_help_panel=EVERYWHERE,
        ),
    ),
}
_DEFAULTS = {"edition": EDITIONS[0], "json": False, "color": "auto"}
_PARAMETERS = [
    inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=_DEFAULTS.get(name), annotation=Annotated[kind, option]
    )
    for name, (kind, option) in _COMMON.items()
]


ALONE = ("json", "color")
"""What a command takes that keeps and calls nothing."""


def command(
    group: typer.Typer, name: str, common: Collection[str] = _COMMON.keys()
) -> Callable[[Callable[..., Work]], Callable[..., Work]]:
    """Make a command of a function that takes `settings` and what it declares itself, and returns an answer.

    `common`: the options for the settings that it has.
    """

    def register(function: Callable[..., Work]) -> Callable[..., Work]:
        hints = get_type_hints(function, include_extras=True)
        own = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[parameter.name])
            for parameter in inspect.signature(function).parameters.values()
            if parameter.name != "settings"
        ]

        shared = [parameter for parameter in _PARAMETERS if parameter.name in common]

        options = _spelled([*own, *shared])

        def run(**given: Any) -> int:
            _refuse_options_as_values(given, options)
            return carried_out(function, **given)

        run.__doc__ = function.__doc__
        run.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]  # what typer reads
        group.command(name)(run)
        return function

    return register


def _spelled(parameters: Iterable[inspect.Parameter]) -> dict[str, str]:
    """How each option among the parameters of a command is typed, by the name of the parameter."""
    declared = {parameter.name: parameter.annotation.__metadata__[0] for parameter in parameters}
    return {
        name: next(iter(about.param_decls or ()), "--" + name.replace("_", "-"))
        for name, about in declared.items()
        if isinstance(about, typer.models.OptionInfo)
    }


def _refuse_options_as_values(given: Mapping[str, Any], options: Mapping[str, str]) -> None:
    """Raise where an option took the next one for its value: what that one asks for would be lost, as of `--json`."""
    spelled = {*options.values()}
    for name, option in options.items():
        value = given[name]
        for text in map(str, value if isinstance(value, list) else [value]):
            if text in spelled:
                raise typer.BadParameter(f"a value belongs here, and {text} is another option", param_hint=option)


def carried_out(
    function: Callable[..., Work],
    *,
    repository: str | None = None,
    namespace: str | None = None,
    edition: str = EDITIONS[0],
    allow: Sequence[str] | None = None,
    json: bool,
    color: str,
    **given: Any,
) -> int:
    """Run a command, show its answer or what went wrong, and return the exit code."""
    import asyncio

    console = Console(json=json, color=color)
    settings = Settings(repository, namespace, edition, allow or (), console)
    try:
        try:
            found = function(settings=settings, **given)
            return console.answer(found if isinstance(found, Answer) else asyncio.run(found))
        except WayhookError as error:
            return console.error(error)
    except BrokenPipeError:
        _leave_quietly()
        return ExitCode.LEFT
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.note("stopped; what was done is kept")
        return ExitCode.INTERRUPTED


def _leave_quietly() -> None:
    """Let nothing more be written to an output that nobody reads, at the end of the process either."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

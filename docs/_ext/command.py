"""What the pages show of the command line, made from the commands themselves: options, exit codes, shapes of JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import typer

from wayhook.cli.answer import ExitCode
from wayhook.cli.application import app
from wayhook.cli.option import EVERYWHERE
from wayhook.cli.shape import SHAPES, spelled

__all__ = ["Command", "code_lines", "command_lines", "commands", "shape_lines"]


class Command(NamedTuple):
    """A command by its words, such as `journey run`."""

    words: str
    about: str
    arguments: list[Any]
    options: list[Any]


def commands() -> Iterator[Command]:
    """Yield every command that can be typed, those of a group one after the other."""
    yield from _below(typer.main.get_command(app), ())


def _below(command: Any, words: tuple[str, ...]) -> Iterator[Command]:
    if hasattr(command, "commands"):
        for name, below in command.commands.items():
            yield from _below(below, (*words, name))
        return
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option" and each.name != "help"]
    yield Command(" ".join(words), command.help, arguments, options)


def command_lines() -> list[str]:
    """A section for each command, in Markdown, and one for the options that they share."""
    lines = []
    shared: dict[str, Any] = {}
    for command in commands():
        own = [each for each in command.options if each.rich_help_panel != EVERYWHERE]
        shared |= {each.name: each for each in command.options if each.rich_help_panel == EVERYWHERE}
        usage = " ".join(
            ["wayhook", command.words, *(_typed(each) for each in command.arguments), *(["[OPTIONS]"] if own else [])]
        )
        lines += [f"## {command.words}", "", f"```text\n{usage}\n```", "", command.about, ""]
        lines += [*_table([*command.arguments, *own]), ""]
    return [*lines, "## Options of every command", "", *_table(shared.values())]


def _typed(argument: Any) -> str:
    return str(argument.metavar)


def _table(parameters: Any) -> list[str]:
    rows = [f"| {_name(each)} | {each.help}{_more(each)} |" for each in parameters]
    return ["| | |", "|---|---|", *rows] if rows else []


def _name(parameter: Any) -> str:
    names = " ".join(parameter.opts) if parameter.param_type_name == "option" else ""
    shown = " ".join(filter(None, (names, parameter.metavar)))
    return f"`{shown}`".replace("|", "\\|")


def _more(parameter: Any) -> str:
    """The default and the environment variable, where there are any."""
    known = parameter.default not in (None, False, "", ()) and parameter.param_type_name == "option"
    default = f" Default: `{parameter.default}`." if known and not callable(parameter.default) else ""
    variable = f" Environment: `{parameter.envvar}`." if getattr(parameter, "envvar", None) else ""
    return default + variable


def code_lines() -> list[str]:
    """The exit codes as a table, in Markdown."""
    return ["| code | what it says |", "|---|---|", *(f"| {code.value} | {code.meaning} |" for code in ExitCode)]


def shape_lines() -> list[str]:
    """The shape of each command's JSON, in Markdown."""
    lines = []
    for name, schema in SHAPES.items():
        lines += [f"`{name}`", "", "```text", *spelled(schema), "```", ""]
    return lines

"""The command `docs`: pages that are packed with the program, and what the docstrings say."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import resources

import wayhook
from wayhook import errors
from wayhook.cli.answer import Answer, CannotRun, ExitCode, Table
from wayhook.cli.shape import shapes_text
from wayhook.errors import closest
from wayhook.expression.function.function import Signature
from wayhook.expression.function.table import FUNCTIONS

__all__ = ["PAGES", "TOPICS", "topic"]

PAGES = ("values", "rows", "secrets", "repository")
"""The topics with a page of their own."""


def _codes() -> str:
    return "\n".join(["# Exit codes", "", *(f"    {code.value:<5}{code.meaning}" for code in ExitCode)])


def _functions() -> str:
    width = max(map(len, FUNCTIONS))
    lines = (f"    {name:<{width}}  {function.meaning}" for name, function in sorted(FUNCTIONS.items()))
    about = "`wayhook docs NAME` shows one of them; `wayhook eval` tries an expression."
    return "\n".join(["# Functions of the expression language", "", about, "", *lines])


def _errors() -> str:
    return f"# Errors\n\n{inspect.getdoc(errors)}"


TOPICS: dict[str, Callable[[], str]] = {
    **{name: (lambda name=name: _page(name)) for name in PAGES},  # type: ignore[misc]  # a default is no parameter here
    "exit-codes": _codes,
    "json": shapes_text,
    "functions": _functions,
    "errors": _errors,
}
"""What can be read, by name."""


def topic(name: str | None) -> Answer:
    """Return the text of a topic, of a public name or of a function; without one, what there is."""
    if name is None:
        rows = tuple((each, make().partition("\n")[0].removeprefix("# ")) for each, make in TOPICS.items())
        about = (
            "wayhook docs TOPIC prints a page; TOPIC may also be a public name, such as Action, or a function of the\n"
            "expression language, such as concat. The whole documentation comes with the source, in the folder docs."
        )
        topics = [{"topic": each, "title": title} for each, title in rows]
        return Answer({"topics": topics}, (Table(("topic", "what it is about"), rows), about))
    text = _text(name)
    return Answer({"topic": name, "text": text}, (text,))


def _text(name: str) -> str:
    if name in TOPICS:
        return TOPICS[name]().rstrip()
    if name in FUNCTIONS:
        function = FUNCTIONS[name]
        signatures = [_signature(name, each) for each in function.signatures]
        return "\n".join([*signatures, "", function.meaning, "", f"    {function.example}"])
    if name in wayhook.__all__:
        return f"wayhook.{name}\n\n{inspect.getdoc(getattr(wayhook, name))}"
    close = closest(name, (*TOPICS, *FUNCTIONS, *wayhook.__all__))
    raise CannotRun(f"there is no topic {name!r}; " + (f"did you mean {close!r}?" if close else "see wayhook docs"))


def _signature(name: str, signature: Signature) -> str:
    only = f"  (only {signature.dialect})" if signature.dialect else ""
    return f"{name}({', '.join(str(each.type) for each in signature.parameters)}) -> {signature.result}{only}"


def _page(name: str) -> str:
    return resources.files("wayhook.cli").joinpath("topics", f"{name}.md").read_text(encoding="utf-8")

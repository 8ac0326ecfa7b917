"""Which defaults an expression took for a context: what a preview tells of it. No I/O."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import attrs

from wayhook.expression.compiler import Compiler
from wayhook.expression.context import Context
from wayhook.expression.declaration import NOTHING_DECLARED
from wayhook.expression.fault import Fault
from wayhook.expression.lookup import Compiled
from wayhook.expression.syntax import Node

__all__ = ["taken_defaults"]


def taken_defaults(tree: Node, text: str, dialect: str, context: Context) -> tuple[str, ...]:
    """Return the fields, such as `event Signup.name`, that were absent or null and gave their default, each once.

    An expression that cannot be evaluated gives those before the fault.
    """
    watching = _Watching(text, dialect, NOTHING_DECLARED)
    evaluate = watching.whole(tree).evaluate
    watching.taken.clear()  # what compiling tried
    with suppress(Fault):  # told by who renders
        evaluate(context)
    return tuple(dict.fromkeys(watching.taken))


class _Watching(Compiler):
    """Compiles an expression that notes each default as it is taken."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.taken: list[str] = []
        self._default: tuple[Node, str] | None = None

    def _with_default(self, found: Compiled, node: Node) -> Compiled:
        source, names = found.path or ("field", ())
        self._default = node, " ".join(filter(None, (str(source), ".".join(names))))
        return super()._with_default(found, node)

    def lazily(self, node: Node) -> Compiled:
        default, self._default = self._default, None
        compiled = super().lazily(node)
        if default is None or default[0] is not node:
            return compiled

        def noted(frame: Any) -> Any:
            self.taken.append(default[1])
            return compiled.evaluate(frame)

        return attrs.evolve(compiled, evaluate=noted, constant=False)

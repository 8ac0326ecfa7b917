"""The form of an action in a notebook: fields, a preview that follows, and a button that calls.

The one module that imports ipywidgets, when a form is made. What the widgets hold is read into values, and everything
else is asked of the library itself: faults and the preview come from rendering, and the cards are those of the values.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import attrs

from wayhook.errors import DefinitionError, MissingExtra, Violation, WayhookError
from wayhook.execution.blocking import call
from wayhook.execution.ports import Repository, SecretSource, Transport
from wayhook.formats.document import NUMBER
from wayhook.formats.form import Form, FormField, form
from wayhook.jsonvalue import parse_exact_json
from wayhook.model.action import Action
from wayhook.model.guardrail import Guardrails
from wayhook.rendering.preview import preview
from wayhook.values import DataType
from wayhook.wire import Call, Outcome

__all__ = ["FormWidget", "form_widget"]

_LONG = 60
"""Characters of a sample from which on a text has several lines."""
_DIGITS = re.compile(r"[+-]?[0-9]{1,20}", re.ASCII)
_FAULT = '<span style="color:#b3261e;font-size:12px;overflow-wrap:anywhere">{}</span>'


def form_widget(
    action: Action,
    *,
    timeout: float | None = None,
    repository: Repository | None = None,
    guardrails: Guardrails | None = None,
    secrets: SecretSource | None = None,
    transport: Transport | str = "httpx",
) -> FormWidget:
    """Return the form of `action` as widgets of a notebook; it shows itself at the end of a cell.

    A preview follows while somebody fills it in, each fault beside its field, and a button makes the call and shows how
    it ended. Secrets are looked up when the call is made, and shown nowhere. What follows the action is as in
    `wayhook.call`. Raises `MissingExtra` without ipywidgets (extra `notebook`), and `DefinitionError` for an action
    that cannot be called.
    """
    made = form(action)
    try:
        import ipywidgets
    except ModuleNotFoundError:
        raise MissingExtra("a form in a notebook needs ipywidgets: pip install 'wayhook[notebook]'") from None
    settings = {"repository": repository, "guardrails": guardrails, "secrets": secrets, "transport": transport}
    return FormWidget(action, made, ipywidgets, {"timeout": timeout, **settings})


@attrs.frozen
class _Control:
    """A field and its widget. `read`: what the widget holds, as a value; None for nothing."""

    field: FormField
    widget: Any
    told: Any
    read: Callable[[Any], Any]

    def covers(self, path: str) -> bool:
        """Whether a fault is one of this field, or of a part of its value."""
        rest = path.removeprefix(self.field.path)
        return rest != path and (not rest or rest[0] in ".[")


class FormWidget:
    """The form of an action in a notebook, made by `wayhook.form_widget`.

    `widgets`: those of the variables, by name; `path_widget`: that of the path. `button`: makes the call. `values`,
    `path`: what is filled in. `preview`: the call of that, None while there are `faults`. `outcome`: how the last call
    ended, None before.
    """

    def __init__(self, action: Action, made: Form, ipywidgets: Any, settings: Mapping[str, Any]) -> None:
        self._action, self._settings = action, settings
        self._controls = [_control(ipywidgets, field) for field in made.fields]
        self._told, self._shown, self._ended = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self.path_widget = self._controls[0].widget
        self.widgets = {control.field.name: control.widget for control in self._controls[1:]}
        self.button = ipywidgets.Button(description="Call", button_style="primary", tooltip=f"Call {action.name} now")
        self.values: dict[str, Any] = {}
        self.path = ""
        self.faults: tuple[Violation, ...] = ()
        self.preview: Call | None = None
        self.outcome: Outcome | None = None
        fields = [part for control in self._controls for part in (control.widget, control.told)]
        self._box = ipywidgets.VBox([*fields, self._told, self.button, self._shown, self._ended])
        for control in self._controls:
            control.widget.observe(self._follow, names="value")
        self.button.on_click(self._call)
        self._follow(None)

    def _follow(self, _: Any) -> None:
        """Show what the call would be, or what is wrong, and by which field."""
        self._read()
        if not self.faults:
            try:
                self.preview = preview(self._action, self.values, path=self.path)
            except WayhookError as error:
                self.faults = _faults(error)
        told = list(self.faults)
        for control in self._controls:
            own = [fault for fault in told if control.covers(fault.path)]
            told = [fault for fault in told if fault not in own]
            control.told.value = _messages(own)
        self._told.value = _messages(told)
        self.button.disabled = bool(self.faults)
        self._shown.value = "" if self.preview is None else self.preview._repr_html_()

    def _read(self) -> None:
        """Take the values out of the widgets; what cannot be read as a value is a fault of its field."""
        path, *variables = self._controls
        self.preview, self.path, self.values = None, path.read(path.widget.value) or "", {}
        faults = []
        for control in variables:
            try:
                value = control.read(control.widget.value)
            except DefinitionError as error:
                faults += [attrs.evolve(violation, path=control.field.path) for violation in error.violations]
            else:
                self.values |= {} if value is None else {control.field.name: value}
        self.faults = tuple(faults)

    def _call(self, _: Any) -> None:
        """Make the call that is shown, and show how it ended."""
        self._follow(None)
        if self.faults:
            return
        self.button.disabled, self.button.description = True, "Calling …"
        try:
            self.outcome = call(self._action, self.values, path=self.path, **self._settings)
            self._ended.value = self.outcome._repr_html_()
        except WayhookError as error:
            self._ended.value = _messages(_faults(error))
        finally:
            self.button.disabled, self.button.description = False, "Call"

    def _repr_mimebundle_(self, **selection: Any) -> dict[str, Any]:
        return {**self._box._repr_mimebundle_(**selection), "text/plain": repr(self)}

    def __repr__(self) -> str:
        state = f"{len(self.faults)} faults" if self.faults else "ready"
        return f"<FormWidget of {self._action.name}: {state}>"


def _faults(error: WayhookError) -> tuple[Violation, ...]:
    """What is wrong, fault by fault where the error tells them so."""
    return tuple(getattr(error, "violations", ())) or (Violation("$", str(error)),)


def _messages(faults: Iterable[Violation]) -> str:
    return "<br>".join(_FAULT.format(html.escape(fault.message)) for fault in faults)


def _control(ipywidgets: Any, field: FormField) -> _Control:
    """The widget that suits a field, with nothing in it."""
    kind, read = _WIDGETS.get(field.data_type) or ("Textarea", _lines(field.data_type))
    if kind == "Text" and isinstance(field.sample, str) and ("\n" in field.sample or len(field.sample) > _LONG):
        kind = "Textarea"
    more: dict[str, Any] = {"placeholder": _hint(field)} if kind in ("Text", "Textarea") else {}
    if kind == "Dropdown":
        more = {"options": [("", None), ("true", True), ("false", False)], "value": None}
    widget = getattr(ipywidgets, kind)(
        description=f"{field.label} *" if field.required else field.label,
        tooltip=field.description,
        style={"description_width": "12em"},
        layout={"width": "min(100%, 44em)"},
        **more,
    )
    return _Control(field, widget, ipywidgets.HTML(), read)


def _hint(field: FormField) -> str:
    """What may stand in an empty field of text."""
    if field.data_type.item in (None, DataType.OBJECT):
        return field.sample if isinstance(field.sample, str) else json.dumps(field.sample, ensure_ascii=False)
    items = field.sample if isinstance(field.sample, list) else []
    return "\n".join(item if isinstance(item, str) else json.dumps(item) for item in items)


def _filled(value: Any) -> Any:
    """A text or a list, and nothing where it is empty: a field that nobody touched gives no value."""
    return value or None


def _integer(text: str) -> Any:
    """The number that a text is; another text as it is, which rendering refuses."""
    return int(text) if _DIGITS.fullmatch(text.strip()) else _filled(text)


def _decimal(text: str) -> Any:
    return Decimal(text.strip()) if NUMBER.fullmatch(text.strip()) else _filled(text)


def _boolean(text: str) -> Any:
    return {"true": True, "false": False}.get(text.strip(), text)


def _json(text: str) -> Any:
    return parse_exact_json(text) if text.strip() else None


def _lines(data_type: DataType) -> Callable[[str], Any]:
    """What reads a list whose items stand on a line each."""
    item = _boolean if data_type.item is DataType.BOOLEAN else str.strip
    return lambda text: [item(line) for line in text.splitlines() if line.strip()] or None


_WIDGETS: dict[DataType, tuple[str, Callable[[Any], Any]]] = {
    DataType.STRING: ("Text", _filled),
    DataType.INTEGER: ("Text", _integer),  # widgets of numbers have no empty state, and no 64 bits
    DataType.DECIMAL: ("Text", _decimal),
    DataType.BOOLEAN: ("Dropdown", lambda value: value),
    DataType.DATE_TIME: ("DatetimePicker", lambda value: value),
    DataType.DATE_TIME_ONLY: ("NaiveDatetimePicker", lambda value: value),
    DataType.DATE_ONLY: ("DatePicker", lambda value: value),
    DataType.LIST_STRING: ("TagsInput", _filled),
    DataType.LIST_INTEGER: ("IntsInput", _filled),
    DataType.LIST_DECIMAL: ("FloatsInput", _filled),
    DataType.LIST_OBJECT: ("Textarea", _json),
}
"""The widget for a type, and how what it holds is read. A list of another type has a line for each item."""

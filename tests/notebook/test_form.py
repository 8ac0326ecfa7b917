"""The form of an action as widgets, driven as a browser drives them: by their values."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from typing import Any

import attrs
import ipywidgets
import pytest

import wayhook as wh
from wayhook import DataType
from wayhook.testing import FakeSecrets, FakeTransport, LoopbackService

SECRETS = FakeSecrets({"env:SMS_KEY": "canary-7f3a"})


def action(*fields: wh.MessageParameter, **parts: Any) -> wh.Action:
    """An action with these message parameters."""
    here = wh.UrlConfiguration("https://h.example/v1")
    return wh.Action(**{"name": "Act", "url_configuration": here, "message_parameters": fields, **parts})


def variable(data_type: str, **parts: Any) -> wh.MessageParameter:
    """A variable of this type, named `v`."""
    return wh.MessageParameter("v", data_type, variable=wh.variable(**parts))


def shown(made: wh.FormWidget) -> list[str]:
    """The HTML that stands in the form, from top to bottom."""
    return [part.value for part in made._box.children if isinstance(part, ipywidgets.HTML)]


def fault_of(made: wh.FormWidget, widget: Any) -> str:
    """The text below a widget."""
    parts = made._box.children
    return str(parts[parts.index(widget) + 1].value)


@pytest.fixture
def filled(send_sms: wh.Action) -> wh.FormWidget:
    """The form of the README's action, filled in."""
    made = wh.form_widget(send_sms, secrets=SECRETS, transport=FakeTransport(wh.Response(202, body=b'{"id": "m-1"}')))
    made.path_widget.value = "messages"
    for name, text in {"X-Campaign": "c1", "to": "+33611111111", "text": "Hi"}.items():
        made.widgets[name].value = text
    return made


def test_a_field_for_each_variable(send_sms: wh.Action) -> None:
    """With its label, whether it is required, what belongs there, and its sample while it is empty."""
    made = wh.form_widget(send_sms)

    assert made.path_widget.description == "Path"
    assert [(name, widget.description, widget.tooltip) for name, widget in made.widgets.items()] == [
        ("X-Campaign", "Campaign id *", "Text, in the header X-Campaign"),
        ("to", "Recipient *", "Text, in the payload"),
        ("text", "Message *", "Text, in the payload"),
    ]
    assert made.widgets["to"].placeholder == "+33600000000"


def test_a_preview_follows(filled: wh.FormWidget) -> None:
    """The call is the one that a preview gives, at every change; its card shows no secret."""
    assert filled.preview is not None
    assert filled.preview.body == b'{"to":"+33611111111","text":"Hi","priority":1}'
    assert "‹env:SMS_KEY›" in shown(filled)[-2].replace("<wbr>", "")

    filled.widgets["text"].value = "<b>Hello</b>"

    assert filled.preview.body == b'{"to":"+33611111111","text":"<b>Hello</b>","priority":1}'
    assert "&lt;b&gt;Hello" in shown(filled)[-2]
    assert "<b>Hello" not in "".join(shown(filled))


def test_a_fault_stands_by_its_field(filled: wh.FormWidget) -> None:
    """Each with the sentence that rendering has for it; there is no preview and no call meanwhile."""
    filled.widgets["to"].value = ""
    filled.path_widget.value = "../admin"
    filled.widgets["X-Campaign"].value = "é"

    assert "this variable is required" in fault_of(filled, filled.widgets["to"])
    assert "does not climb" in fault_of(filled, filled.path_widget)
    assert "visible ASCII" in fault_of(filled, filled.widgets["X-Campaign"])
    assert fault_of(filled, filled.widgets["text"]) == ""
    assert [fault.path for fault in filled.faults] == ["$.path", "$.headers.X-Campaign", "$.parameters.to"]
    assert (filled.preview, filled.button.disabled, shown(filled)[-2]) == (None, True, "")
    assert repr(filled) == "<FormWidget of SendSms: 3 faults>"

    filled.widgets["to"].value, filled.path_widget.value, filled.widgets["X-Campaign"].value = "+336", "", "c"

    assert (filled.faults, filled.button.disabled) == ((), False)
    assert fault_of(filled, filled.widgets["to"]) == ""
    assert repr(filled) == "<FormWidget of SendSms: ready>"


def test_the_button_calls(filled: wh.FormWidget) -> None:
    """What was shown is sent, and how it ended is shown; the secret is in neither."""
    filled.button.click()

    assert filled.outcome is not None
    assert (filled.outcome.status, filled.outcome.response) == ("http_202", {"id": "m-1", "queued": None})
    assert "http_202" in shown(filled)[-1]
    assert "canary" not in "".join(shown(filled))
    assert (filled.button.disabled, filled.button.description) == (False, "Call")


def test_the_button_calls_over_a_socket(loopback: wh.Guardrails) -> None:
    """Also inside of a running loop, as in a notebook."""
    with LoopbackService() as service:
        made = wh.form_widget(
            action(variable("integer"), url_configuration=wh.UrlConfiguration(service.url)), guardrails=loopback
        )
        made.widgets["v"].value = "7"
        made.button.click()

    assert [received.body for received in service.received] == [b'{"v":7}']


async def test_the_button_calls_inside_of_a_running_loop(filled: wh.FormWidget) -> None:
    """The kernel of a notebook has one."""
    filled.button.click()

    assert filled.outcome is not None


def test_nothing_is_called_while_there_are_faults(send_sms: wh.Action) -> None:
    """However the button is pressed."""
    transport = FakeTransport()
    made = wh.form_widget(send_sms, transport=transport)

    made.button.click()

    assert (made.outcome, transport.requests) == (None, [])


def test_what_keeps_a_call_from_being_made_is_shown(filled: wh.FormWidget, send_sms: wh.Action) -> None:
    """A guardrail, or a timeout that there is not, is told below the button."""
    rails = wh.Guardrails.journey_orchestration()
    made = wh.form_widget(send_sms, guardrails=rails, secrets=SECRETS, transport=FakeTransport())
    made.widgets["X-Campaign"].value = made.widgets["to"].value = made.widgets["text"].value = "x"

    made.button.click()

    assert made.outcome is None
    assert "has no query parameters" in shown(made)[-1]
    assert not made.button.disabled


NOON = datetime(2030, 1, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("data_type", "widget", "value", "body"),
    [
        ("string", "Text", "a", '"a"'),
        ("integer", "Text", " 9007199254740993 ", "9007199254740993"),
        ("integer", "Text", "-7", "-7"),
        ("decimal", "Text", "0.10", "0.10"),
        ("decimal", "Text", "1e3", "1E+3"),
        ("boolean", "Dropdown", False, "false"),
        ("dateTime", "DatetimePicker", NOON, '"2030-01-02T12:00:00Z"'),
        ("dateTimeOnly", "NaiveDatetimePicker", NOON.replace(tzinfo=None), '"2030-01-02T12:00:00"'),
        ("dateOnly", "DatePicker", date(2030, 1, 2), '"2030-01-02"'),
        ("listString", "TagsInput", ["a b", "c"], '["a b","c"]'),
        ("listInteger", "IntsInput", [1, 2], "[1,2]"),
        ("listDecimal", "FloatsInput", [1.5], "[1.5]"),
        ("listBoolean", "Textarea", "true\n\n false\n", "[true,false]"),
        ("listDateOnly", "Textarea", "2030-01-02\n 2030-01-03", '["2030-01-02","2030-01-03"]'),
    ],
)
def test_each_type_has_its_widget(data_type: str, widget: str, value: Any, body: str) -> None:
    """What it holds is a value of the type, to the last digit; empty, it is nothing."""
    made = wh.form_widget(action(variable(data_type, optional=True)))
    field = made.widgets["v"]
    assert type(field) is getattr(ipywidgets, widget)
    assert (made.values, made.faults) == ({}, ())

    field.value = value

    assert made.preview is not None
    assert made.preview.body == f'{{"v":{body}}}'.encode()


@pytest.mark.parametrize("data_type", [kind for kind in DataType if "bject" not in kind and kind != "listAny"])
def test_an_untouched_field_is_no_value(data_type: DataType) -> None:
    """A required one says so, whatever its type."""
    made = wh.form_widget(action(variable(data_type)))

    assert made.values == {}
    assert "this variable is required" in fault_of(made, made.widgets["v"])


@pytest.mark.parametrize(
    ("data_type", "text", "says"),
    [
        ("integer", "7.5", "takes an integer, not str"),
        ("integer", "99999999999999999999", "R154"),
        ("decimal", "1,5", "takes a decimal number, not str"),
        ("decimal", "9" * 500, "R155"),
        ("listBoolean", "yes", "takes true or false, not str"),
        ("listDateOnly", "2030-02-30", "no such day"),
    ],
)
def test_a_text_that_is_no_such_value_is_refused_as_ever(data_type: str, text: str, says: str) -> None:
    """The sentence is that of rendering."""
    made = wh.form_widget(action(variable(data_type)))

    made.widgets["v"].value = text

    assert says in fault_of(made, made.widgets["v"])


def test_a_list_of_objects_is_written_as_json() -> None:
    """The sample shows how; what is no JSON is told by line and column, and a fault in it stands by the field."""
    fields = wh.message_parameters({"rows": [{"id": 1}]}, variables={"rows": "Rows"})
    made = wh.form_widget(action(*fields))
    rows = made.widgets["rows"]
    assert rows.placeholder == '[{"id": 1}]'

    rows.value = '[{"id": 1}'
    assert "not JSON at line 1, column 11" in fault_of(made, rows)
    rows.value = '[{"id": "x"}]'
    assert "takes an integer, not str" in fault_of(made, rows)
    rows.value = '[{"id": 7}]'
    assert made.preview is not None
    assert made.preview.body == b'{"rows":[{"id":7}]}'


def test_a_long_text_has_lines() -> None:
    """By its sample."""
    fields = [variable("string", sample="a\nb"), attrs.evolve(variable("string", sample="x" * 61), name="w")]
    made = wh.form_widget(action(*fields))

    assert [type(widget).__name__ for widget in made.widgets.values()] == ["Textarea", "Textarea"]


def test_a_fault_of_no_field_is_told_above_the_button() -> None:
    """Such as a payload that is too large as a whole."""
    made = wh.form_widget(action(variable("string"), attrs.evolve(variable("string"), name="w")))

    made.widgets["v"].value = made.widgets["w"].value = "x" * 600_000

    assert "more than 1,048,576" in shown(made)[-3]


def test_fields_whose_names_begin_alike_are_told_apart() -> None:
    """Each fault belongs to one of them; a variable named as the path is a variable."""
    fields = [wh.MessageParameter(name, "integer", variable=wh.variable()) for name in ("a", "ab", "path")]
    made = wh.form_widget(action(*fields))

    made.widgets["a"].value, made.widgets["ab"].value, made.widgets["path"].value = "1", "x", "2"

    assert "takes an integer" in fault_of(made, made.widgets["ab"])
    assert fault_of(made, made.widgets["a"]) == ""
    assert made.values == {"a": 1, "ab": "x", "path": 2}


def test_a_form_shows_itself(send_sms: wh.Action) -> None:
    """At the end of a cell, as the widget that it is made of."""
    bundle = wh.form_widget(send_sms)._repr_mimebundle_()

    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/plain"] == "<FormWidget of SendSms: 3 faults>"


def test_without_the_extra_one_sentence_says_so(send_sms: wh.Action, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the extra."""
    monkeypatch.setitem(sys.modules, "ipywidgets", None)

    with pytest.raises(
        wh.MissingExtra, match=r"^a form in a notebook needs ipywidgets: pip install 'wayhook\[notebook\]'$"
    ):
        wh.form_widget(send_sms)


def test_what_cannot_be_called_has_no_form() -> None:
    """The faults are those of a preview."""
    with pytest.raises(wh.DefinitionError, match=r"\$\.url_configuration"):
        wh.form_widget(wh.Action(name="Act"))

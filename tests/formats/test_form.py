"""The form of an action: what may be filled in, for people and for programs."""

from __future__ import annotations

import re
from datetime import date, datetime
from itertools import product
from typing import Any

import attrs
import jsonschema
import pytest

import wayhook as wh
from wayhook import DataType

HERE = wh.UrlConfiguration("https://h.example/v1")


def action(*fields: wh.MessageParameter, **parts: Any) -> wh.Action:
    """An action with these message parameters."""
    return wh.Action(**{"name": "Act", "url_configuration": HERE, "message_parameters": fields, **parts})


def variable(data_type: str, **parts: Any) -> wh.MessageParameter:
    """A variable of this type, named `v`."""
    return wh.MessageParameter("v", data_type, variable=wh.variable(**parts))


def test_the_form_of_the_readme(send_sms: wh.Action) -> None:
    """The path first, then what goes by name, each with its label, place, type and sample."""
    form = wh.form(send_sms)

    assert [attrs.astuple(field)[:7] for field in form.fields] == [
        ("path", "Path", "path", "$.path", "string", False, ""),
        ("X-Campaign", "Campaign id", "header", "$.headers.X-Campaign", "string", True, "text"),
        ("to", "Recipient", "payload", "$.parameters.to", "string", True, "+33600000000"),
        ("text", "Message", "payload", "$.parameters.text", "string", True, "Hello"),
    ]
    assert form.field("to").description == "Text, in the payload"
    assert form.field("X-Campaign").description == "Text, in the header X-Campaign"
    assert form.path.description == "Text, below the static URL; may stay empty"
    assert (form.path, *form.variables) == form.fields


def test_a_form_prints_as_a_table(send_sms: wh.Action) -> None:
    """One line for each field."""
    assert str(wh.form(send_sms)).splitlines() == [
        "name        label        what            sample",
        "path        Path         text",
        "X-Campaign  Campaign id  text  required  text",
        "to          Recipient    text  required  +33600000000",
        "text        Message      text  required  Hello",
    ]
    assert repr(wh.form(send_sms)) == "<Form of SendSms: path, X-Campaign, to, text>"


def test_fields_of_one_name_are_told_apart() -> None:
    """The names are those that a call takes."""
    made = action(
        variable("string"),
        url_configuration=wh.UrlConfiguration(
            "https://h.example", headers={"v": wh.variable()}, query_parameters={"v": wh.variable(optional=True)}
        ),
    )
    form = wh.form(made)

    assert [field.name for field in form.variables] == ["header:v", "query:v", "parameter:v"]
    assert [field.label for field in form.variables] == ["v", "v", "v"]
    assert form.field("query:v").description == "Text, in the query parameter v; may stay empty"
    assert wh.preview(made, {"header:v": "1", "parameter:v": "2"}).body == b'{"v":"2"}'
    with pytest.raises(wh.DefinitionError, match=r"no such variable; .*header:v"):
        form.field("v")


@pytest.mark.parametrize(
    ("data_type", "given", "sample", "kind"),
    [
        ("string", "x", "x", "text"),
        ("string", 7, "text", "text"),
        ("integer", 7, 7, "whole number"),
        ("integer", "7", 1, "whole number"),
        ("decimal", 0.5, 0.5, "number"),
        ("boolean", False, False, "true or false"),
        ("dateTime", "2031-01-02T03:04:05+01:00", "2031-01-02T03:04:05+01:00", "date and time with an offset"),
        ("dateTime", "tomorrow", "2030-01-02T03:04:05Z", "date and time with an offset"),
        ("dateTimeOnly", None, "2030-01-02T03:04:05", "local date and time"),
        ("dateOnly", None, "2030-01-02", "date"),
        ("listInteger", [1, 2], [1, 2], "list of whole numbers"),
        ("listInteger", [1, "a"], [1], "list of whole numbers"),
        ("listDateOnly", [], ["2030-01-02"], "list of dates"),
    ],
)
def test_a_sample_is_the_one_that_was_given_if_it_fits(data_type: str, given: Any, sample: Any, kind: str) -> None:
    """Else it is one of the type."""
    [_, field] = wh.form(action(variable(data_type, sample=given))).fields

    assert (field.sample, field.kind) == (sample, kind)


@pytest.mark.parametrize(("sample", "shown"), [("é", "text"), ("x" * 20_000, "text"), (7, "text"), ("a b", "a b")])
def test_the_sample_of_a_header_can_stand_in_a_header(sample: Any, shown: str) -> None:
    """What cannot is not shown."""
    headers = {"X-A": wh.variable(sample=sample)}
    form = wh.form(action(url_configuration=attrs.evolve(HERE, headers=headers)))

    assert form.field("X-A").sample == shown


def test_the_objects_of_a_list_have_fields() -> None:
    """Each with its own label, type and sample, at any depth; the sample of the list is made of them."""
    sample = {"rows": [{"id": 7, "o": {"tags": ["a"]}}]}
    fields = wh.message_parameters(sample, variables={"rows": "Rows", "rows.id": "Number"})

    [_, rows] = wh.form(action(*fields)).fields

    assert (rows.kind, rows.sample) == ("list of objects", sample["rows"])
    assert [(field.name, field.label, field.path, field.kind) for field in rows.fields] == [
        ("id", "Number", "$.parameters.rows[].id", "whole number"),
        ("o", "o", "$.parameters.rows[].o", "object"),
    ]
    assert rows.fields[1].fields[0].kind == "list of texts"


def test_the_schema_of_the_readme(send_sms: wh.Action) -> None:
    """Draft 2020-12; titles, examples, what is required, and nothing else."""
    schema = wh.form(send_sms).json_schema()

    jsonschema.Draft202012Validator.check_schema(schema)
    assert (schema["title"], schema["required"], schema["additionalProperties"]) == (
        "SendSms",
        ["X-Campaign", "to", "text"],
        False,
    )
    assert schema["properties"]["to"] == {
        "type": ["string", "null"],
        "maxLength": 1_048_576,
        "title": "Recipient",
        "description": "Text, in the payload",
        "examples": ["+33600000000"],
    }


@pytest.mark.parametrize(
    ("data_type", "format_"), [("dateTime", "date-time"), ("dateTimeOnly", "date-time-local"), ("dateOnly", "date")]
)
def test_dates_have_their_format(data_type: str, format_: str) -> None:
    """A form generator shows a calendar."""
    assert wh.form(action(variable(data_type))).field("v").json_schema()["format"] == format_


def is_day(text: str) -> bool:
    """Whether the calendar has a day."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def test_the_pattern_of_a_date_is_the_calendar() -> None:
    """Every day that there is, and none that there is not, in years of every kind."""
    pattern = wh.form(action(variable("dateOnly"))).field("v").json_schema()["pattern"]
    years = (0, 1, 4, 1896, 1900, 1904, 2000, 2023, 2024, 2096, 2100, 2400, 9996, 9999)
    texts = [f"{y:04}-{m:02}-{d:02}" for y, m, d in product(years, range(14), range(33))]

    assert [text for text in texts if bool(re.search(pattern, text)) != is_day(text)] == []
    assert sum(map(is_day, texts)) > 4000


def test_the_pattern_of_a_time_is_the_clock() -> None:
    """Every hour and minute that there is, and no other."""
    pattern = wh.form(action(variable("dateTimeOnly"))).field("v").json_schema()["pattern"]
    texts = [f"2030-01-02T{h:02}:{m:02}{s}" for h, m, s in product(range(30), (0, 9, 59, 60), ("", ":59", ":60"))]

    found = [text for text in texts if re.search(pattern, text)]

    assert found == [text for text in texts if text[11:13] < "24" and "60" not in text]
    assert all(datetime.fromisoformat(text) for text in found)


@pytest.mark.parametrize("given", [None, 7, "SendSms", HERE])
def test_an_action_has_a_form(given: Any) -> None:
    """Nothing else has."""
    with pytest.raises(wh.DefinitionError, match="an Action has a form"):
        wh.form(given)


def test_what_cannot_be_called_has_no_form() -> None:
    """The faults are those of a preview."""
    made = action(url_configuration=wh.UrlConfiguration("ftp://h.example"))

    with pytest.raises(wh.DefinitionError) as by_form:
        wh.form(made)
    with pytest.raises(wh.DefinitionError) as by_preview:
        wh.preview(made)

    assert by_form.value.violations == by_preview.value.violations


@pytest.mark.parametrize(
    "kind", [kind for kind in DataType if kind.item is not DataType.OBJECT and kind not in ("object", "listAny")]
)
def test_the_schema_of_every_type_takes_its_sample(kind: DataType) -> None:
    """And no object."""
    schema = wh.form(action(variable(kind))).json_schema()

    jsonschema.validate({"v": wh.form(action(variable(kind))).field("v").sample}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"v": {}}, schema)

"""Property: the JSON Schema of a form takes what rendering takes, and refuses the rest at the same place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import attrs
import jsonschema
from hypothesis import example, given
from hypothesis import strategies as st

import wayhook as wh
from wayhook import DataType, MessageParameter

texts = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=8),
    st.sampled_from(["", "a\n", "é", "\x7f", "a b\t"]),
    st.just("x").map(lambda sign: sign * 8193),
)
samples = st.text(max_size=3) | st.integers() | st.none()
variables = st.builds(wh.variable, st.text(max_size=3), optional=st.booleans(), sample=samples)
scalars = st.sampled_from([kind for kind in DataType if not kind.is_container])
names = st.sampled_from(["a", "b", "X-A", "query:b", "c d", "é"])
leaves = st.builds(MessageParameter, names, scalars | scalars.map(DataType.list_of), variable=variables)


@st.composite
def parameters(draw: st.DrawFn, *, levels: int = 2, varying: bool = False) -> list[MessageParameter]:
    """Fields of one object; `varying`: below a variable list, where all of them are variables."""
    found = []
    for name in draw(st.lists(names, min_size=1, max_size=3, unique=True)):
        kind = draw(st.sampled_from(["leaf", "leaf", "constant", "object", "rows"][: 3 + levels]))
        below = (
            draw(parameters(levels=levels - 1, varying=varying or kind == "rows"))
            if levels and kind in ("object", "rows")
            else []
        )
        match kind:
            case "constant" if not varying:
                found.append(MessageParameter(name, DataType.STRING, draw(texts)))
            case "object":
                found.append(MessageParameter(name, DataType.OBJECT, parameters=below))
            case "rows":
                found.append(MessageParameter(name, DataType.LIST_OBJECT, variable=draw(variables), parameters=below))
            case _:
                found.append(attrs.evolve(draw(leaves), name=name))
    return found


bodies = st.one_of(
    st.fixed_dictionaries({"message_parameters": parameters(), "allow_null_values": st.booleans()}),
    st.fixed_dictionaries(
        {
            "message_parameters": st.lists(leaves, min_size=1, max_size=3, unique_by=lambda parameter: parameter.name),
            "body_format": st.just("form"),
        }
    ),
    st.fixed_dictionaries(
        {
            "message_parameters": leaves.map(lambda leaf: [attrs.evolve(leaf, data_type=DataType.STRING)]),
            "body_format": st.just("raw"),
        }
    ),
)


@st.composite
def actions(draw: st.DrawFn) -> wh.Action:
    """Any action with variables in its headers, its query and its payload, of any format."""
    configuration = wh.UrlConfiguration(
        "https://h.example/v1",
        headers=draw(st.dictionaries(st.sampled_from(["a", "X-A", "X-B"]), variables, max_size=2)),
        query_parameters=draw(st.dictionaries(names, variables, max_size=2)),
    )
    return wh.Action(name="Act", url_configuration=configuration, **draw(bodies))


digits = st.sampled_from([0, 1, 2, 9, 12, 13, 19, 23, 24, 28, 29, 30, 31, 32, 59, 60, 99]).map("{:02}".format)
dates = st.builds("{}-{}-{}".format, st.sampled_from(["0000", "1900", "2000", "2023", "2024"]), digits, digits)
times = st.builds(
    "{}T{}:{}{}{}".format,
    dates | st.dates().map(str),
    digits,
    digits,
    st.sampled_from(["", ":00", ":59", ":60", ":30.5", ":30,123456789", ":30.", ":3"]),
    st.sampled_from(["", "Z", "z", "+00:00", "-0130", "+24:00", "+23:59", "+01:60", "+1:00", "Z\n"]),
)
numbers = (
    st.integers(-(2**70), 2**70)
    | st.sampled_from([2**63, -(2**63) - 1, 2**63 - 1, 2**1024, -(2**1024)])
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: not number.is_integer())
)
VALID: dict[DataType, st.SearchStrategy[Any]] = {
    DataType.STRING: texts,
    DataType.INTEGER: st.integers(-(2**63), 2**63 - 1),
    DataType.DECIMAL: st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70),
    DataType.BOOLEAN: st.booleans(),
    DataType.DATE_TIME: times,
    DataType.DATE_TIME_ONLY: times,
    DataType.DATE_ONLY: dates | times | st.dates().map(str),
}
anything = st.recursive(
    st.none() | st.booleans() | numbers | texts | times | dates,
    lambda below: st.lists(below, max_size=2) | st.dictionaries(names, below, max_size=2),
    max_leaves=3,
)


def value_of(field: wh.FormField) -> st.SearchStrategy[Any]:
    """What may be filled into a field: mostly of its type, sometimes of any other."""
    item = field.data_type.item
    if field.data_type is DataType.OBJECT or item is DataType.OBJECT:
        made = st.fixed_dictionaries({}, optional={below.name: value_of(below) for below in field.fields})
        valid: st.SearchStrategy[Any] = made if item is None else st.lists(made | st.none(), max_size=2)
    elif item is not None:
        valid = st.lists(VALID[item] | st.none(), max_size=3)
    else:
        valid = VALID[field.data_type]
    return st.one_of(valid, valid, valid, anything, st.none())


@st.composite
def filled(draw: st.DrawFn) -> tuple[wh.Action, dict[str, Any]]:
    """An action, and its form filled in: with gaps, strange values and names that it does not have."""
    action = draw(actions())
    values = {field.name: draw(value_of(field)) for field in wh.form(action).variables if draw(st.integers(0, 9))}
    return action, values | draw(st.dictionaries(st.just("nobody"), anything, max_size=1))


def of_schema(form: wh.Form, values: dict[str, Any]) -> set[str]:
    """Where the values break the schema, as rendering spells it."""
    return {path for error in jsonschema.Draft202012Validator(form.json_schema()).iter_errors(values)
            for path in _paths(form, values, error)}  # fmt: skip


def _paths(form: wh.Form, values: dict[str, Any], error: jsonschema.ValidationError) -> Iterator[str]:
    if not error.absolute_path:
        known = [field.name for field in form.variables]
        missing = [form.field(name).path for name in known if form.field(name).required and name not in values]
        yield from missing if error.validator == "required" else (f"$.{name}" for name in values.keys() - {*known})
        return
    name, *steps = error.absolute_path
    yield form.field(str(name)).path + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def of_rendering(action: wh.Action, values: dict[str, Any]) -> set[str]:
    """Where rendering finds faults."""
    try:
        wh.preview(action, values)
    except wh.RenderError as error:
        return {violation.path for violation in error.violations}
    return set()


@given(filled())
def test_a_form_refuses_what_rendering_refuses(made: tuple[wh.Action, dict[str, Any]]) -> None:
    """What keeps the schema renders; what does not is refused, and every fault stands at the same place."""
    action, values = made

    assert of_schema(wh.form(action), values) == of_rendering(action, values)


@given(actions())
def test_samples_fit(action: wh.Action) -> None:
    """A form filled in with its samples keeps the schema, renders, and keeps the OpenAPI document, too."""
    form = wh.form(action)
    samples = {field.name: field.sample for field in form.variables}

    call = wh.preview(action, samples)

    assert of_schema(form, samples) == set()
    jsonschema.Draft202012Validator.check_schema(form.json_schema())
    assert json.loads(json.dumps(form.json_schema(), allow_nan=False)) == form.json_schema()
    [media] = wh.to_openapi(action)["paths"]["/v1"]["post"]["requestBody"]["content"].values()
    jsonschema.Draft202012Validator.check_schema(media["schema"])
    if action.body_format is wh.BodyFormat.JSON:
        jsonschema.validate(json.loads(call.body or b""), media["schema"])


path_texts = st.text(st.sampled_from("ab/.;\\ \n\t\x85\u2028é?#"), max_size=7) | st.sampled_from(
    ["a" * 4096, "a" * 4097]
)


@given(path_texts | numbers | st.booleans() | st.none() | st.lists(texts, max_size=1))
@example("a\n")
@example("..;x/y")
def test_a_path_without_percent_signs_is_taken_or_refused_alike(path: Any) -> None:
    """Dot segments, empty segments, control characters and long texts."""
    assert taken(path) == rendered(path)


@given(st.text(st.sampled_from("a/.;%25eEfF"), max_size=9))
def test_a_path_with_percent_signs_is_refused_by_rendering_at_least(path: str) -> None:
    """The schema refuses nothing that rendering would take."""
    assert taken(path) or not rendered(path)


ACTION = wh.Action(name="Act", url_configuration=wh.UrlConfiguration("https://h.example/v1"))
PATH = jsonschema.Draft202012Validator(wh.form(ACTION).path.json_schema())


def taken(path: Any) -> bool:
    """Whether the schema takes a path."""
    return PATH.is_valid(path)


def rendered(path: Any) -> bool:
    """Whether rendering takes it."""
    try:
        wh.preview(ACTION, path=path)
    except wh.RenderError:
        return False
    return True


@given(times | dates)
def test_a_day_that_is_none_is_refused_by_both(text: str) -> None:
    """Every day of the calendar and every time of the day, with the offsets that there are."""
    kinds = [DataType.DATE_TIME, DataType.DATE_TIME_ONLY, DataType.DATE_ONLY]
    fields = [MessageParameter(kind, kind, variable=wh.variable(optional=True)) for kind in kinds]
    action = attrs.evolve(ACTION, message_parameters=fields)

    for kind in kinds:
        values = {str(kind): text}
        assert of_schema(wh.form(action), values) == of_rendering(action, values)

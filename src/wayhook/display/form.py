"""The card of the form of an action: what is to be filled in where it is used."""

from __future__ import annotations

import json

from wayhook.display.part import Card, Section, Table, Value, bounded, counted
from wayhook.formats.form import Form, FormField

__all__ = ["form_card"]


def form_card(form: Form) -> Card:
    """Return the card of a form: a row for each field, those of the objects of a list below it."""
    rows, more = bounded(_row(field) for field in form.fields)
    nested = [
        Section(f"Each item of {field.label or field.name}", (Table(_HEADS, *bounded(map(_row, field.fields))),))
        for field in form.fields
        if field.fields
    ]
    about = f"{counted(len(form.fields), 'field')}; what is not required may stay empty"
    return Card("form", form.action, (Table(_HEADS, rows, more), *nested), (), about)


_HEADS = ("label", "name", "type", "", "such as")


def _row(field: FormField) -> tuple[str | Value, ...]:
    sample = field.sample if isinstance(field.sample, str) else json.dumps(field.sample, ensure_ascii=False)
    return field.label, Value(field.name), field.kind, "required" if field.required else "optional", Value(sample)

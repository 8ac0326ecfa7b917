"""Cards: the HTML that a notebook shows. No script, no address elsewhere, everything escaped, secrets masked.

Colours come from the page, so that a card fits light and dark themes.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable

from wayhook.model.journey import ActionActivity, Journey
from wayhook.notebook.results import Results
from wayhook.wire import Call, Outcome, Response

__all__ = ["card"]

_STYLE = (
    "border:1px solid rgba(127,127,127,.35);border-radius:6px;padding:.6em .9em;max-width:60em;"
    "font-family:ui-monospace,monospace;font-size:13px;color:inherit"
)
_TABLE = "margin:.5em 0;border-collapse:collapse;border:0;color:inherit;font:inherit"
_CELL = "text-align:left;padding:.1em 1.2em .1em 0;border:0;vertical-align:top;overflow-wrap:anywhere"
_LONGEST = 4000


def card(value: object) -> str:
    """Return the card of `value` as an HTML fragment."""
    match value:
        case Call():
            return _framed(f"{value.method} {value.masked_url}", _call_parts(value))
        case Outcome():
            return _framed(str(value), _outcome_parts(value))
        case Journey():
            return _framed(repr(value), _journey_parts(value))
        case Results():
            return _framed(repr(value), _results_parts(value))
        case _:
            return _framed(repr(value), ())


def _framed(title: str, parts: Iterable[str]) -> str:
    head = f'<div style="font-weight:600;overflow-wrap:anywhere">{html.escape(title)}</div>'
    return f'<div class="wayhook" style="{_STYLE}">{head}{"".join(parts)}</div>'


def _table(rows: Iterable[tuple[object, ...]], heads: tuple[str, ...] = ()) -> str:
    head = _row("th", heads) if heads else ""
    return f'<table style="{_TABLE}">{head}{"".join(_row("td", row) for row in rows)}</table>'


def _row(tag: str, cells: Iterable[object]) -> str:
    written = (f'<{tag} style="{_CELL}">{html.escape(str(cell))}</{tag}>' for cell in cells)
    return f'<tr style="background:none">{"".join(written)}</tr>'


def _block(text: str) -> str:
    shown = text if len(text) <= _LONGEST else text[:_LONGEST] + f"\n… {len(text) - _LONGEST:,} characters more"
    return f'<pre style="margin:.5em 0;white-space:pre-wrap;overflow-wrap:anywhere">{html.escape(shown)}</pre>'


def _call_parts(call: Call) -> list[str]:
    parts = [_table(call.masked_headers)]
    return parts if call.body is None else [*parts, _block(_readable(call.body.decode()))]


def _outcome_parts(outcome: Outcome) -> list[str]:
    rows = [
        (a.number, f"{a.started:.3f} s", f"{a.elapsed:.3f} s", a.status or a.failure, a.evidence)
        for a in outcome.attempts
    ]
    said = [("delivery", outcome.delivery), ("delivery id", outcome.delivery_id)]
    said += [("not before", outcome.not_before.isoformat(timespec="seconds"))] if outcome.not_before else []
    parts = [_table(said)]
    parts += [_table(rows, ("attempt", "at", "took", "answer", "proves"))] if rows else []
    parts += [_answer(outcome.received, outcome.response)] if outcome.received else []
    return [*parts, *(_call_parts(outcome.call) if outcome.call else [])]


def _journey_parts(journey: Journey) -> list[str]:
    versions = [(v.version, v.status, v.published or "", v.closed or "") for v in reversed(journey.versions)]
    activities = [
        (a.title, "action", "yes" if a.alternative_path else "")
        if isinstance(a, ActionActivity)
        else (a.label, a.kind, "")
        for a in journey.activities
    ]
    parts = [_table(versions, ("version", "status", "published", "closed"))]
    return [*parts, _table(activities, ("activity", "kind", "alternative path"))] if activities else parts


def _results_parts(results: Results) -> list[str]:
    figures = results.summary()
    counts = [(name.replace("_", " "), f"{figures[name]:,}") for name in ("rows", "succeeded", "failed", "left_out")]
    counts += [(name, f"{seconds:.3f} s") for name, seconds in figures["seconds"].items()]
    statuses = [(status, f"{count:,}") for status, count in figures["statuses"].items()]
    return [_table(counts), *([_table(statuses, ("status", "rows"))] if statuses else [])]


def _answer(received: Response, fields: object) -> str:
    return _block(
        json.dumps(fields, indent=2, ensure_ascii=False, default=str) if fields is not None else repr(received)
    )


def _readable(body: str) -> str:
    """JSON with its lines; a form or a text as it is."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body

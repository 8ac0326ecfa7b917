"""The style of all cards. It stands in each of them, since a notebook shows them one by one.

Colours are those of the page: text is `currentColor`, fills let the page shine through, and what has a colour of its
own stands out from white and from black alike. Every rule names `.wayhook` thrice, so that a notebook's rules for its
own tables and texts give way. Nothing is loaded, and no theme is asked for: a dark notebook on a light desktop is dark.
"""

from __future__ import annotations

import re

__all__ = ["STYLE"]

_READABLE = """
.w { --wh-line: rgba(127,127,127,.32); --wh-soft: rgba(127,127,127,.1);
  --wh-green: #1f9d57; --wh-red: #d9483b; --wh-amber: #c27c0e; --wh-blue: #3b82d6; --wh-violet: #9163d8;
  --wh-grey: #808080;
  color: inherit; text-align: left; margin: .5em 0; max-width: 62em;
  font: 13px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif; }
.w * { box-sizing: border-box; color: inherit; font-size: inherit; line-height: inherit; letter-spacing: normal;
  text-transform: none; text-shadow: none; }
.w .wh-card { border: 1px solid var(--wh-line); border-radius: 8px; padding: .7em 1em .8em; overflow: hidden;
  margin: 0; }
.w .wh-card .wh-card { margin: .7em 0 0; }
.w .wh-head { margin: 0 0 .5em; }
.w .wh-kind { float: right; margin: .1em 0 0 1em; opacity: .75; font-size: 12px; }
.w .wh-title { font-size: 15px; display: flex; flex-wrap: wrap; align-items: center; gap: .35em .5em; min-width: 0; }
.w .wh-title strong { font-weight: 600; overflow-wrap: anywhere; min-width: 0; }
.w .wh-title .wh-value { font-size: 13px; }
.w .wh-about { margin: .2em 0 0; opacity: .8; overflow-wrap: anywhere; }
.w .wh-section { margin: .8em 0 0; padding: .6em 0 0; border: 0; border-top: 1px solid var(--wh-line);
  background: none;
  box-shadow: none; border-radius: 0; }
.w .wh-heading { font-weight: 600; margin: 0 0 .25em; padding: 0; background: none; }
.w details { margin: 0; padding: 0; border: 0; background: none; box-shadow: none; }
.w details.wh-section { margin: .8em 0 0; padding: .6em 0 0; border-top: 1px solid var(--wh-line); }
.w summary { cursor: pointer; display: list-item; list-style: disclosure-closed inside; margin: 0; padding: 0;
  background: none; font-weight: inherit; }
.w details[open] > summary { list-style-type: disclosure-open; }
.w summary.wh-heading { font-weight: 600; }
.w summary::before, .w summary::after { content: none; }
.w .wh-scroll { overflow-x: auto; margin: 0; }
.w table { border: 0; border-collapse: collapse; border-spacing: 0; margin: .2em 0; width: auto; max-width: none;
  display: table; table-layout: auto; background: none; box-shadow: none; }
.w tr { background: none !important; border: 0; }
.w th, .w td { border: 0; border-bottom: 1px solid var(--wh-line); padding: .3em 1.2em .3em 0; text-align: left;
  vertical-align: top; background: none; font-weight: 400; white-space: normal; max-width: none; }
.w .wh-table td.wh-wide, .w .wh-facts td { min-width: 8em; }
.w .wh-table td:first-child, .w .wh-table td:first-child .wh-value { white-space: nowrap; }
.w th:last-child, .w td:last-child { padding-right: 0; }
.w tbody tr:last-child td, .w tbody tr:last-child th { border-bottom: 0; }
.w thead th { font-size: 12px; opacity: .75; padding-top: 0; vertical-align: bottom; }
.w .wh-table { width: 100%; }
.w .wh-facts th { opacity: .75; white-space: nowrap; border: 0; padding: .12em 1.2em .12em 0; }
.w .wh-facts td { border: 0; padding: .12em 0; }
.w .wh-counts { width: auto; }
.w .wh-counts td + td { text-align: right; font-variant-numeric: tabular-nums; }
.w .wh-value, .w .wh-name,
  .w .wh-code { font-family: ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;
  font-size: 12px; background: none; border: 0; padding: 0; color: inherit; box-shadow: none; border-radius: 0; }
.w .wh-value, .w .wh-name { overflow-wrap: anywhere; white-space: pre-wrap; unicode-bidi: isolate; }
.w .wh-name { font-weight: 600; }
.w .wh-code { margin: .3em 0 0; padding: .6em .8em; background: var(--wh-soft); border-radius: 6px;
  white-space: pre-wrap;
  overflow-wrap: anywhere; max-height: 28em; overflow: auto; line-height: 1.45; }
.w .wh-chip { display: inline-block; padding: 0 .55em; border-radius: 5px; font-size: 12px; line-height: 1.6;
  background: rgba(127,127,127,.16); border-left: 3px solid var(--wh-grey); white-space: normal;
  overflow-wrap: break-word; max-width: 100%;
  unicode-bidi: isolate; font-weight: 400; vertical-align: baseline; }
.w .wh-sign { font-weight: 700; margin-right: .4em; }
.w .wh-chip.wh-good { background: rgba(31,157,87,.2); border-color: var(--wh-green); }
.w .wh-chip.wh-bad { background: rgba(217,72,59,.2); border-color: var(--wh-red); }
.w .wh-chip.wh-doubt, .w .wh-chip.wh-default { background: rgba(194,124,14,.2); border-color: var(--wh-amber); }
.w .wh-chip.wh-variable { background: rgba(59,130,214,.2); border-color: var(--wh-blue); }
.w .wh-chip.wh-expression { background: rgba(145,99,216,.2); border-color: var(--wh-violet); }
.w .wh-note { margin: .35em 0 0; opacity: .85; overflow-wrap: anywhere; white-space: pre-wrap; }
.w .wh-box { opacity: 1; padding: .4em .8em; border-left: 3px solid var(--wh-grey); border-radius: 5px;
  background: var(--wh-soft); }
.w .wh-box.wh-bad { border-color: var(--wh-red); background: rgba(217,72,59,.14); }
.w .wh-box.wh-doubt { border-color: var(--wh-amber); background: rgba(194,124,14,.14); }
.w .wh-node { margin: 0; padding: .1em 0; }
.w details.wh-node { padding: .1em 0; }
.w .wh-node .wh-chip { margin: 0 .15em; }
.w .wh-node > .wh-value, .w .wh-node > summary > .wh-value { margin: 0; }
.w div.wh-node { padding-left: 1.15em; }
.w .wh-node > span:not(.wh-chip), .w summary > span:not(.wh-chip) { opacity: .75; }
.w .wh-below { margin-left: .4em; padding-left: .7em; border-left: 1px solid var(--wh-line); }
.w .wh-lap { display: flex; flex-wrap: wrap; align-items: center; gap: 0 .9em; }
.w .wh-timeline { margin: .2em 0 .5em; }
.w .wh-what { flex: 2 1 12em; min-width: 0; overflow-wrap: anywhere; padding: .15em 0; }
.w .wh-track { flex: 3 1 10em; min-width: 0; align-self: stretch; display: flex; align-items: center; }
.w .wh-took { flex: 0 0 4.5em; text-align: right; font-variant-numeric: tabular-nums; }
.w .wh-picture { display: block; overflow: visible; max-width: none; margin: 0; }
.w .wh-axis { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1em;
  opacity: .75;
  border-top: 1px solid var(--wh-line); padding-top: .15em; font-variant-numeric: tabular-nums; }
.w .wh-axis span { font-size: 12px; }
.w .wh-axis.wh-track { align-items: flex-start; flex-wrap: wrap; align-self: flex-start; }
.w .wh-plot { margin: .4em 0; }
.w .wh-plot > .wh-picture + .wh-picture { margin-top: .5em; }
.w .wh-words { display: flex; flex-wrap: wrap; gap: .2em 1.4em; font-variant-numeric: tabular-nums; }
.w .wh-words b { font-weight: 600; }
.w svg .wh-good { --wh-ink: var(--wh-green); }
.w svg .wh-bad { --wh-ink: var(--wh-red); }
.w svg .wh-doubt { --wh-ink: var(--wh-amber); }
.w svg .wh-calm { --wh-ink: var(--wh-grey); }
.w svg .wh-count { --wh-ink: var(--wh-blue); }
.w svg .wh-solid { fill: var(--wh-ink); stroke: none; }
.w svg .wh-open { fill: var(--wh-ink); fill-opacity: .25; stroke: var(--wh-ink); stroke-width: 1.5;
  stroke-dasharray: 4 2; }
.w svg .wh-rail { fill: currentColor; fill-opacity: .12; }
.w svg .wh-gap { stroke: currentColor; stroke-opacity: .45; stroke-width: 1.5; stroke-dasharray: 1.5 4; }
.w svg .wh-deadline { stroke: currentColor; stroke-opacity: .7; stroke-width: 1; stroke-dasharray: 3 2; }
"""

STYLE = re.sub(r"\s*\n\s*", " ", re.sub(r"\.w(?=[ ,{])", ".wayhook" * 3, _READABLE)).strip()

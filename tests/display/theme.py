"""Pages that cards are shown in: what JupyterLab, the site's theme and an editor do to tables, texts and pictures.

Their rules are as the real ones have them where they could reach a card: by the same selectors, so that a rule of a
card gives way here where it would there.
"""

from __future__ import annotations

LAB = """
body { background: var(--jp-layout-color1); font-family: system-ui, sans-serif; margin: 0; }
.jp-OutputArea-child { display: flex; flex-direction: row; width: 100%; overflow: hidden; padding-top: 6px; }
.jp-OutputArea-output { width: 100%; height: auto; overflow: auto; flex-grow: 1; flex-shrink: 1; }
.jp-OutputArea-output pre { border: none; margin: 0; padding: 0; word-break: break-all; white-space: pre-wrap; }
.jp-RenderedHTMLCommon { color: var(--jp-content-font-color1); font-size: 14px; line-height: 1.6; padding-right: 20px; }
.jp-RenderedHTMLCommon strong { font-weight: bold; }
.jp-ThemedContainer pre, .jp-ThemedContainer code { font-family: monospace; font-size: 13px; line-height: 1.3077; }
.jp-ThemedContainer .jp-RenderedHTMLCommon pre, .jp-ThemedContainer .jp-RenderedHTMLCommon code {
  border: 0; background-color: var(--jp-layout-color0); color: var(--jp-content-font-color1); font-size: inherit;
  padding: 0; white-space: pre-wrap; }
.jp-ThemedContainer .jp-RenderedHTMLCommon :not(pre) > code { background-color: var(--jp-layout-color2);
  padding: 1px 5px; }
.jp-RenderedHTMLCommon table { border-collapse: collapse; border-spacing: 0; border: none;
  color: var(--jp-ui-font-color1); font-size: 13px; table-layout: fixed; margin: 0 auto 1em auto; }
.jp-RenderedHTMLCommon thead { border-bottom: 1px solid #888; vertical-align: bottom; }
.jp-RenderedHTMLCommon td, .jp-RenderedHTMLCommon th, .jp-RenderedHTMLCommon tr { vertical-align: middle;
  padding: .5em; line-height: normal; white-space: normal; max-width: none; border: none; }
:not(.jp-RenderedMarkdown).jp-RenderedHTMLCommon td, :not(.jp-RenderedMarkdown).jp-RenderedHTMLCommon th,
:not(.jp-RenderedMarkdown).jp-RenderedHTMLCommon tr { text-align: right; }
.jp-RenderedHTMLCommon th { font-weight: bold; }
.jp-RenderedHTMLCommon tbody tr:nth-child(odd) { background: var(--jp-layout-color0); }
.jp-RenderedHTMLCommon tbody tr:nth-child(even) { background: var(--row); }
.jp-RenderedHTMLCommon p { text-align: left; margin: 0 0 1em 0; }
.jp-RenderedHTMLCommon svg { max-width: 100%; height: auto; }
.jp-RenderedHTMLCommon > *:last-child { margin-bottom: .5em; }
"""
LAB_LIGHT = """:root { --jp-content-font-color1: rgba(0,0,0,.87); --jp-ui-font-color1: rgba(0,0,0,.87);
  --jp-layout-color0: white; --jp-layout-color1: white; --jp-layout-color2: #eee; --row: #f5f5f5; }"""
LAB_DARK = """:root { --jp-content-font-color1: #fff; --jp-ui-font-color1: rgba(255,255,255,.87);
  --jp-layout-color0: #111; --jp-layout-color1: #212121; --jp-layout-color2: #424242; --row: #212121; }"""
FURO = """
body { background: var(--back); color: var(--front); font-family: sans-serif; margin: 0; }
article { line-height: 1.5; padding: 0 1em; }
article table { border-radius: .2rem; border-spacing: 0; border-collapse: collapse; box-shadow: 0 .2rem .5rem #0003;
  margin: 1rem auto; }
article th { background: var(--head); } article td, article th { border: 1px solid var(--line); padding: 0 .25rem; }
code { background: var(--code); border: 1px solid var(--line); border-radius: .2em; font-size: .8125em;
  padding: .1em .2em; overflow-wrap: break-word; }
pre { background: var(--code); font-size: .8125em; padding: .625rem .875rem; overflow: auto; }
details { display: block; } summary { cursor: pointer; font-weight: 700; } p { margin: .5rem 0; }
svg { max-width: 100%; height: auto; display: block; }
"""
FURO_LIGHT = ":root { --back: #fff; --front: #000; --head: #f8f9fb; --code: #f8f9fb; --line: #eeebee; }"
FURO_DARK = ":root { --back: #131416; --front: #cfd0d0; --head: #1a1c1e; --code: #1a1c1e; --line: #303335; }"
EDITOR = """
body { background: #1e1e1e; color: #ccc; font: 13px sans-serif; margin: 0; }
.output table { border-collapse: collapse; border: none; } .output tr:nth-child(even) { background: #2a2d2e; }
.output td, .output th { text-align: right; padding: .5em; } code { color: #d7ba7d; background: #0a0a0a66; }
"""
PLAIN = ":root { color-scheme: light dark; } body { font-family: serif; margin: 0; }"


def _lab(cards: str) -> str:
    return (
        '<div class="jp-ThemedContainer"><div class="jp-OutputArea-child">'
        f'<div class="jp-RenderedHTMLCommon jp-RenderedHTML jp-OutputArea-output">{cards}</div></div></div>'
    )


PAGES = {
    "plain, light": (PLAIN, "{}", False),
    "plain, dark": (PLAIN, "{}", True),
    "JupyterLab, light": (LAB + LAB_LIGHT, _lab("{}"), False),
    "JupyterLab, dark": (LAB + LAB_DARK, _lab("{}"), False),
    "furo, light": (FURO + FURO_LIGHT, "<article>{}</article>", False),
    "furo, dark": (FURO + FURO_DARK, "<article>{}</article>", False),
    "editor, dark": (EDITOR, '<div class="output">{}</div>', False),
}
"""Style, what stands around the cards, and whether the desktop is dark; a dark notebook may be on a light one."""


def page(name: str, cards: str) -> str:
    """A page of that name with cards in it."""
    style, around, _ = PAGES[name]
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><style>{style}</style></head>'
        f"<body>{around.replace('{}', cards)}</body></html>"
    )

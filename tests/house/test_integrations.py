"""The page of integrations leads to everything that an extra brings."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "how-to"
TABLE = [line for line in (PAGES / "integrations.md").read_text().splitlines() if line.startswith("|")]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def extras(text: str) -> set[str]:
    """The extras that a text says to install."""
    return {name for group in re.findall(r"wayhook\[([\w,]+)\]", text) for name in group.split(",")}


@pytest.mark.parametrize("extra", EXTRAS)
def test_every_extra_has_a_row_that_leads_to_a_page(extra: str) -> None:
    """Whoever asks what an extra is for finds a page that goes through it."""
    rows = [row for row in TABLE if extra in extras(row)]

    assert rows
    assert all(re.search(r"\]\(\S+\.md[#)]", row) for row in rows)


def test_no_row_says_to_install_what_is_not_there() -> None:
    """A misspelled extra installs nothing, and pip only warns."""
    assert set().union(*map(extras, TABLE)) <= set(EXTRAS)


@pytest.mark.parametrize("page", sorted(path.name for path in PAGES.glob("*.md") if path.name != "integrations.md"))
def test_a_page_that_needs_an_extra_has_a_row(page: str) -> None:
    """What a page says to install, the table says with a link to a page; pages of one other system are all linked."""
    needs = extras((PAGES / page).read_text())
    is_of_a_system = page.startswith(("connect-", "trace-", "measure-", "run-in-", "dispatch-"))

    assert needs <= set().union(*map(extras, TABLE))
    assert not is_of_a_system or any(f"]({page}" in row for row in TABLE)

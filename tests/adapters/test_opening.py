"""Repositories by URL."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from urllib.parse import quote

import pytest

import wayhook as wh


async def test_memory_is_new_each_time() -> None:
    """`memory:` opens an empty repository."""
    async with wh.open_repository("memory:") as one, wh.open_repository("memory:") as two:
        await one.save(wh.Journey("J"))
        found = (await two.list(wh.Journey)).items

    assert found == ()


async def test_a_relative_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three slashes begin a path from the current folder."""
    monkeypatch.chdir(tmp_path)

    async with wh.open_repository("sqlite:///actions.db") as repository:
        await repository.save(wh.Journey("J"))

    assert (tmp_path / "actions.db").exists()


async def test_an_absolute_file(tmp_path: Path) -> None:
    """Four slashes begin a path from the root; what is percent-encoded is decoded."""
    file = tmp_path / "a b#.db"

    async with wh.open_repository(f"sqlite:///{quote(str(file))}") as repository:
        await repository.save(wh.Journey("J"))

    assert file.exists()


@pytest.mark.parametrize("url", ["memory:", "sqlite:///{folder}/actions.db"])
async def test_guardrails_are_given_along(tmp_path: Path, url: str) -> None:
    """The edition given is the one that a save is checked by."""
    action = wh.Action(name="A", url_configuration=wh.UrlConfiguration("https://api.example.com/", method="GET"))
    strict = wh.Guardrails.journey_orchestration()

    async with wh.open_repository(url.format(folder=tmp_path), guardrails=strict) as repository:
        with pytest.raises(wh.DefinitionError, match="R60"):
            await repository.save(action)


@pytest.mark.parametrize("url", ["sqlite:", "sqlite://", "sqlite:///", "sqlite://file.db", "sqlite:file.db"])
def test_a_url_without_a_file_is_refused(url: str) -> None:
    """A URL that names no file says how one is written."""
    with pytest.raises(wh.DefinitionError, match=r"sqlite:///file\.db"):
        wh.open_repository(url)


@pytest.mark.parametrize("url", ["postgres://x/y", "file.db", "", ":", "SQLITE:///x.db"])
def test_an_unknown_scheme_names_the_known_ones(url: str) -> None:
    """A scheme nobody serves is refused with those that are installed."""
    with pytest.raises(wh.DefinitionError, match=r"among the repositories installed here \(.*memory, .*sqlite"):
        wh.open_repository(url)


@pytest.mark.parametrize("group", ["repositories", "transports", "secrets"])
def test_every_entry_point_leads_somewhere(group: str) -> None:
    """What the package offers by name can be loaded."""
    found = entry_points(group=f"wayhook.{group}")

    assert found
    assert all(callable(entry.load()) for entry in found)

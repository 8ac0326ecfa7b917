"""The reference names everything that is public, and shows what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import wayhook
import wayhook.testing

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
CONTRACTS = (
    "DispatcherContract",
    "HistoryContract",
    "LimiterContract",
    "RepositoryContract",
    "RepositoryMachine",
    "StandingContract",
    "TokenStoreContract",
    "TransportContract",
)
PUBLIC = [
    *(f"wayhook.{name}" for name in wayhook.__all__),
    *(f"wayhook.testing.{name}" for name in (*wayhook.testing.__all__, *CONTRACTS)),
]


def described() -> list[str]:
    """The names that the reference takes from docstrings."""
    return re.findall(r"^\.\. auto\w+:: (\S+)$", (REFERENCE / "api.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_in_the_reference(name: str) -> None:
    """A public name is described once."""
    assert described().count(name) == 1


def test_the_reference_names_nothing_else() -> None:
    """What the reference describes is public."""
    assert set(described()) <= set(PUBLIC)

"""The page about the command line: what it types works, and prints what it shows."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path

import pytest
from shell import Shell

from wayhook.testing import Answer, LoopbackService

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "use-the-command-line.md"
URL = "https://sms.example.com"


def sessions(page: Path) -> list[tuple[str, str]]:
    """Every command of a page, in order, with what the page shows below it."""
    blocks = re.findall(r"^```console\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    typed = [re.split(r"^\$ ", block, flags=re.MULTILINE)[1:] for block in blocks]
    return [(command, shown) for block in typed for command, _, shown in (each.partition("\n") for each in block)]


def same(shown: str, printed: str) -> bool:
    """Whether a page shows what was printed; `...` stands for anything, and columns for tabs."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(shown, printed, flags)


def test_what_the_page_types_works(shell: Shell, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From top to bottom, in one folder; a service on this machine stands in for the one of the page."""
    found = sessions(PAGE)
    with LoopbackService(lambda _: Answer(202, {"id": "m-1", "queued": True})) as service:
        for command, shown in found:
            program, *arguments = shlex.split(command)
            if program == "export":
                monkeypatch.setenv(*arguments[0].split("="))
                continue
            done = shell(*arguments)
            assert program == "wayhook"
            assert same(shown, (done.out + done.err).replace(service.url, URL)), (command, done)
            if arguments == ["init"]:
                action = folder / "actions" / "SendSms.json"
                action.write_text(action.read_text().replace(URL, service.url))
                (folder / "wayhook.db").unlink()
                made = (
                    "import",
                    "actions/SendSms.json",
                    "journeys/Welcome.json",
                    "--repository",
                    "sqlite:///wayhook.db",
                )
                assert shell(*made).code == 0

    assert len(found) > 15


@pytest.mark.parametrize(
    ("shown", "fits"), [("a  b\n", True), ("a\n...\nb\n", False), ("...\n", True), ("a c\n", False)]
)
def test_the_comparison_tells_differences(shown: str, *, fits: bool) -> None:
    """A page that shows something else would fail."""
    assert same(shown, "a\tb\n") is fits

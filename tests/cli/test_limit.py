"""`limits`: configurations listed, shown, deployed and taken back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from shell import VALUES, Shell

import wayhook as wh

CAPPING = wh.CappingConfiguration("sms", wh.CappingRule("http://127.0.0.1/*", wh.Rating(1, 60_000)))
THROTTLING = wh.ThrottlingConfiguration("all", wh.ThrottlingRule("https://a.example/*", ["POST"], 300))


@pytest.fixture
async def limited(kept: Path, loopback: wh.Guardrails) -> Path:
    """The folder with a capping and a throttling in its repository."""
    async with wh.open_repository("sqlite:///wayhook.db", guardrails=loopback) as repository:
        await repository.save(CAPPING, THROTTLING)
    return kept


@pytest.mark.usefixtures("limited")
def test_configurations_are_listed_and_shown(shell: Shell) -> None:
    """Both kinds with their rates; one in the product's own JSON."""
    done = shell("limits", "list")
    listed = shell.json("limits", "list", shape="limits list")
    shown = shell.json("limits", "show", "sms", shape="limits show")

    assert done.out.splitlines() == [
        "sms\tcapping\thttp://127.0.0.1/*\taction: 1 calls in 60,000 ms\tcreated\tFalse",
        "all\tthrottling\thttps://a.example/*\t300 calls in a second\tcreated\tFalse",
    ]
    assert [item["deployed"] for item in listed["items"]] == [False, False]
    assert wh.load_capping(shown) == CAPPING


@pytest.mark.usefixtures("limited")
def test_a_deployed_cap_is_kept(shell: Shell, folder: Path) -> None:
    """After its deployment the second call of a minute is discarded; taken back, it is not."""
    import attrs

    from wayhook.formats.document import loads

    action = loads((folder / "sms.json").read_text())
    rule = attrs.evolve(CAPPING.rule, url=f"{action.url_configuration.url}*")
    (folder / "cap.json").write_text(json.dumps(wh.dump_capping(wh.CappingConfiguration("sms", rule))))
    shell("import", "cap.json", "--replace")
    rows = "to,text,X-Campaign\n+1,Hi,c\n+2,Hi,c\n"
    batch = ("batch", "SendSms", "-", "--rows-format", "csv")

    deployed = shell.json("limits", "deploy", "sms", shape="limits deploy")
    capped = shell(*batch, stdin=rows)
    undeployed = shell.json("limits", "undeploy", "sms", shape="limits undeploy")
    free = shell(*batch, stdin=rows)

    assert [item["state"] for item in (*deployed["items"], *undeployed["items"])] == ["deployed", "created"]
    assert [warning["rule"] for warning in deployed["warnings"]] == ["R246"]
    assert sorted(json.loads(line)["status"] for line in capped.out.splitlines()) == ["capped", "http_202"]
    assert [json.loads(line)["status"] for line in free.out.splitlines()] == ["http_202", "http_202"]
    assert shell("call", "SendSms", *VALUES).code == 0


@pytest.mark.usefixtures("limited")
def test_a_throttling_is_deployed_once(shell: Shell) -> None:
    """A second deployment is refused with the product's code, as is taking back what is not deployed."""
    first = shell("limits", "deploy", "all")
    second = shell("limits", "deploy", "all")
    back = shell("limits", "undeploy", "all")
    again = shell("limits", "undeploy", "all")

    assert [done.code for done in (first, second, back, again)] == [0, 1, 0, 1]
    assert "14466" in second.err
    assert "14468" in again.err


@pytest.mark.usefixtures("limited")
@pytest.mark.parametrize("command", ["show", "deploy", "undeploy"])
def test_a_configuration_that_is_not_there(shell: Shell, command: str) -> None:
    """It is named, with both kinds that it could be of."""
    done = shell("limits", command, "nothing")

    assert done.code == 2
    assert "There is no capping or throttling named 'nothing'" in done.err

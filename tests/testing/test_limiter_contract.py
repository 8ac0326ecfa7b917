"""The contract of limiters catches what is broken in one; that it passes a whole one is tested where they are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAD = """
import attrs
import pytest
import wayhook as wh
from wayhook.testing import LimiterContract

def changed(rules, change):
    return {key: change(rule) if isinstance(rule, wh.CappingRule) else rule for key, rule in rules.items()}

class Broken(wh.WindowLimiter):
"""
TAIL = """
class TestBroken(LimiterContract):
    @pytest.fixture
    async def limiter(self):
        return Broken()
"""

BROKEN = {
    "begins anew": (
        """
    def hold(self, rules, *, by=None):
        self._bounds = {}
        super().hold(rules, by=by)
        """,
        "test_a_rule_takes_over_the_window_of_its_key",
    ),
    "has one set of rules": (
        """
    def hold(self, rules, *, by=None):
        super().hold(rules)
        """,
        "test_each_has_rules_of_its_own",
    ),
    "limits no connections": (
        """
    def hold(self, rules, *, by=None):
        unlimited = lambda rule: attrs.evolve(rule, action=attrs.evolve(rule.action, max_http_connections=None))
        super().hold(changed(rules, unlimited), by=by)
        """,
        "test_no_more_attempts_are_under_way_than_connections",
    ),
    "has short windows": (
        """
    def hold(self, rules, *, by=None):
        shorter = lambda rule: attrs.evolve(rule, action=attrs.evolve(rule.action, period_in_ms=20))
        super().hold(changed(rules, shorter), by=by)
        """,
        "test_a_window_begins_at_any_moment",
    ),
    "refuses what should wait": (
        """
    def hold(self, rules, *, by=None):
        for key, rule in rules.items():
            if isinstance(rule, wh.ThrottlingRule):
                rating = wh.Rating(rule.max_throughput, 1000)
                rules = {**rules, key: wh.CappingRule(rule.url_pattern, rating, methods=rule.methods)}
        super().hold(rules, by=by)
        """,
        "test_what_is_above_a_throttling_rule_waits_in_order",
    ),
    "takes what it can": (
        """
    async def spend(self, method, url):
        for bound in self._coverage.of(method, url):
            if not bound.queues:
                if not bound.has_place(self._clock.monotonic()):
                    raise wh.Discarded("full")
                bound.take(self._clock.monotonic())
        """,
        "test_a_token_call_takes_a_place_of_every_cap",
    ),
}


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str]]:
    """The tests that fail with their files, from one run of pytest."""
    folder = tmp_path_factory.mktemp("broken")
    for fault, (body, _) in BROKEN.items():
        (folder / _file(fault)).write_text(HEAD + body + TAIL)
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    chosen = " or ".join(test for _, test in BROKEN.values())
    without = ["-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
    command = [sys.executable, "-m", "pytest", "-q", *without, "-rf", "--tb=line", "-k", chosen]

    done = subprocess.run([*command, str(folder)], cwd=folder, capture_output=True, text=True, check=False, timeout=240)

    assert " passed" in done.stdout, done.stdout
    assert " error" not in done.stdout.splitlines()[-1]
    lines = [
        line.split(" - ")[0].split(" ")[1].split("::") for line in done.stdout.splitlines() if line[:6] == "FAILED"
    ]
    return {(Path(line[0]).name, line[-1]) for line in lines}


def _file(fault: str) -> str:
    return f"test_{fault.replace(' ', '_')}.py"


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_limiter_fails(failures: set[tuple[str, str]], fault: str) -> None:
    """A limiter with one fault fails the test that is about it."""
    assert (_file(fault), BROKEN[fault][1]) in failures

"""The chores. `nox` alone passes the tests; `nox -s SESSION` runs one of the others."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import nox

nox.needs_version = ">=2024.10"
nox.options.default_venv_backend = "venv"
nox.options.sessions = ["tests"]
nox.options.reuse_existing_virtualenvs = True

PROJECT = nox.project.load_toml("pyproject.toml")
HERE = Path(__file__).parent


def _runs(python: str) -> bool:
    """Whether this Python is here; a shim that only says it is not does not count."""
    try:
        return subprocess.run([f"python{python}", "-c", ""], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


PYTHONS = [python for python in nox.project.python_versions(PROJECT) if _runs(python)]


COVERED = ["--cov", "--cov-report=term", "--cov-fail-under=95"]
USERS_OF_PACKAGES = ["adapters", "cli", "execution", "expression", "formats", "house", "notebook", "systems"]
WHAT_IS_PACKED = ["cli", "expression", "formats", "house", "testing"]


def _install(session: nox.Session, *groups: str, what: str = ".") -> None:
    session.install(what, *(name for group in groups for name in nox.project.dependency_groups(PROJECT, group)))


@nox.session(python=PYTHONS or None)
def tests(session: nox.Session) -> None:
    """Everything, on every supported Python that is present; in CI with its coverage, and no server may be missing."""
    _install(session, "test")
    measured = COVERED if "CI" in os.environ and session.python in (None, PYTHONS[0]) else []
    session.run("python", "-m", "pytest", *(session.posargs or ["--quiet", *measured]))


@nox.session
def coverage(session: nox.Session) -> None:
    """Branch coverage of the package, at least 95 %."""
    _install(session, "test")
    session.run("coverage", "erase")
    session.run("python", "-m", "pytest", "--quiet", *COVERED)


@nox.session(name="property")
def property_(session: nox.Session) -> None:
    """The properties, with many more examples than the quick run takes."""
    _install(session, "test")
    thorough = {"HYPOTHESIS_PROFILE": "thorough"}
    session.run("python", "-m", "pytest", "--quiet", "tests/property", "tests/adapters", env=thorough)


@nox.session
def services(session: nox.Session) -> None:
    """What needs servers on this machine: stores and brokers, over real connections. A missing server is a failure."""
    _install(session, "test")
    session.run("python", "-m", "pytest", "--quiet", "-m", "services", *session.posargs, env={"CI": "true"})


@nox.session
def kill(session: nox.Session) -> None:
    """The tests that kill processes in the middle of their work."""
    _install(session, "test")
    session.run("python", "-m", "pytest", "--quiet", "-m", "kill", *session.posargs, env={"CI": "true"})


@nox.session
def lint(session: nox.Session) -> None:
    """ruff: rules and format."""
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """mypy, strict, on the package; pyright, strict, on the public examples."""
    _install(session, "types")
    session.run("mypy", "src", "tests/typing")
    session.run("pyright", "--pythonpath", str(Path(session.bin) / "python"))


@nox.session
def docs(session: nox.Session) -> None:
    """The site, warnings being errors; every snippet of README and pages runs; a browser reads every page."""
    _install(session, "docs")
    session.run("python", "-m", "pytest", "--quiet", "tests/house/test_snippets.py")
    session.run("sphinx-build", "-q", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html")
    session.run(
        "python", "-m", "pytest", "--quiet", "tests/display/test_site.py", env={"WAYHOOK_SITE": "docs/_build/html"}
    )


@nox.session
def minimums(session: nox.Session) -> None:
    """The tests of the rooms that use them, with the lowest versions of the core dependencies."""
    lowest = [requirement.split(",")[0].replace(">=", "==") for requirement in PROJECT["project"]["dependencies"]]
    _install(session, "test")
    session.install(*lowest)
    session.run("python", "-m", "pytest", "--quiet", *(f"tests/{room}" for room in USERS_OF_PACKAGES))


@nox.session
def build(session: nox.Session) -> None:
    """The wheel; tests of what is packed in it run against it, with `src` out of the way."""
    session.install("build")
    shutil.rmtree(HERE / "dist", ignore_errors=True)
    session.run("python", "-m", "build", "--quiet")
    (wheel,) = (HERE / "dist").glob("*.whl")
    _install(session, "test", what=str(wheel))
    away = Path(session.create_tmp())
    kept_away = shutil.ignore_patterns("src", "dist", ".*", "_build", "__pycache__")
    shutil.copytree(HERE, away, dirs_exist_ok=True, ignore=kept_away)
    session.chdir(away)
    rooms = (f"tests/{room}" for room in WHAT_IS_PACKED)
    session.run("python", "-m", "pytest", "--quiet", *rooms, env={"WAYHOOK_WITHOUT_SOURCE": "1"})


@nox.session
def bench(session: nox.Session) -> None:
    """The benchmarks: ratios side by side, one file of figures, plots; nothing is judged by the clock."""
    _install(session, "bench")
    session.run("python", "benchmarks/run.py", *session.posargs, env={"PYTHONDEVMODE": ""})

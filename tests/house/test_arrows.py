"""The laws of the house that a machine can hold: arrows point down, and libraries stay in their rooms."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

SPEC = find_spec("wayhook")
assert SPEC is not None
assert SPEC.origin is not None
PACKAGE = Path(SPEC.origin).parent

LAYERS = {
    "errors": 0, "jsonvalue": 0, "secret": 0, "values": 0, "presentation": 0, "reading": 0, "step": 0, "wire": 0,
    "expression": 1,
    "model": 2,
    "rendering": 3,
    "formats": 4,
    "execution": 5,
    "adapters": 6,
    "display": 7, "notebook": 7, "testing": 7, "cli": 7, "__init__": 7, "__main__": 7,
}  # fmt: skip

THIRD_PARTIES = {
    "attrs": {"*"},
    "cattrs": {"formats/document.py"},
    "lark": {"expression/parser.py"},
    "httpx": {"adapters/transport/httpx.py"},
    "httpcore": {"adapters/transport/httpx.py"},
    "httptools": {"adapters/transport/wire.py"},
    "certifi": {"adapters/transport/tls.py"},
    "jwt": {"rendering/assertion.py"},
    "cryptography": {"adapters/token/sqlite.py"},
    "hvac": {"adapters/secret/vault.py"},
    "requests": {"adapters/secret/vault.py"},
    "boto3": {"adapters/secret/aws.py"},
    "botocore": {"adapters/secret/aws.py"},
    "redis": {
        "adapters/limiter/redis.py",
        "adapters/limiter/redis_connection.py",
        "adapters/limiter/redis_standing.py",
        "adapters/repository/redis.py",
        "adapters/repository/redis_shelf.py",
    },
    "asyncpg": {"adapters/limiter/postgres_connection.py", "adapters/limiter/postgres_standing.py"},
    "ruamel": {"adapters/repository/folder_text.py"},
    "sqlalchemy": {
        "adapters/repository/sql.py",
        "adapters/repository/sql_database.py",
        "adapters/repository/sql_job.py",
        "adapters/repository/sql_job_shelf.py",
        "adapters/repository/sql_shelf.py",
        "adapters/repository/sql_tables.py",
        "adapters/repository/migration/versions/0001_records.py",
        "adapters/repository/migration/versions/0002_jobs.py",
    },
    "alembic": {
        "adapters/repository/sql_database.py",
        "adapters/repository/migration/env.py",
        "adapters/repository/migration/versions/0001_records.py",
        "adapters/repository/migration/versions/0002_jobs.py",
    },
    "aiormq": {"adapters/queue/taskiq.py"},
    "taskiq": {"adapters/queue/taskiq.py"},
    "taskiq_aio_pika": {"adapters/queue/taskiq.py"},
    "tenacity": {"execution/retry.py"},
    "anyio": {"execution/blocking.py"},
    "ipywidgets": {"notebook/form.py"},
    "tqdm": {"cli/demo.py", "notebook/progress.py"},
    "distributed": {"notebook/cluster.py"},
    "cloudpickle": {"notebook/cluster.py"},
    "pandas": {"notebook/frame.py"},
    "polars": {"notebook/frame.py"},
    "keyring": {"adapters/secret/keyring.py"},
    "typer": {
        "cli/application.py",
        "cli/option.py",
        "cli/surface/call.py",
        "cli/surface/dead_letter.py",
        "cli/surface/definition.py",
        "cli/surface/journey.py",
        "cli/surface/limit.py",
        "cli/surface/tour.py",
    },
    "pytest": {
        "testing/contract.py",
        "testing/dispatcher_contract.py",
        "testing/limiter_contract.py",
        "testing/standing_contract.py",
        "testing/token_store_contract.py",
        "testing/transport_contract.py",
    },
    "rich": {"cli/console.py", "display/terminal.py"},
    "IPython": {"display/live.py"},
    "trustme": {"testing/fault_server.py"},
    "hypothesis": {"testing/contract.py"},
    "yaml": {"formats/foreign/yaml.py"},
    "opentelemetry": {"adapters/telemetry/opentelemetry.py"},
    "prometheus_client": {"adapters/telemetry/prometheus.py"},
}
PURE = {
    "errors",
    "jsonvalue",
    "secret",
    "values",
    "presentation",
    "reading",
    "step",
    "wire",
    "expression",
    "model",
    "rendering",
}
IMPURE = {"asyncio", "logging", "os", "pathlib", "random", "secrets", "socket", "sqlite3", "ssl", "subprocess", "time"}

FILES = sorted(PACKAGE.rglob("*.py"))


def room(file: Path) -> str:
    """The first folder below the package, or the module's own name."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(file: Path) -> Iterator[tuple[str, bool]]:
    """Every module that a file imports, and whether for the type checker only."""
    tree = ast.parse(file.read_text())
    typing_only = {
        id(below)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for below in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in typing_only) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import hides the arrow"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            whole = node.module in ("wayhook", "wayhook.testing")
            yield from ((name, id(node) in typing_only) for name in (names if whole else [str(node.module)]))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_arrows_point_down(file: Path) -> None:
    """A module imports from its own room or from layers below it, never sideways or up."""
    here = room(file)

    upward = [
        name
        for name, typing_only in imports(file)
        if name.startswith("wayhook.") and not typing_only and (there := name.split(".")[1]) != here
        if LAYERS[there] > LAYERS[here] or (LAYERS[there] == LAYERS[here] and LAYERS[here] not in (0, 7))
    ]

    assert upward == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_libraries_stay_in_their_rooms(file: Path) -> None:
    """A third-party library is imported only by the files that the table names."""
    where = file.relative_to(PACKAGE).as_posix()
    roots = {name.split(".")[0] for name, _ in imports(file)} - {"wayhook"}
    third = {root for root in roots if root not in sys.stdlib_module_names}

    strangers = {root for root in third if not THIRD_PARTIES.get(root, set()) & {"*", where}}

    assert strangers == set()


@pytest.mark.parametrize("file", [f for f in FILES if room(f) in PURE], ids=lambda f: str(f.relative_to(PACKAGE)))
def test_the_lower_rooms_do_no_io(file: Path) -> None:
    """Words, expressions, model and rendering import nothing that reaches the world."""
    found = {name.split(".")[0] for name, _ in imports(file)} & IMPURE

    assert found == set()


def test_adapters_never_import_each_other() -> None:
    """An adapter knows the ports and the parts of its own folder, not the adapters of another port."""
    for file in (PACKAGE / "adapters").rglob("*.py"):
        own = f"wayhook.adapters.{file.relative_to(PACKAGE).parts[1]}."
        neighbours = [name for name, _ in imports(file) if name.startswith("wayhook.adapters") and own not in name]

        assert neighbours == [], file


def test_the_tests_run_against_what_they_should() -> None:
    """With the source out of the way, the package comes from the wheel."""
    inside_source = "src" in PACKAGE.parts

    assert inside_source is False or "WAYHOOK_WITHOUT_SOURCE" not in os.environ

"""What every command is told: which repository, which edition, which hosts, and how to speak."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from getpass import getuser
from typing import TYPE_CHECKING
from urllib.parse import unquote

import attrs

from wayhook.cli.answer import CannotRun
from wayhook.cli.console import Console
from wayhook.cli.file import is_file
from wayhook.errors import DefinitionError

if TYPE_CHECKING:
    from wayhook.execution.ports import Repository
    from wayhook.model.guardrail import Guardrails, NetworkPolicy

__all__ = ["EDITIONS", "USUAL", "Settings"]

EDITIONS = ("standard", "journey_orchestration", "journey_optimizer")
USUAL = "wayhook.db"
"""The file of the repository where none is named, if it is there."""

_SQLITE = "sqlite:///"


def _somebody() -> str:
    """Who sits here, as the system says, for the history of a repository."""
    try:
        return getuser()
    except (OSError, KeyError):  # nobody that the system knows, as in some containers
        return ""


@attrs.frozen
class Settings:
    """The settings of one command.

    `repository`: its URL; where it is None, the usual file of this folder. `namespace`: of the repository; its usual
    one where it is None. `edition`: the name of the guardrails. `allow`: what may be called beyond public hosts:
    `loopback`, a host, `host:port`, a network such as `10.2.0.0/16`, or `:port` for every host. `by`: who saves.
    """

    repository: str | None = None
    namespace: str | None = None
    edition: str = EDITIONS[0]
    allow: Sequence[str] = ()
    console: Console = attrs.Factory(Console)
    by: str = attrs.Factory(_somebody)

    @property
    def guardrails(self) -> Guardrails:
        """The edition, with what is allowed beyond it; raises `CannotRun` for what can be no host or network."""
        from wayhook.model.guardrail import Guardrails

        rails: Guardrails = getattr(Guardrails, self.edition)(network=_policy(self.allow))
        return rails

    @property
    def url(self) -> str | None:
        """The URL of the repository, or None where there is none."""
        return self.repository or (_SQLITE + USUAL if is_file(USUAL) else None)

    @asynccontextmanager
    async def opened(self, *, make: bool = False) -> AsyncIterator[Repository]:
        """Open the repository; `make`: also one whose file is not there yet. Raises `CannotRun` where there is none."""
        from wayhook.execution.opening import open_repository

        if self.url is None:
            message = "there is no repository here: name one with --repository URL, or begin with `wayhook init`"
            raise CannotRun(message)
        if not make and _is_missing(self.url):
            raise CannotRun(f"there is no {self.url}; `wayhook import --repository {self.url} FILE` makes one")
        try:
            opening = open_repository(self.url, guardrails=self.guardrails)
        except DefinitionError as error:
            raise CannotRun(f"--repository: {error.violations[0].message}") from None
        async with opening as repository:
            yield repository if self.namespace is None else _within(repository, self.namespace)


def _within(repository: Repository, namespace: str) -> Repository:
    from wayhook.execution.ports import Namespaced

    if not isinstance(repository, Namespaced):
        raise CannotRun("--namespace: this repository keeps no namespaces apart")
    try:
        return repository.within(namespace)
    except DefinitionError as error:
        raise CannotRun(f"--namespace: {error.violations[0].message}") from None


def _is_missing(url: str) -> bool:
    """Whether the file of a repository is not there; looking for it must not make it."""
    return url.startswith(_SQLITE) and not is_file(unquote(url.removeprefix(_SQLITE)))


def _policy(words: Sequence[str]) -> NetworkPolicy:
    """The policy that the words of `--allow` make."""
    from wayhook.model.guardrail import NetworkPolicy

    if options := [word for word in words if word.startswith("-")]:
        raise CannotRun(f"--allow: a host belongs here, such as loopback or crm.internal:8443, not {options[0]}")
    networks = {word for word in words if "/" in word}
    ports = {word for word in words if word.startswith(":") and word[1:].isdecimal()}
    hosts = {*words} - networks - ports - {"loopback"}
    try:
        return NetworkPolicy("loopback" in words, hosts, {int(word[1:]) for word in ports}, networks)
    except DefinitionError as error:
        raise CannotRun("\n".join(f"--allow: {fault.message}" for fault in error.violations)) from None

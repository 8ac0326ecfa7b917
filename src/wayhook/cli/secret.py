"""Secrets of what is about to be called: those that are typed are asked for before anything waits for them."""

from __future__ import annotations

from collections.abc import Iterable

from wayhook.adapters.secret.prompt import PromptSecrets
from wayhook.cli.interrupt import at_once
from wayhook.execution.executor import SchemeSecrets
from wayhook.model.action import Action
from wayhook.model.authentication import Authentication
from wayhook.rendering.plan import plan_values
from wayhook.secret import SecretReference

__all__ = ["asked", "references", "token_references"]


def references(action: Action) -> tuple[SecretReference, ...]:
    """Return the references to secrets that a call of `action` looks up, those of its token call included."""
    call = plan_values(action).call("", (), None)
    found = (secret for secret in call.secrets if isinstance(secret, SecretReference))
    return tuple(dict.fromkeys((*found, *token_references(action.authentication))))


def token_references(authentication: Authentication) -> tuple[SecretReference, ...]:
    """Return the references to secrets that the token call of an authentication looks up, if it makes one."""
    call = authentication.token_call()
    return tuple(secret for secret in call.secrets if isinstance(secret, SecretReference)) if call else ()


def asked(secrets: Iterable[SecretReference]) -> SchemeSecrets:
    """Return where secrets come from, those of the terminal typed already; raises `SecretMissing` without one."""
    prompt = PromptSecrets()
    with at_once():
        for reference in secrets:
            if reference.source.startswith("prompt:"):
                prompt.ask(reference)
    return SchemeSecrets({"prompt": prompt})

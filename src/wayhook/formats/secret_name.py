"""A name for each secret of an export, which shows where a secret goes and holds none."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain, count

from wayhook.secret import AccessToken, Base64, DeliveryId, SecretReference, Unknown

__all__ = ["secret_names"]


def secret_names(secrets: Iterable[Unknown | Base64]) -> dict[Unknown | Base64, str]:
    """Return a name of its own for each secret, made of letters, digits and `_`: `env:SMS_KEY` is `SMS_KEY`.

    An access token is `TOKEN`, a literal secret `SECRET`; a second one of a name is `SECRET_2`.
    """
    names: dict[Unknown | Base64, str] = {}
    for secret in dict.fromkeys(secrets):
        name, taken = _name(secret), frozenset(names.values())
        names[secret] = next(free for free in chain([name], (f"{name}_{i}" for i in count(2))) if free not in taken)
    return names


def _name(secret: Unknown | Base64) -> str:
    match secret:
        case SecretReference():
            name = re.sub(r"\W", "_", secret.source.partition(":")[2], flags=re.ASCII)
            return f"_{name}" if name[0].isdigit() else name
        case AccessToken():
            return "TOKEN"
        case DeliveryId():
            return "DELIVERY_ID"
        case Base64():
            return "BASE64"
        case _:
            return "SECRET"

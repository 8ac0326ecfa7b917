"""Secrets from AWS Secrets Manager: `aws:NAME` or `aws:NAME#KEY`; needs the extra `aws`."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from wayhook.errors import MissingExtra, SecretMissing
from wayhook.secret import SecretReference

__all__ = ["AwsSecrets"]

_TIMEOUT = 5.0


class AwsSecrets:
    """Reads `aws:NAME` from AWS Secrets Manager, or with `aws:NAME#KEY` a text in the JSON object that is kept there.

    NAME: the name or the ARN of the secret, whose current version is taken. `client`: a client of boto3 for
    `secretsmanager`; unless given one is made of the usual environment, profile or role. Each look is a request: put
    `CachedSecrets` around it. Raises `MissingExtra` without the library.
    """

    def __init__(self, client: Any = None) -> None:
        try:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError
        except ImportError:
            raise MissingExtra("secrets in AWS need boto3: pip install 'wayhook[aws]'") from None
        if client is None:
            settings = Config(connect_timeout=_TIMEOUT, read_timeout=_TIMEOUT, retries={"total_max_attempts": 2})
            try:
                client = boto3.client("secretsmanager", config=settings)
            except BotoCoreError as error:
                raise SecretMissing(f"AWS cannot be asked for secrets: {type(error).__name__}") from None
        self._client = client

    async def reveal(self, reference: SecretReference) -> str:
        """Return the text; raise `SecretMissing` when it is not there, no text, or AWS does not give it."""
        scheme, _, place = reference.source.partition(":")
        name, sign, key = place.partition("#")
        if scheme != "aws" or not name or (sign and not key):
            raise SecretMissing(f"the secret {reference.source} is no place in AWS; write aws:NAME or aws:NAME#KEY")
        return await asyncio.to_thread(self._read, reference.source, name, key)

    def _read(self, source: str, name: str, key: str) -> str:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            text = self._client.get_secret_value(SecretId=name).get("SecretString")
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "refused")
            raise SecretMissing(f"the secret {source} is not given by AWS: {code}") from None
        except BotoCoreError as error:
            raise SecretMissing(f"the secret {source} cannot be read from AWS: {type(error).__name__}") from None
        if key:
            text = _below(text, key)
        if not isinstance(text, str) or not text:
            raise SecretMissing(f"the secret {source} is not there; AWS has no text under this name")
        return text


def _below(text: object, key: str) -> object:
    try:
        kept = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
    return kept.get(key) if isinstance(kept, dict) else None

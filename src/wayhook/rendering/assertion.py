"""A signed assertion: a JSON Web Token after RFC 7523. The one module that imports PyJWT, and only when it signs.

Section 3.6 of the rules (R132, R133). No I/O.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import datetime

from wayhook.errors import AuthenticationFailed, MissingExtra
from wayhook.model.token import Assertion

__all__ = ["LIFETIME", "signed_assertion"]

LIFETIME = 600
"""Seconds from `iat` to `exp`; never more (R133)."""

_EXTRA = "signing an assertion needs PyJWT and cryptography: pip install 'wayhook[jwt]'"
_NO_KEY = "the private key is no RSA key in PEM form without a passphrase; store it again"


def signed_assertion(assertion: Assertion, private_key: str, now: datetime, identifier: str) -> str:
    """Return the token, signed with RS256.

    `private_key`: its text in PEM form. `identifier`: the `jti`, never the same twice. Raises `MissingExtra` without
    PyJWT, and `AuthenticationFailed`, without the key, when key or certificate cannot be read.
    """
    try:
        import jwt
    except ImportError:
        raise MissingExtra(_EXTRA) from None
    if "PRIVATE KEY-----" not in private_key:
        raise AuthenticationFailed(_NO_KEY)
    issued = int(now.timestamp())
    claims = {
        **dict(assertion.claims),
        "iss": assertion.issuer,
        "sub": assertion.subject,
        "aud": assertion.audience,
        "iat": issued,
        "exp": issued + LIFETIME,
        "jti": identifier,
    }
    headers = {"kid": assertion.key_id} if assertion.key_id else {}
    if assertion.certificate:
        headers["x5t"] = _thumbprint(assertion.certificate)
    try:
        return jwt.encode(claims, private_key, algorithm="RS256", headers=headers)
    except NotImplementedError:  # PyJWT is there, and cryptography is not
        raise MissingExtra(_EXTRA) from None
    except (jwt.PyJWTError, ValueError, TypeError):
        raise AuthenticationFailed(_NO_KEY) from None


def _thumbprint(certificate: str) -> str:
    """The SHA-1 thumbprint of the leaf certificate, in base64url (RFC 7515, section 4.1.7)."""
    body = certificate.partition("-----BEGIN CERTIFICATE-----")[2].partition("-----END CERTIFICATE-----")[0]
    try:
        der = base64.b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError):
        der = b""
    if not der:
        raise AuthenticationFailed("the certificate is not in PEM form; give the text of the file")
    digest = hashlib.sha1(der, usedforsecurity=False).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

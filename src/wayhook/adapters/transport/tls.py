"""TLS contexts: always verified, 1.2 or newer (P42)."""

from __future__ import annotations

import ssl
from functools import lru_cache
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory

import certifi

from wayhook.adapters.transport.failure import is_shortage, short
from wayhook.errors import DefinitionError, Evidence, TransportError, Violation

__all__ = ["Identity", "Trust"]

Identity = tuple[str, str] | None
"""A client certificate and its key, in PEM form, or None."""

_KEPT = 64


class Trust:
    """What a transport trusts, as a context for each client certificate; none reads the environment.

    `authorities`: certificates in PEM form, as text or the path of a file, trusted beside the public ones. Raises
    `DefinitionError` when they cannot be read.
    """

    def __init__(self, authorities: str | PathLike[str] = "") -> None:
        self._authorities = _read(authorities) if authorities else ""
        self._contexts: dict[Identity, ssl.SSLContext] = {}

    def context(self, identity: Identity) -> ssl.SSLContext:
        """Return what a new connection trusts and shows; made once for each client certificate.

        Raises `TransportError` for a certificate that cannot be shown, or a file that cannot be opened for now (F12).
        """
        try:
            return self._kept(identity)
        except OSError as error:
            if is_shortage(error):
                raise short() from None
            raise

    def _kept(self, identity: Identity) -> ssl.SSLContext:
        if not (self._authorities or identity):
            return _public()
        if identity not in self._contexts:
            if len(self._contexts) >= _KEPT:
                del self._contexts[next(iter(self._contexts))]
            self._contexts[identity] = _context(self._authorities, identity)
        return self._contexts[identity]


def _read(authorities: str | PathLike[str]) -> str:
    """The certificates to trust, in PEM form, once they have been read and tried."""
    try:
        is_text = isinstance(authorities, str) and "-----BEGIN" in authorities
        text = str(authorities) if is_text else Path(authorities).read_text(encoding="ascii")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (OSError, ValueError, TypeError):
        message = "give certificates in PEM form, as text or the path of a file that holds them"
        raise DefinitionError([Violation("$.trust", message)]) from None
    return text


@lru_cache(maxsize=1)
def _public() -> ssl.SSLContext:
    return _context("", None)


def _context(authorities: str, identity: Identity) -> ssl.SSLContext:
    """A context that trusts the public authorities and those given, and may show a client certificate."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if authorities:
        context.load_verify_locations(cadata=authorities)
    if identity is not None:
        _load(context, identity)
    return context


def _load(context: ssl.SSLContext, identity: tuple[str, str]) -> None:
    """The library reads a certificate from a file only, which is gone at once."""
    with TemporaryDirectory() as folder:
        certificate, key = Path(folder) / "certificate.pem", Path(folder) / "key.pem"
        try:
            for path, text in zip((certificate, key), identity, strict=True):
                path.touch(mode=0o600)
                path.write_text(text, encoding="ascii", errors="replace")
            _load_files(context, certificate, key)
        finally:
            key.unlink(missing_ok=True)  # to empty the folder takes a file descriptor, which may be what is lacking


def _load_files(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        context.load_cert_chain(certificate, key, password=lambda: "")
    except OSError as error:  # one of TLS, too
        if is_shortage(error):
            raise
        message = "the client certificate or its key is not in PEM form, or they do not belong together"
        raise TransportError(message, Evidence.REFUSED) from None

"""What is taken for a secret: by the name that it has, and by how it looks. No I/O.

A name that is taken for one wrongly costs a look-up; a secret that is not taken for one is stored and shown.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

__all__ = ["holds_secret", "is_secret", "key_in_path", "looks_secret"]

_ENDS = re.compile(
    r"(token|secret|password|passwd|passphrase|passcode|passwort|pwd|authorization|credentials?|signature|jwt|sessionid"
    r"|(api|access|secret|private|subscription|auth|app|account|shared|signing|consumer|master|licen[cs]e|service|client"
    r"|security|encryption|function|sas|webhook)key)$"
)
_HARMLESS = re.compile(r"(page|next|prev|previous|continuation|sync|cursor|max|min|total|delta|start)token")
_KEYS = frozenset({"key", "auth", "appid", "sig", "hmac", "pass"})
"""Names of secrets in a header and in the query, and of anything in a body."""

_LOOKS = re.compile(
    r"(bearer|basic|token) [A-Za-z0-9._~+/=:-]{8,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\."
    r"|\b(sk|pk|rk)_(live|test)_\w{8,}|\bsk-[\w-]{16,}|\bxox[abeoprs]-[\w-]{8,}|\bxapp-[\w-]{8,}"
    r"|\bgh[opsu]_\w{16,}|\bgithub_pat_\w{16,}|\bglpat-[\w-]{16,}|\bA[KS]IA[A-Z0-9]{12,}|\bAIza[\w-]{20,}"
    r"|\bSG\.[\w-]{16,}\.[\w-]{16,}|\bya29\.[\w-]{8,}|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|//[^/?#\s@]*:[^/?#\s@]+@",
    re.IGNORECASE,
)
_NAMED = re.compile(r"""\bname=["']?([\w.%-]+)|([\w.%-]+)["']?\s*[:=>]""")
"""What has a value behind it in a text: `name=…`, `"name": …`, `<name>…`, and the name of a part of a form."""
_LONGEST = 100

_WEBHOOKS = (
    (re.compile(r"hooks\.slack(-gov)?\.com"), re.compile(r"/(services|workflows|triggers)(?=/.)")),
    (re.compile(r"(\w+\.)?discord(app)?\.com"), re.compile(r"/api(/v[0-9]+)?/webhooks(?=/.)")),
    (re.compile(r".+\.webhook\.office\.com"), re.compile(r"/webhookb2(?=/.)")),
    (re.compile(r"hooks\.zapier\.com"), re.compile(r"/hooks/catch(?=/.)")),
    (re.compile(r"api\.telegram\.org"), re.compile(r"(?=/bot.)")),
)


def is_secret(name: str, *, among_keys: bool = False) -> bool:
    """Whether a field of that name holds a secret; `among_keys`: it stands in a header or in the query."""
    plain = re.sub(r"[^a-z0-9]", "", name[-_LONGEST:].lower())
    if among_keys and plain in _KEYS:
        return True
    return _ENDS.search(plain) is not None and not _HARMLESS.fullmatch(plain)


def looks_secret(text: str) -> bool:
    """Whether a text is, or holds, what services issue as keys, or a user name with its password."""
    return _LOOKS.search(text) is not None


def holds_secret(text: str) -> bool:
    """Whether a text of unknown form names a secret somewhere, or holds what looks like one."""
    return looks_secret(text) or any(is_secret(unquote(one or other)) for one, other in _NAMED.findall(text))


def key_in_path(host: str, path: str) -> int | None:
    """Return where the secret part of the address of an incoming webhook begins in its `path`, or None."""
    for hosts, fixed in _WEBHOOKS:
        if hosts.fullmatch(host.lower()) and (found := fixed.match(path)):
            return found.end()
    return None

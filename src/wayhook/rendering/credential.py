"""Whether the text of a secret fits the place where it goes. No I/O."""

from __future__ import annotations

from wayhook.model.rule import header_value_fault
from wayhook.rendering.address import join_path
from wayhook.rendering.slot import Unsafe
from wayhook.secret import Credential, Revealed

__all__ = ["credential_fault"]


def credential_fault(credential: Credential, texts: Revealed) -> str:
    """Return why the revealed text cannot stand in a header or path, without the text, or "" (R58, R74)."""
    value = credential.text.reveal(texts)
    if credential.location == "header":
        return header_value_fault(value)
    if credential.location == "path":
        try:
            join_path("/", value)
        except Unsafe as unsafe:
            return str(unsafe)
    return ""

"""The texts of secrets on their way into a call: whether they fit, and how they may come back. No I/O."""

from __future__ import annotations

from wayhook.errors import Violation, WrongType
from wayhook.model.rule import header_value_fault
from wayhook.rendering.address import join_path
from wayhook.rendering.reflection import reflections
from wayhook.rendering.slot import Unsafe
from wayhook.secret import Credential, Revealed, Spellings

__all__ = ["checked_spellings"]


def checked_spellings(credentials: tuple[Credential, ...], texts: Revealed) -> Spellings:
    """Return every spelling in which the secrets of a call may come back; found once for texts that serve many calls.

    Raises `WrongType` with every text that does not fit where it goes, without the text (R58, R74).
    """
    if texts.credentials is not credentials:
        faults = [
            Violation(f"$.{credential.location}.{credential.name}", f"the secret does not fit: {fault}", "R74")
            for credential in credentials
            if (fault := _fault(credential, texts))
        ]
        if faults:
            raise WrongType(faults)
        texts.spellings = reflections(texts, (credential.text for credential in credentials))
        texts.credentials = credentials
    return texts.spellings


def _fault(credential: Credential, texts: Revealed) -> str:
    """Why the revealed text cannot stand in a header or path, or ""."""
    value = credential.text.reveal(texts)
    if credential.location == "header":
        return header_value_fault(value)
    if credential.location == "path":
        try:
            join_path("/", value)
        except Unsafe as unsafe:
            return str(unsafe)
    return ""

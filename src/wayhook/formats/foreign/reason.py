"""Why something is left out, where several sources have it: the same words for the same thing."""

from __future__ import annotations

__all__ = ["COOKIES", "FILE", "HIDDEN", "METHOD", "PARTS", "TRANSPORT", "UNASKED"]

COOKIES = "cookies belong to one visit of one person; where a service asks for one, give it as a secret header"
PARTS = "a body of several parts (multipart/form-data) is none of an action's; ask the service for JSON or a form"
METHOD = "no authentication of Wayhook does this; configure one that the service has beside it"
FILE = "it names a file of one machine; write what is in it into the source"
HIDDEN = "a message parameter keeps no secret, so that it is a variable; better send it as a header"
TRANSPORT = "it says how to connect, which is a matter of the executor's transport"
UNASKED = "nobody asked for it, and it has no default and no example"

"""Security schemes of an OpenAPI document as authentications, with references for everything that is secret. No I/O."""

from __future__ import annotations

import attrs

from wayhook.formats.foreign.intake import Intake, title
from wayhook.formats.foreign.reason import METHOD
from wayhook.formats.foreign.schema import resolved
from wayhook.formats.foreign.source import Node
from wayhook.model.authentication import (
    ApiKeyAuthentication,
    Authentication,
    BasicAuthentication,
    BearerAuthentication,
    ConnectionReference,
    MutualTlsAuthentication,
)
from wayhook.model.authorization import OAuthClientCredentials
from wayhook.model.connection import Connection
from wayhook.secret import SecretReference

__all__ = ["Security"]

_PERSON = "a person has to agree to it; the token is a secret that somebody renews"
_SECOND = "an action has one authentication; add its secret as a header or a query parameter"
_ORDER = {"mutual_tls": 0, "api_key": 2}
_ANOTHER = "an action has one authentication; another way to authenticate is not carried over"


@attrs.define
class Security:
    """The authentications of a document's operations. `shared`: whether they become connections.

    `connections`: those that were used, by the names of their schemes.
    """

    root: Node
    intake: Intake
    shared: bool = False
    connections: dict[str, Connection] = attrs.Factory(dict)

    def of(self, operation: Node, host: str) -> tuple[Authentication | None, tuple[ApiKeyAuthentication, ...]]:
        """Return the authentication of an operation, and the keys that it takes beside it.

        They are of the first of its alternatives that an action can have; there may be none.
        """
        asked = operation if operation.at("security").is_there else self.root
        alternatives = [each for each in asked.each("security") if each.value != {}]
        for number, alternative in enumerate(alternatives):
            found = self.all_of(alternative, host)
            if found is not None:
                rest = ", ".join(name for other in alternatives[number + 1 :] for name, _ in other.fields())
                if rest:
                    asked.at("security").leave_out(rest, _ANOTHER)
                return found
        return None, ()

    def all_of(self, requirement: Node, host: str) -> tuple[Authentication, tuple[ApiKeyAuthentication, ...]] | None:
        """What takes all schemes of one alternative, or None for one that no action can have.

        An action has one authentication. Another key is a secret header or query parameter of its own.
        """
        names = [name for name, _ in requirement.fields()]
        found = [(name, self.scheme(name, requirement)) for name in names]
        known = [(name, each) for name, each in found if each is not None]
        if not known or len(known) < len(found):
            return None
        (first, authentication), *others = sorted(known, key=lambda pair: _ORDER.get(pair[1].kind, 1))
        beside = []
        for name, other in others:
            if isinstance(authentication, MutualTlsAuthentication) and authentication.authentication.kind == "none":
                authentication = attrs.evolve(authentication, authentication=other)
            elif isinstance(other, ApiKeyAuthentication):
                beside.append(other)
            else:
                requirement.leave_out(name, _SECOND)
        found_one = self.connected(first, authentication, host) if self.shared else authentication
        return found_one, tuple(beside)

    def connected(self, name: str, authentication: Authentication, host: str) -> Authentication:
        """The reference to a connection with that authentication, which may be sent to this host, too."""
        known = self.connections.get(name)
        hosts = {host, *(known.hosts if known else ())} - {""}
        self.connections[name] = Connection(title(name), authentication, hosts=frozenset(hosts))
        return ConnectionReference(title(name))

    def scheme(self, name: str, requirement: Node) -> Authentication | None:  # noqa: PLR0911 - one for each kind
        """The authentication of a scheme by its name, or None where it was told why there is none."""
        node = resolved(self.root.at("components").at("securitySchemes").at(name), self.root)
        if not node.is_object:
            self.intake.leave_out(node.path, f"the security scheme {name}", "it is not described")
            return None
        match node.text("type"), node.text("scheme").lower():
            case "apiKey", _:
                return self.api_key(name, node)
            case "http", "basic":
                user = self.secret(f"{name} user", "the user name")
                return BasicAuthentication(user, self.secret(f"{name} password", "the password"))
            case "http", "bearer":
                return BearerAuthentication(self.secret(name, "the token"))
            case "oauth2", _:
                return self.oauth(name, node, requirement)
            case "mutualTLS", _:
                certificate = self.secret(f"{name} certificate", "the certificate, in PEM form")
                return MutualTlsAuthentication(certificate, self.secret(f"{name} key", "the private key, in PEM form"))
            case kind, word:
                what = f"the security scheme {name} ({' '.join(filter(None, (kind, word)))})"
                node.leave_out(what, METHOD)
                return None

    def secret(self, place: str, holds: str) -> SecretReference:
        """The reference for a secret of a scheme; no action owns it."""
        return self.intake.secret(place, "", holds)

    def api_key(self, name: str, node: Node) -> Authentication | None:
        """A key; one in a cookie is a header of its own."""
        key = node.text("name")
        match node.text("in"):
            case "header" | "query" as location if key:
                return ApiKeyAuthentication(key, self.secret(name, "the key"), location=location)
            case "cookie" if key:
                return ApiKeyAuthentication("Cookie", self.secret(name, f"the whole cookie: {key}= and the key"))
            case _:
                node.leave_out(f"the security scheme {name}", "a key has a name, and goes into header, query or cookie")
                return None

    def oauth(self, name: str, node: Node, requirement: Node) -> Authentication | None:
        """Client credentials where the service has that flow; else a token that somebody else renews.

        Operations that share a connection share its scopes, which are all of the flow.
        """
        flows = node.at("flows")
        flow = flows.at("clientCredentials")
        others = ", ".join(word for word, _ in flows.fields() if word != "clientCredentials")
        if others and flow.is_object:
            flows.leave_out(f"the flows {others}", "an action asks for its token by the client credentials")
        if not flow.is_object:
            flows.leave_out(f"the flows {others or 'of this scheme'}", _PERSON)
            return BearerAuthentication(self.secret(name, "an access token"))
        endpoint = flow.text("tokenUrl")
        if not endpoint.lower().startswith(("https://", "http://")):
            flow.leave_out(f"the security scheme {name}", "its tokenUrl is no absolute URL; write the whole address")
            return None
        asked = [each.value for each in requirement.each(name) if isinstance(each.value, str)]
        scopes = " ".join([name for name, _ in flow.at("scopes").fields()] if self.shared else asked)
        return OAuthClientCredentials(
            endpoint,
            self.secret(f"{name} client id", "the client id"),
            self.secret(f"{name} client secret", "the client secret"),
            scope=scopes,
        )

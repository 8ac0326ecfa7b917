"""Capping and throttling in the product's own JSON: read with every coded fault at once, and written back equal.

A document is what is sent to create one, a rule, or what comes back for it, an element with a `uid`: a configuration.
Sections 6.4 and 6.5 of the rules (R237 to R273).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import attrs

from wayhook.errors import DefinitionError, DocumentError, Violation, closest
from wayhook.jsonvalue import json_fault, parse_json
from wayhook.model.capping import CappingConfiguration, CappingRule, methods_faults, url_faults
from wayhook.model.limit import (
    ConfigurationState,
    Metadata,
    Rating,
    Stamp,
    connection_faults,
    count_faults,
    period_faults,
)
from wayhook.model.throttling import (
    Sandbox,
    ThrottlingConfiguration,
    ThrottlingRule,
    throughput_faults,
    url_pattern_faults,
)
from wayhook.model.throttling import methods_faults as throttled_methods_faults

__all__ = ["dump_capping", "dump_throttling", "load_capping", "load_throttling"]

FORMAT_VERSION = "1.0"
_SERVICES = {"action": "action", "dataSource": "data_source"}
_STAMPS = {"created": "created", "lastModified": "last_modified", "lastDeployed": "last_deployed"}
_STAMP_PARTS = {"By": "by", "ById": "by_id", "At": "at"}
_CAPPING = ("url", "methods", "services", "orgId")
_THROTTLING = ("name", "description", "urlPattern", "methods", "maxThroughput")
_Made = TypeVar("_Made")
_ELEMENT = ("uid", "state", "hasBeenDeployed", "metadata", "authoringFormatVersion")


def load_capping(document: Mapping[str, Any] | str | bytes) -> CappingRule | CappingConfiguration:
    """Read a capping, as JSON text or parsed; one with a `uid` is a configuration.

    Raises `DocumentError` with every fault, each with its path and the product's code (R237 to R249).
    """
    given = _opened(document, "R249", "ERR_ENDPOINTCONFIG_111", "ERR_ENDPOINTCONFIG_112")
    make_rule = _capping(given)
    if "uid" not in given.fields:
        given.name_strangers(_CAPPING)
        return given.made(make_rule)
    given.name_strangers((*_CAPPING, *_ELEMENT, "deployedConfig", "tenantId"))
    element, make_deployed = _element(given), _deployed(given, make_rule)
    given.require_flag(is_deployed=make_deployed is not None)
    tenant_id = given.text("tenantId")
    return given.made(
        lambda: CappingConfiguration(
            rule=make_rule(), deployed_rule=make_deployed and make_deployed(), tenant_id=tenant_id, **element
        )
    )


def dump_capping(value: CappingRule | CappingConfiguration) -> dict[str, Any]:
    """Return a capping in the product's own JSON, which `load_capping` reads equal."""
    if isinstance(value, CappingRule):
        return _written_capping(value)
    if not isinstance(value, CappingConfiguration):
        raise _foreign(value, "a CappingRule or a CappingConfiguration")
    document = {**_written_capping(value.rule), **_written_element(value)}
    is_plain = value.state is ConfigurationState.DEPLOYED and value.deployed_rule == value.rule
    if value.deployed_rule is not None and not is_plain:
        document["deployedConfig"] = _written_capping(value.deployed_rule)
    return document | _present({"tenantId": value.tenant_id})


def load_throttling(document: Mapping[str, Any] | str | bytes) -> ThrottlingRule | ThrottlingConfiguration:
    """Read a throttling, as JSON text or parsed; one with a `uid` is a configuration, of a production sandbox.

    Raises `DocumentError` with every fault, each with its path and the product's code (R259 to R264).
    """
    given = _opened(document, "R264", "ERR_THROTTLING_CONFIG_106", "ERR_THROTTLING_CONFIG_106")
    make_rule = _throttling(given)
    if "uid" not in given.fields:
        given.name_strangers(_THROTTLING)
        return given.made(make_rule)
    given.name_strangers((*_THROTTLING, *_ELEMENT, "_id", "orgId", "sandboxId", "sandboxName", "version"))
    element = _element(given)
    given.require_flag(is_deployed=element["state"] == ConfigurationState.DEPLOYED)
    element |= {"runtime_version": given.number("version"), "org_id": given.text("orgId")}
    sandbox = _sandbox(given, element["uid"])
    return given.made(lambda: ThrottlingConfiguration(rule=make_rule(), sandbox=Sandbox(*sandbox), **element))


def dump_throttling(value: ThrottlingRule | ThrottlingConfiguration) -> dict[str, Any]:
    """Return a throttling in the product's own JSON, which `load_throttling` reads equal."""
    if isinstance(value, ThrottlingRule):
        return _written_throttling(value)
    if not isinstance(value, ThrottlingConfiguration):
        raise _foreign(value, "a ThrottlingRule or a ThrottlingConfiguration")
    sandbox = value.sandbox
    places = {
        "_id": f"{value.uid}_{sandbox.id}" if sandbox.id else "",
        "orgId": value.org_id,
        "sandboxId": sandbox.id,
        "sandboxName": sandbox.name,
    }
    element = {**_written_element(value), "version": value.runtime_version}
    return {**_written_throttling(value.rule), **_present(places), **element}


@attrs.define
class _Object:
    """An object of a document while it is read, and every fault of the document so far.

    `rule`, `code`: of a fault that has no other: a wrong shape.
    """

    fields: Mapping[str, Any]
    path: str
    rule: str
    code: str
    faults: list[Violation] = attrs.Factory(list)

    def fault(self, name: str, message: str) -> None:
        """Tell a wrong shape."""
        self.faults.append(Violation(f"{self.path}.{name}", message, self.rule, self.code))

    def get(self, name: str, faults: Callable[[object, str], Iterator[Violation]]) -> Any:
        """Return the value of a key, None when it is not there, and let `faults` judge it."""
        value = self.fields.get(name)
        self.faults += faults(value, f"{self.path}.{name}")
        return value

    def text(self, name: str) -> str:
        """Return a text, "" when it is not there."""
        value = self.fields.get(name)
        if value is not None and (not isinstance(value, str) or json_fault(value)):
            self.fault(name, "a text belongs here")
            return ""
        return value or ""

    def number(self, name: str) -> int:
        """Return a whole number from 0, which it is when it is not there."""
        value = self.fields.get(name, 0)
        if type(value) is not int or value < 0:
            self.fault(name, "a whole number from 0 belongs here")
        return value  # type: ignore[no-any-return]  # what is none has been told

    def below(self, name: str) -> _Object:
        """Return the object below a key; an empty one when it is not there."""
        value = self.fields.get(name)
        if value is not None and not _is_object(value):
            self.fault(name, "an object belongs here")
            value = None
        return attrs.evolve(self, fields=value or {}, path=f"{self.path}.{name}")

    def name_strangers(self, known: Iterable[str], *, rule: str = "", code: str = "") -> None:
        """Tell the keys that there are not."""
        known = list(known)
        for name in sorted(set(self.fields) - set(known)):
            close = closest(name, known)
            remedy = f"did you mean {close!r}?" if close else f"there are {', '.join(known)}"
            message = f"there is no such key; {remedy}"
            self.faults.append(Violation(f"{self.path}.{name[:40]}", message, rule or self.rule, code or self.code))

    def require_flag(self, *, is_deployed: bool) -> None:
        """Tell a `hasBeenDeployed` that does not fit the rest."""
        if self.fields.get("hasBeenDeployed", is_deployed) is not is_deployed:
            word = "true" if is_deployed else "false, or give the deployedConfig"
            self.fault("hasBeenDeployed", f"with this state it is {word}")

    def made(self, make: Callable[[], _Made]) -> _Made:
        """Return what was read, if nothing is wrong with it."""
        if self.faults:
            raise DocumentError(self.faults)
        return make()


def _opened(document: object, rule: str, code: str, not_json: str) -> _Object:
    if isinstance(document, str | bytes):
        try:
            document = parse_json(document)
        except DefinitionError as error:
            raise DocumentError(attrs.evolve(fault, rule=rule, code=not_json) for fault in error.violations) from None
    if not _is_object(document):
        raise DocumentError([Violation("$", "an object whose names are texts belongs here", rule, code)])
    return _Object(document, "$", rule, code)  # type: ignore[arg-type]  # a mapping, as was just asked


def _is_object(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(name, str) for name in value)


def _capping(given: _Object) -> Callable[[], CappingRule]:
    """Read a capping rule; call what is returned when nothing is wrong with the document."""
    url, methods, org_id = given.get("url", url_faults), given.get("methods", methods_faults), given.text("orgId")
    services = given.below("services")
    services.name_strangers(_SERVICES, rule="R245", code="ERR_AUTHORING_ENDPOINTCONFIG_1")
    if given.fields.get("services") in (None, {}):
        message = "give a rating for the service action or dataSource"
        given.faults.append(Violation(services.path, message, "R242", "ERR_ENDPOINTCONFIG_104"))
    numbers = {ours: _rating(services.below(name)) for name, ours in _SERVICES.items() if name in services.fields}
    return lambda: CappingRule(
        url, methods=methods, org_id=org_id, **{service: Rating(*parts) for service, parts in numbers.items()}
    )


def _rating(service: _Object) -> tuple[Any, Any, Any]:
    service.name_strangers(("maxHttpConnections", "rating"))
    connections = service.get("maxHttpConnections", connection_faults)
    rating = service.below("rating")
    if service.fields.get("rating") is None:
        service.faults.append(Violation(rating.path, "give the rating", "R242", "ERR_ENDPOINTCONFIG_104"))
        return None, None, connections
    rating.name_strangers(("maxCallsCount", "periodInMs"))
    return rating.get("maxCallsCount", count_faults), rating.get("periodInMs", period_faults), connections


def _deployed(given: _Object, make_rule: Callable[[], CappingRule]) -> Callable[[], CappingRule] | None:
    """Read the rule that is enforced: a `deployedConfig`, or else that of a deployed element itself."""
    if given.fields.get("deployedConfig") is None:
        return make_rule if given.fields.get("state") == ConfigurationState.DEPLOYED else None
    deployed = given.below("deployedConfig")
    deployed.name_strangers(_CAPPING)
    return _capping(deployed)


def _throttling(given: _Object) -> Callable[[], ThrottlingRule]:
    """Read a throttling rule; call what is returned when nothing is wrong with the document."""
    pattern, methods = given.get("urlPattern", url_pattern_faults), given.get("methods", throttled_methods_faults)
    throughput = given.get("maxThroughput", throughput_faults)
    name, description = given.text("name"), given.text("description")
    return lambda: ThrottlingRule(pattern, methods, throughput, name, description)


def _sandbox(given: _Object, uid: str) -> tuple[str, str]:
    """Read where an element was made, which its `_id` says too."""
    name, sandbox_id, identifier = given.text("sandboxName"), given.text("sandboxId"), given.text("_id")
    if identifier and identifier != f"{uid}_{sandbox_id}":
        given.fault("_id", "this is the uid, a '_' and the sandboxId")
    return name or Sandbox().name, sandbox_id


def _element(given: _Object) -> dict[str, Any]:
    """Read what an element has beside its rule."""
    uid = given.text("uid")
    if given.fields["uid"] in ("", None):
        given.fault("uid", "a configuration has a uid, which names it")
    if given.text("authoringFormatVersion") not in ("", FORMAT_VERSION):
        given.fault("authoringFormatVersion", f"the format version is {FORMAT_VERSION}")
    metadata = _metadata(given.below("metadata"))
    state = given.text("state") or ConfigurationState.CREATED
    if state not in list(ConfigurationState):
        given.fault("state", f"a state is one of {', '.join(ConfigurationState)}")
    was_updated = metadata.last_modified not in (None, metadata.created)
    is_updated = was_updated if state == ConfigurationState.DEPLOYED else state == ConfigurationState.UPDATED
    before = ConfigurationState.UPDATED if is_updated else ConfigurationState.CREATED
    return {"uid": uid, "state": state, "state_before": before, "metadata": metadata}


def _metadata(given: _Object) -> Metadata:
    given.name_strangers(who + part for who in _STAMPS for part in _STAMP_PARTS)
    return Metadata(**{ours: _stamp(given, who) for who, ours in _STAMPS.items()})


def _stamp(given: _Object, who: str) -> Stamp | None:
    parts = {ours: given.text(who + part) for part, ours in _STAMP_PARTS.items() if who + part in given.fields}
    try:
        return Stamp(**parts) if parts else None
    except DefinitionError as error:
        for fault in error.violations:
            given.fault(f"{who}At" if fault.path == "$.at" else who, fault.message)
        return None


def _written_capping(rule: CappingRule) -> dict[str, Any]:
    ratings = {name: getattr(rule, ours) for name, ours in _SERVICES.items()}
    services = {name: _written_rating(rating) for name, rating in ratings.items() if rating is not None}
    document = {"url": rule.url, "methods": list(rule.methods), "services": services}
    return document | _present({"orgId": rule.org_id})


def _written_rating(rating: Rating) -> dict[str, Any]:
    connections = {} if rating.max_http_connections is None else {"maxHttpConnections": rating.max_http_connections}
    return {**connections, "rating": {"maxCallsCount": rating.max_calls_count, "periodInMs": rating.period_in_ms}}


def _written_throttling(rule: ThrottlingRule) -> dict[str, Any]:
    texts = _present({"name": rule.name, "description": rule.description})
    parts = {"urlPattern": rule.url_pattern, "methods": list(rule.methods), "maxThroughput": rule.max_throughput}
    return {**texts, **parts}


def _written_element(value: CappingConfiguration | ThrottlingConfiguration) -> dict[str, Any]:
    metadata = {}
    for who, ours in _STAMPS.items():
        stamp: Stamp | None = getattr(value.metadata, ours)
        if stamp is not None:
            written = {who + part: getattr(stamp, name) for part, name in _STAMP_PARTS.items()}
            metadata.update(_present(written) or {f"{who}By": ""})
    return {
        "uid": value.uid,
        "state": str(value.state),
        "hasBeenDeployed": value.has_been_deployed,
        "metadata": metadata,
        "authoringFormatVersion": FORMAT_VERSION,
    }


def _present(texts: Mapping[str, str]) -> dict[str, str]:
    """The texts that say something."""
    return {name: text for name, text in texts.items() if text}


def _foreign(value: object, wanted: str) -> DefinitionError:
    return DefinitionError([Violation("$", f"{wanted} is written here, not {type(value).__name__}")])

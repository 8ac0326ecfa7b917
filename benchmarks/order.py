"""The call that the benchmarks make: 12 fields, 4 of them variable, one variable header, and a path.

Three ways to write it down: for wayhook as an action and a journey; by hand as a tree whose variable leaves are
functions of the event. The benchmarks hold them equal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote

import wayhook as wh

SAMPLE = {
    "type": "order.confirmed",
    "channel": "sms",
    "priority": 3,
    "customer": {
        "id": "c-0",
        "name": "Zoë Dupont",
        "language": "fr-FR",
        "address": {"city": "Saint-Germain-en-Laye", "country": "FR"},
    },
    "order": {
        "total": 99.9,
        "currency": "EUR",
        "note": "Thank you for your order. It leaves our house tomorrow morning; the parcel can be followed online, "
        "and it comes to you before noon.",
    },
    "tags": ["new", "web"],
}
TREE = {
    **SAMPLE,
    "customer": {
        **SAMPLE["customer"],
        "id": lambda event: event["customer"]["id"],
        "name": lambda event: event["customer"]["name"],
    },
    "order": {**SAMPLE["order"], "total": lambda event: event["total"]},
    "tags": lambda event: event["tags"],
}
ANSWER = {"id": "m-1", "accepted": True}


def events(count: int) -> Iterator[dict]:
    """Yield `count` events, each with values of its own; the name needs escapes in JSON, the number in a path."""
    for i in range(count):
        yield {
            "number": f"A {i:07}",
            "campaign": f"c{i % 97}",
            "customer": {"id": f"c-{i}", "name": 'Zoë "Zee" Dupont'},
            "total": i + 0.25,
            "tags": ["new", "web", f"shop-{i % 11}"],
        }


def contexts(count: int) -> Iterator[wh.Context]:
    return (wh.Context({"Order": event}) for event in events(count))


def action(url: str) -> wh.Action:
    return wh.Action(
        name="ConfirmOrder",
        url_configuration=wh.UrlConfiguration(f"{url}/v1/", headers={"X-Campaign": wh.variable("Campaign")}),
        message_parameters=wh.message_parameters(
            SAMPLE,
            variables={"customer.id": "Customer", "customer.name": "Name", "order.total": "Total", "tags": "Tags"},
        ),
        response=wh.payload(ANSWER),
    )


def values(event: dict) -> dict:
    """The variables by name, as `Executor.call` takes them."""
    return {
        "X-Campaign": event["campaign"],
        "customer.id": event["customer"]["id"],
        "customer.name": event["customer"]["name"],
        "order.total": event["total"],
        "tags": event["tags"],
    }


def path(event: dict) -> str:
    return f"orders/{event['number']}"


def journey() -> wh.Journey:
    activity = wh.ActionActivity(
        "ConfirmOrder",
        label="confirm",
        path=wh.expression("'orders/' + @event{Order.number}"),
        headers={"X-Campaign": wh.expression("@event{Order.campaign}")},
        parameters={
            "customer.id": wh.expression("@event{Order.customer.id}"),
            "customer.name": wh.expression("@event{Order.customer.name}"),
            "order.total": wh.expression("@event{Order.total}"),
            "tags": wh.expression("@event{Order.tags}"),
        },
    )
    return wh.Journey("Orders", [activity])


def by_hand(url: str, event: dict) -> tuple[str, dict, bytes]:
    """URL, headers and body of the same call: a recursive copy of the tree and json.dumps; nothing is checked."""
    headers = {"Content-Type": "application/json", "Charset": "UTF-8", "X-Campaign": event["campaign"]}
    return f"{url}/v1/{quote(path(event))}", headers, copied(event)


def copied(event: dict) -> bytes:
    """The payload: a copy of the tree with the values of the event."""
    return json.dumps(_filled(TREE, event), ensure_ascii=False, separators=(",", ":")).encode()


def _filled(node, event: dict):
    if isinstance(node, dict):
        return {name: _filled(below, event) for name, below in node.items()}
    if isinstance(node, list):
        return [_filled(below, event) for below in node]
    return node(event) if callable(node) else node


def loopback() -> wh.Guardrails:
    return wh.Guardrails.standard(network=wh.NetworkPolicy(loopback=True))

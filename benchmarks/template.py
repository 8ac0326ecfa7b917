"""The same call by jinja2, as a careful user writes it."""

from __future__ import annotations

import json

import jinja2

_ENVIRONMENT = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # JSON is not HTML
_TARGET = _ENVIRONMENT.from_string("/v1/orders/{{ number | urlencode }}")
_CAMPAIGN = _ENVIRONMENT.from_string("{{ campaign }}")
_BODY = _ENVIRONMENT.from_string("""{
  "type": "order.confirmed",
  "channel": "sms",
  "priority": 3,
  "customer": {
    "id": {{ customer.id | tojson }},
    "name": {{ customer.name | tojson }},
    "language": "fr-FR",
    "address": {"city": "Saint-Germain-en-Laye", "country": "FR"}
  },
  "order": {
    "total": {{ total | tojson }},
    "currency": "EUR",
    "note": "Thank you for your order. It leaves our house tomorrow morning; the parcel can be followed online, \
and it comes to you before noon."
  },
  "tags": {{ tags | tojson }}
}""")


def by_jinja2(url: str, event: dict) -> tuple[str, dict, bytes]:
    """URL, headers and body: templates compiled once, the body parsed again so that no broken JSON leaves."""
    headers = {"Content-Type": "application/json", "Charset": "UTF-8", "X-Campaign": _CAMPAIGN.render(event)}
    return url + _TARGET.render(event), headers, payload_by_jinja2(event)


def payload_by_jinja2(event: dict) -> bytes:
    """The body alone."""
    return json.dumps(json.loads(_BODY.render(event)), ensure_ascii=False, separators=(",", ":")).encode()

"""Why each switch of the editions stands as it does, most of all where the products contradict themselves. No I/O.

The table behind the page "Editions". Pages are those that `reference/custom-actions.md` names.
"""

from __future__ import annotations

import re

__all__ = ["REASONS"]


def _reasons(text: str) -> dict[str, str]:
    """Paragraphs that begin with the name of a switch and a colon, by that name."""
    found = re.findall(r"^(\w+): (.*(?:\n .*)*)", text, re.MULTILINE)
    return {name: " ".join(reason.split()) for name, reason in found}


REASONS = _reasons("""
methods: The page of Journey Orchestration has POST and PUT; that of Journey Optimizer adds GET and names DELETE as
    unsupported (R59 to R62). One page on personalisation speaks of a GET with a body; the configuration page has no
    payload for GET, and is followed (R63). PATCH and DELETE are ours: REST services need them.
query_parameters: No feature page of Journey Orchestration has them; its release notes of April 2023 announce them,
    and the page was never updated. The edition follows the page (R82); switch it on for the later product.
responses: Announced for Journey Orchestration as a private beta in August 2023, and on no feature page of it
    (R175).
optional_variables: The switch 'Is optional' is documented for Journey Optimizer only; a label '(optional)' is
    visible in one screen of Journey Orchestration, with nothing said about it (R148).
content_type_editable: The page of Journey Orchestration fixes Content-Type, its release notes of February 2024 free
    it for JSON types; Journey Optimizer agrees with the notes. The edition follows the page (R76, R77).
authentications: Both products have none, basic, API key and custom; a certificate is a subtype in the newest page
    of Journey Optimizer, which also answers a service that asks for mutual TLS (R90, R127). A shared connection is
    how an action names one of these. The others are ours.
body_formats: Both products send JSON only (R135). Forms and raw texts are ours, for services that take no JSON.
nested_lists: Journey Orchestration refuses arrays of objects within arrays of objects (R168); Journey Optimizer has
    them at a fixed size, as constants, with the lowest array alone variable (R169).
expiry_in_response: Documented for Journey Optimizer only (R120).
nested_body_params: Flat pairs in Journey Orchestration. The page of Journey Optimizer said that nested ones do not
    arrive, and says since its newest revision that they do; the newest is followed (R125).
name_length: 30 in both products (R2).
timeout_range: One page of Journey Optimizer recommends 1 to 30 seconds, another says that it must be so; it must
    (R203).
default_timeout: Pages and screens of Journey Orchestration say 5 seconds, its release notes of March 2023 say 30,
    and so does Journey Optimizer (R204). The edition follows the page; the standard edition has 5 too, so that a
    slow service is noticed early.
repetition: Journey Orchestration repeats any error (R212), Journey Optimizer all but 401, 403 and 404 (R211, R213),
    both also a POST that may have been done. The standard edition repeats what is safe to repeat.
retry_budget: No page of either product limits the repeats that a destination gets in an outage; the editions of
    the products have none. The standard edition keeps the load of an outage near that of the calls themselves.
breaker: Neither product says that it gives a failing destination time, so their editions do not. The standard
    edition does, so that a dead service costs a caller milliseconds.
destination_pauses: The products say nothing of a Retry-After, so a call obeys it for itself alone in their
    editions. In the standard edition it holds for every call to the destination.
redirects: Journey Optimizer follows a 302 by itself (R87), the pages of Journey Orchestration say nothing. Three in
    a row, and to the same origin only: no page gives a number or allows another host (R88). The standard edition
    follows none, since a redirect is an address that nobody checked.
default_cap: Journey Optimizer caps every host at 300,000 calls a minute, in most places 'per host', in one note
    'per endpoint'; the host is followed (R218). Journey Orchestration has no default (R221).
slow_cap: Journey Optimizer caps hosts that answer in more than 0.75 seconds at 150,000 calls in 30 seconds (R220).
default_connections: Journey Optimizer deploys -1 where a capping sets no limit of connections (R248).
canvas: In both products a journey is drawn and begins with an event (R280). In the standard edition a journey may
    be a plain sequence of actions.
pauses: Journey Optimizer only (R231).
dry_runs: Journey Optimizer only (R230).
select_package: The Select package of Journey Optimizer alone asks for it; so it is off in all editions, for those
    who have it to switch on (R308).
finished_after_days: 30 days after closing in Journey Orchestration, 91 in Journey Optimizer (R293).
live_journeys: 100 in Journey Orchestration, and in older pages of Journey Optimizer, whose newest page says 200 for
    production and 100 for development; the newest is followed, for production (R299).
live_statuses: Journey Orchestration counts live journeys; the newest page of Journey Optimizer counts those that
    are live, closed, paused or in a dry run (R299).
journey_size: Journey Optimizer refuses a payload at its limit, which is 2 MB on one page and 4 MB on another; the
    smaller is followed, since what it accepts, both accept (R307).
""")
"""Switch to reason, in whole sentences. The network and the data policies are no part of an edition."""

"""An experience event into Adobe Experience Platform, with a token for servers (OAuth server-to-server).

    python adobe_io.py [COLLECTION [LOGIN]]

Without an origin the call is shown, and nothing is sent. `https://dcs.adobedc.net https://ims-na1.adobelogin.com` is
Adobe itself; `http://127.0.0.1:5000` is what stands in for both on this machine. ADOBE_CLIENT_ID, ADOBE_CLIENT_SECRET
and ADOBE_ORGANISATION are those of a project in Adobe's developer console; ADOBE_INLET is the id of the inlet.
"""

from __future__ import annotations

import os
import sys

import wayhook as wh

VALUES = {
    "body.xdmEntity._id": "order-7",
    "body.xdmEntity.timestamp": "2030-01-02T03:04:05Z",
    "body.xdmEntity.personID": "lea@example.com",
}


def log_event(
    client_id: str,
    organisation: str,
    *,
    collection: str = "https://dcs.adobedc.net",
    login: str = "https://ims-na1.adobelogin.com",
) -> wh.Action:
    """Describe one event; the path is the id of the inlet."""
    schema = {
        "id": "https://ns.adobe.com/acme/schemas/orders",
        "contentType": "application/vnd.adobe.xed-full+json;version=1.0",
    }
    return wh.Action(
        name="AdobeEvent",
        url_configuration=wh.UrlConfiguration(
            f"{collection}/collection",
            headers={"x-api-key": client_id, "x-gw-ims-org-id": organisation},
            query_parameters={"syncValidation": "true"},
        ),
        authentication=wh.OAuthClientCredentials(
            f"{login}/ims/token/v3",
            client_id,
            wh.secret("env:ADOBE_CLIENT_SECRET"),
            scope="openid,AdobeID,read_organizations",
            client_authentication="body",
        ),
        message_parameters=wh.message_parameters(
            {
                "header": {"schemaRef": schema, "imsOrgId": organisation, "source": {"name": "journeys"}},
                "body": {
                    "xdmMeta": {"schemaRef": schema},
                    "xdmEntity": {"_id": "", "timestamp": "", "personID": "", "eventType": "commerce.purchases"},
                },
            },
            variables={
                "body.xdmEntity._id": "Event id",
                "body.xdmEntity.timestamp": "Time",
                "body.xdmEntity.personID": "Person",
            },
            types={"body.xdmEntity.timestamp": "dateTime"},
        ),
        response=wh.payload({"xactionId": "1:2:3", "syncValidation": {"status": "pass"}}),
        failure_response=wh.payload(
            {"error_code": "401013", "message": "…", "status": 400, "title": "…", "report": {"message": "…"}}
        ),
    )


def main(collection: str = "", login: str = "") -> int:
    """Show the call, or make it; the exit code says whether it was delivered."""
    client_id = os.environ.get("ADOBE_CLIENT_ID", "client-id")
    organisation = os.environ.get("ADOBE_ORGANISATION", "ACME@AdobeOrg")
    inlet = os.environ.get("ADOBE_INLET", "inlet-id")
    if not collection:
        print(wh.preview(log_event(client_id, organisation), VALUES, path=inlet))
        return 0
    guardrails = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback=True))
    action = log_event(client_id, organisation, collection=collection, login=login or collection)
    outcome = wh.call(action, VALUES, path=inlet, guardrails=guardrails)
    print(outcome.status, outcome.response or outcome.cause)
    return 0 if outcome.succeeded else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))

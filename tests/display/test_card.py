"""Cards: what a notebook shows of each kind of value."""

from __future__ import annotations

import re
import timeit
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from gallery import examples
from reading import page

import wayhook as wh
from wayhook.display.call import _FAILURES
from wayhook.display.card import batch_picture
from wayhook.errors import Evidence
from wayhook.execution.batch import Batch
from wayhook.execution.latency import Latencies
from wayhook.execution.retry import evidence_of
from wayhook.testing import FakeClock, FakeSecrets, FakeTransport

SMS_VALUES = {"to": "+336", "text": "Hi", "X-Campaign": "c"}
NOON = datetime(2030, 1, 2, 12, tzinfo=UTC)


def text_of(value: Any) -> str:
    """What a reader reads in the card, with single spaces."""
    return " ".join(page(value).text.split())


async def outcome(action: wh.Action, values: dict[str, Any], *replies: Any, **settings: Any) -> wh.Outcome:
    """The outcome of a call that is answered by a script."""
    clock = FakeClock()
    transport = FakeTransport(replies, clock=clock, seconds=settings.pop("seconds", 0.0))
    secrets = FakeSecrets({"env:SMS_KEY": "s3cr3t-key", "env:KEY": "s3cr3t-key"})
    async with wh.Executor(
        transport=transport, secrets=secrets, clock=clock, random=lambda: 0.5, **settings
    ) as executor:
        return await executor.call(action, values)


@pytest.mark.parametrize("name", list(examples()))
def test_every_card_of_the_gallery_is_harmless(name: str) -> None:
    """Nothing in it runs, is fetched, or has a name that could stand twice."""
    seen = page(examples()[name])

    assert seen.classes("wayhook") == 1
    assert "of-the-gallery" not in examples()[name]._repr_html_()


def test_the_card_of_an_action_shows_all_of_it(send_sms: wh.Action) -> None:
    """What it calls, what is to be filled in, headers and query, authentication, payload and answer."""
    text = text_of(attrs.evolve(send_sms, description="One message", idempotency_header="Idempotency-Key"))

    assert text.startswith("actionPOSTSendSmsOne message")
    assert "URLhttps://sms.example.com/v1/" in text
    assert "idempotency keyIdempotency-Key" in text
    assert "Campaign idheader X-Campaigntextrequired" in text
    assert "Recipientpayload tostringrequired" in text
    assert "header Content-Typeapplication/jsondefault" in text
    assert "query tenantacmeconstant" in text
    assert "kindAPI keyheaderX-Api-Key: ‹env:SMS_KEY›" in text
    assert "to string Recipient" in text
    assert "priority integer 1" in text
    assert "Answerid string such as " in text


def test_an_action_without_an_address_has_a_card_too() -> None:
    """The Campaign Classic type has a payload only."""
    text = text_of(wh.Action(name="A", action_type="campaignClassic", allow_null_values=True, built_in=True))

    assert text == "actionAtypecampaignClassicnullsare sentbuilt inyesAuthenticationkindNo authentication"


def test_the_card_of_an_answer_counts_its_body_and_hides_its_cookies() -> None:
    """What nobody declared may be anybody's data; also behind an outcome, a cookie is a secret."""
    answer = wh.Response(202, (("x-id", "7"), ("set-cookie", "session=s3cr3t")), b'{"who": "Ann"}', "the body was cut")
    behind = wh.Outcome("A", "http_202", received=answer)

    assert text_of(answer) == (
        "response✓2xx202!the body was cutheadervaluex-id7set-cookie‹cookie›The body has 14 bytes; .text has them."
    )
    assert text_of(wh.Response(503)) == "response✗not 2xx503There is no body."
    assert "‹cookie›" in text_of(behind)
    assert "s3cr3t" not in text_of(behind)


def test_the_card_of_an_expression_says_what_it_reads_and_gives() -> None:
    """And warns of what may not be meant."""
    text = text_of(wh.expression("@event{A.b} and @event{A.c} or #{S.d} == now()", dialect="lenient"))

    assert text.startswith("expressiongives boolean@event{A.b} and")
    assert "dialectlenienttimeit reads the current time" in text
    assert "What it readsfromfieldeventA.beventA.cdata sourceS.d" in text
    assert "This may not be meant:line 1, column 13: 'and' binds tighter" in text
    assert text_of(wh.expression("@event{A.b}")).startswith("expressiongives what the data has@event{A.b}dialect")


def test_the_card_of_a_form_has_a_row_for_each_field(send_sms: wh.Action) -> None:
    """The path, headers and payload; the fields of a list's objects below."""
    text = text_of(wh.form(send_sms))
    nested = wh.message_parameters({"l": [{"id": "p"}]}, variables={"l": "Products", "l.id": "Product"})
    listed = text_of(wh.form(attrs.evolve(send_sms, message_parameters=nested)))

    assert text.startswith("formSendSms4 fields; what is not required may stay empty")
    assert "Pathpathtextoptional" in text
    assert "Recipienttotextrequired+33600000000" in text
    assert "Each item of Products" in listed
    assert "Productidtext" in listed


def test_the_card_of_an_import_lists_what_came_and_what_did_not() -> None:
    """With the reference of each secret."""
    lossy = text_of(
        wh.from_curl("curl -k https://h.example/a -H 'X-Api-Key: k-1'", name="A", secrets={"X-Api-Key": "vault:k"})
    )
    whole = text_of(wh.from_curl("curl https://h.example/a", name="A"))

    assert lossy.startswith("import1 actionwhat came<Action A: GET https://h.example/a, 0 variables>")
    assert "X-Api-Keysecret('vault:k')the whole value" in lossy
    assert "What did not comewherewhatwhy$[1]--insecurecertificates" in lossy
    assert whole.endswith("✓Nothing was left out.")
    assert text_of(wh.Imported()) == "importnothing"


@pytest.mark.rule("R134")
@pytest.mark.parametrize(
    ("authentication", "shown"),
    [
        (wh.NoAuthentication(), "No authenticationNothing is added to a call."),
        (wh.BasicAuthentication("joe", wh.secret("env:P")), "BasicheaderAuthorization: Basic joe:‹env:P›"),
        (wh.BearerAuthentication(wh.secret("env:T")), "Bearer tokenheaderAuthorization: Bearer ‹env:T›"),
        (wh.ApiKeyAuthentication("k", wh.secret("env:K"), location="query"), "API keyqueryk: ‹env:K›"),
        (wh.ApiKeyAuthentication("k", wh.secret("env:K"), location="path"), "API keypath…/‹env:K›"),
        (wh.connection("crm"), "Connectionof the connectioncrm"),
        (
            wh.MutualTlsAuthentication("PEM", wh.secret("file:key.pem")),
            "Client certificate (mutual TLS)private key‹file:key.pem›",
        ),
        (
            wh.OAuthClientCredentials("https://l.example/t?key=hidden", "me", wh.secret("env:C"), scope="all"),
            (
                "OAuth client credentialsheaderAuthorization: Bearer ‹token›Asks for a token first"
                "fromPOST https://l.example/tbodyformtoken atjson://access_token"
                "keptas long as json://expires_in of the answer says, in seconds"
                "namevalueheader AuthorizationBasic me:‹env:C›body grant_typeclient_credentialsbody scopeall"
            ),
        ),
        (
            wh.JwtBearerGrant("https://l.example/t", "me@example.com", wh.secret("env:P")),
            "assertionsigned as me@example.com for https://l.example/t",
        ),
        (
            wh.CustomAuthorization(
                "no address at all",
                body_type="json",
                body_params={"client": {"secret": "plain", "id": wh.secret("env:I")}, "scope": "all"},
                cache_duration=wh.CacheDuration(0),
            ),
            'keptnot at allnamevaluebody client{\\n "secret": "***",\\n "id": "***"\\n}body scopeall',
        ),
    ],
    ids=lambda given: given.kind if isinstance(given, wh.Authentication) else "",
)
def test_the_card_of_an_authentication_says_what_is_sent_where(authentication: wh.Authentication, shown: str) -> None:
    """Secrets by their labels; a text that may be a secret, and the query of an endpoint, are not shown."""
    text = text_of(authentication)

    assert text.startswith("authentication")
    assert shown in text
    assert "hidden" not in text
    assert "plain" not in text


def test_the_card_of_a_connection_names_its_hosts() -> None:
    """And what it adds to a call."""
    kept = wh.Connection("crm", wh.BearerAuthentication(wh.secret("env:T")), hosts={"b.example", "a.example"})

    assert text_of(kept) == (
        "connectioncrmfora.example, b.exampleAuthenticationkindBearer tokenheaderAuthorization: Bearer ‹env:T›"
    )
    assert "every host that the guardrails allow" in text_of(wh.Connection("crm"))


def test_the_card_of_message_parameters_is_a_tree(send_sms: wh.Action) -> None:
    """Types, constants, labels, and what is optional, nested; folded where it is large."""
    sample = {"a": {"b": {"c": 1.5}, "d": "x"}, "e": [], "l": [{"id": "p"}]}
    tree = wh.message_parameters(
        sample, variables={"a.d": wh.variable("Dee", optional=True), "l": "Products", "l.id": "Product"}
    )

    text = text_of(tree)

    assert text.startswith("message parameters3 fields")
    assert (
        "a objectb objectc decimal 1.5d string Dee optionale listAny emptyl listObject Productsid string Product"
        in text
    )
    assert page(tree).text == page(wh.Action(name="A", message_parameters=tree).message_parameters).text
    assert text_of(tree[0]).startswith("message parameteraisobjectb object")
    large = wh.message_parameters({f"o{i}": {"p": {"q": 1}} for i in range(20)})
    assert sum(name == "open" for name, _ in page(large).attributes) == 20
    assert sum(name == "open" for name, _ in page(tree).attributes) == 3


def test_the_card_of_very_many_parameters_is_bounded() -> None:
    """It says how many it does not show."""
    tree = wh.message_parameters({f"n{i}": i for i in range(5000)})

    assert "… and 4,700 more" in text_of(tree)
    assert len(tree._repr_html_()) < 100_000


def test_the_card_of_a_variable_is_its_label() -> None:
    """And whether it may stay empty."""
    assert text_of(wh.variable("Recipient")) == "variablerequiredRecipient"
    assert text_of(wh.variable(optional=True)) == "variableoptional(named as its field)"


def test_the_card_of_a_preview_says_where_each_value_comes_from(send_sms: wh.Action) -> None:
    """And shows the payload, laid out, and what would be repeated."""
    text = text_of(wh.preview(send_sms, SMS_VALUES, path="m"))

    assert text.startswith("previewPOSThttps://sms.example.com/v1/m?tenant=acmeof the action SendSms; nothing was sent")
    assert "pathmvariable" in text
    assert "header X-Campaigncvariable Campaign id" in text
    assert "header X-Api-Key‹env:SMS_KEY›secret" in text
    assert 'payload to"+336"variable Recipient' in text
    assert "payload priority1constant" in text
    assert 'Payload, 38 bytes{ "to": "+336", "text": "Hi", "priority": 1 }' in text


def test_the_card_of_a_dry_run_shows_the_calls_of_the_rows(send_sms: wh.Action) -> None:
    """The first ones in full, each beside its row; how many there are, and no secret."""
    rows = [{**SMS_VALUES, "to": f"+{n}"} for n in range(50)]
    text = text_of(wh.map(send_sms, rows, path="m", dry_run=True))
    none = text_of(wh.map(send_sms, [], dry_run=True))

    assert text.startswith("dry run50 callsof the action SendSms; nothing was sent")
    assert '1POST https://sms.example.com/v1/m?tenant=acme{"to":"+1","text":"Hi","priority":1}' in text
    assert '"+19"' in text
    assert '"+20"' not in text
    assert "30 more" in text
    assert none == "dry run0 callsnothing was sent"


def test_a_preview_of_an_activity_shows_its_expressions() -> None:
    """Each with its text, and the default that it took."""
    text = text_of(examples()["preview"])

    assert "pathcustomers/c-17expression 'customers/' + @event{Signup.id}" in text
    assert "defaultValue: 'friend'} + '!' default event Signup.name is absent" in text
    assert "query traceleft outvariable Trace id" in text


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"method": "POST"}, "not repeated a POST has no key, and might be done twice"),
        ({"method": "PUT"}, "repeated a PUT done twice is as good as once"),
        ({"method": "POST", "key": "X-Id"}, "repeated the receiver knows it again by X-Id"),
    ],
)
def test_a_preview_says_what_would_be_repeated(parts: dict[str, str], said: str) -> None:
    """What certainly was not done is; what may have been done is where that does no harm; a refusal never."""
    configuration = wh.UrlConfiguration("https://h.example", method=parts["method"])
    action = wh.Action(name="A", url_configuration=configuration, idempotency_header=parts.get("key"))

    text = text_of(wh.preview(action))

    assert "nothing was doneno connection, 408, 425, 429, 503↻repeated whatever the method" in text
    assert f"it may have been doneconnection lost, 500, 502, 504{'↻' if said[0] == 'r' else '–'}{said}" in text
    assert "it was refused400, 405, 422–not repeated it would fail the same way" in text
    assert text.endswith("At most 4 attempts within 5 s together.")


def test_a_refused_token_is_told_as_what_is_replaced_once() -> None:
    """A 401 is answered with a new token, where the authentication asks for one."""
    action = attrs.evolve(examples()["action"], authentication=examples()["authentication"])

    text = text_of(wh.preview(action, SMS_VALUES))

    assert "it was denied401, 403, 404–not repeated but for a 401, once, with a new token" in text


def test_the_examples_of_failures_are_what_they_are_said_to_be() -> None:
    """Each status is judged by the rules as the class that it stands for."""
    alike = {Evidence.NEVER_SENT: {Evidence.REJECTED_UNREAD}}
    for _, told, evidence, _ in _FAILURES:
        for status in map(int, re.findall(r"\d{3}", told)):
            assert evidence_of(wh.Response(status)) in alike.get(evidence, {evidence})


@pytest.mark.parametrize(
    ("guardrails", "denied"),
    [
        (wh.Guardrails.journey_orchestration(), "↻repeated this edition repeats any failure"),
        (wh.Guardrails.journey_optimizer(), "–not repeated this edition repeats any but 401, 403, 404"),
    ],
)
def test_what_would_be_repeated_is_that_of_the_edition(guardrails: wh.Guardrails, denied: str) -> None:
    """Asked of the rules that repeat."""
    action = wh.Action(name="A", url_configuration=wh.UrlConfiguration("https://h.example"))

    assert f"it was denied401, 403, 404{denied}" in text_of(wh.preview(action, guardrails=guardrails))


async def test_the_card_of_a_call_shows_the_whole_request(send_sms: wh.Action) -> None:
    """Of one that was made: method, URL, headers and payload, secrets as their labels."""
    made = (await outcome(send_sms, SMS_VALUES, wh.Response(200))).call

    text = text_of(made)

    assert text.startswith("callPOSThttps://sms.example.com/v1/?tenant=acmeof the action SendSms")
    assert "X-Campaignc" in text
    assert "X-Api-Key‹env:SMS_KEY›" in text
    assert '"priority": 1' in text
    identified = wh.MutualTlsAuthentication("PEM", wh.secret("env:KEY"))
    certified = wh.Action(
        name="A", url_configuration=wh.UrlConfiguration("https://h.example", method="GET"), authentication=identified
    )
    assert "A client certificate is shown to a receiver that asks for one." in text_of(wh.preview(certified))
    assert "Payload" not in text_of(wh.preview(certified))


async def test_the_card_of_an_outcome_tells_what_was_tried(send_sms: wh.Action) -> None:
    """Its word with a sign, each attempt and wait on a time line, the declared fields of the answer, the request."""
    answer = wh.Response(200, (("x-id", "7"),), b'{"id": "m<1>", "queued": "yes", "more": 1}')
    ended = await outcome(send_sms, SMS_VALUES, wh.Response(429), answer, seconds=0.2)

    seen, text = page(ended), text_of(ended)

    assert text.startswith("outcome✓deliveredhttp_200SendSms2 attempts in 550 ms, of 5 s at most")
    assert "1 ↻429 rejected unread200 mswait150 ms2 ✓200 delivered200 ms0 s550 ms" in text
    assert seen.tags.count("rect") == 2
    assert seen.tags.count("line") == 1
    assert f"delivery id{ended.delivery_id}" in text
    assert 'Answer{ "id": "m<1>", "queued": null }' in text
    assert "what could not be read" in text
    assert "Headers of the 200headervaluex-id7" in text
    assert "What was sentrequestPOST https://sms.example.com/v1/?tenant=acme" in text
    assert "s3cr3t-key" not in ended._repr_html_()


@pytest.mark.parametrize(
    ("reply", "word"),
    [
        (wh.Response(200), "✓deliveredhttp_200"),
        (wh.Response(200, (), b"", "the body was cut"), "✓delivered, unreadhttp_200"),
        (wh.Response(404), "✗rejectedhttp_404"),
        (wh.TransportError("no route", wh.Evidence.NEVER_SENT), "↻unavailableinternalError"),
        (wh.TransportError("cut", wh.Evidence.AMBIGUOUS), "?unknowninternalError"),
    ],
)
async def test_each_word_of_delivery_has_a_sign_of_its_own(send_sms: wh.Action, reply: Any, word: str) -> None:
    """What happened is told by a sign and a word, not by a colour alone."""
    text = text_of(await outcome(send_sms, SMS_VALUES, reply))

    assert text.startswith(f"outcome{word}SendSms")


async def test_a_deadline_that_is_near_stands_in_the_time_line(send_sms: wh.Action) -> None:
    """Where the end is a quarter of the way at least, the deadline closes the picture."""
    near = await outcome(send_sms, SMS_VALUES, wh.Response(200), seconds=2.0)
    late = await outcome(send_sms, SMS_VALUES, wh.Response(200), seconds=7.0)

    assert "0 sdeadline at 5 s" in text_of(near)
    assert page(near).classes("wh-deadline") == 1
    assert text_of(late).startswith("outcome?unknowntimedoutSendSms1 attempt in 5 s, of 5 s at most")


async def test_the_card_of_a_failure_tells_why(send_sms: wh.Action) -> None:
    """A call that was never rendered shows every fault; an undeclared answer is not poured out."""
    unrendered = await outcome(send_sms, {**SMS_VALUES, "to": 7, "<script>": 1})
    undeclared = await outcome(send_sms, SMS_VALUES, wh.Response(400, (), b"<script>secret page</script>"))
    refused = await outcome(send_sms, SMS_VALUES, wh.TransportError("<no> route", wh.Evidence.NEVER_SENT))

    assert "⊘refusedinternalError" in text_of(unrendered)
    assert "✗error$.parameters.toit takes a string, not intR160" in text_of(unrendered)
    assert "28 bytes, of which nothing is declared or could be read." in text_of(undeclared)
    assert "secret page" not in text_of(undeclared)
    assert "!ConnectionFailed: <no> route" in text_of(refused)


async def test_the_card_of_an_outcome_in_a_journey_says_where_it_goes_on() -> None:
    """The journey, the path, what was queued, when it ended, and when the other side will be ready."""
    given = wh.Outcome(
        "A", "http_503", journey="J", label="day1", index=1234, queued=2.5, finished=NOON, alternative_path=True,
        delivery=wh.Delivery.UNAVAILABLE, not_before=NOON, timeout=5, elapsed=1.0,
    )  # fmt: skip

    text = text_of(given)

    assert "0 attempts in 1 s, of 7.5 s at most" in text
    assert "journeyJ, day1goes onalternative pathplace in the batch1,234" in text
    assert "not before2030-01-02 12:00:00 UTCqueued2.5 sended2030-01-02 12:00:00 UTC" in text
    assert "goes onnot at all: the journey ends" in text_of(attrs.evolve(given, alternative_path=False))
    assert text_of(attrs.evolve(given, status="held")).startswith("outcome–not madeheldA")


async def test_the_card_of_an_attempt_says_what_it_proves(send_sms: wh.Action) -> None:
    """And when it was made, and that a shortage was our own."""
    ended = await outcome(send_sms, SMS_VALUES, wh.Response(503), wh.Response(200), seconds=0.1)
    short = attrs.evolve(ended.attempts[0], local=True)

    assert text_of(ended.attempts[1]).startswith("attempt✓deliveredattempt 2after 250 ms, for 100 ms")
    assert "it provesrejected unread" in text_of(ended.attempts[0])
    assert "of this side, which says nothing of the destination" in text_of(short)


def test_a_journey_shows_its_versions_and_activities() -> None:
    """A row for each version, the latest first, and each activity with what it uses, gives and falls back to."""
    text = text_of(examples()["journey"])

    assert text.startswith("journeyLiveversion 2WelcomeGreets everybody who signs uptimeout5 s")
    assert "2Live2030-02-01 12:00:00 UTC1Closed2030-01-02 12:00:00 UTC2030-02-01 12:00:00 UTC" in text
    assert "5 activitiesSignup eventday1 action SendSms alternative pathpath expression 'customers/'" in text
    assert 'X-Campaign header literal "welcome"' in text
    assert "A week waitbonus action AddPointspoints payload literal 50Done end" in text


def test_a_drawn_journey_shows_where_its_activities_lead() -> None:
    """What follows, the conditions, and the first activity of the alternative path."""
    journey = wh.Journey(
        "J",
        [
            wh.Activity("condition", label="c", conditions={"a": wh.expression("@event{S.x} == 1")}, next=["e"]),
            wh.ActionActivity("A", label="a", alternative_path=True, on_error="e", next=["e"], description="why"),
            wh.Activity("end", label="e"),
        ],
        pause_mode="discard",
        reentrance=False,
    )

    text = text_of(journey)

    assert "enters againnopausediscards at actions while it is paused" in text
    assert "c condition then ea expression @event{S.x} == 1a action A alternative path, to e then e" in text
    assert text_of(journey.activities[0]) == "activityconditioncthenegoes on withwherea@event{S.x} == 1"
    assert text_of(journey.activities[1]) == "activityactionA-awhyactionAalternative pathethene"


def test_an_activity_shows_what_it_gives() -> None:
    """Each value with its place, a literal apart from an expression, and where the objects of a list keep a field."""
    activity = wh.ActionActivity(
        "A",
        label="a",
        path="p",
        query_parameters={"q": 1},
        parameters={"l": wh.expression("@event{S.l}")},
        fields={"l.id": "key"},
        additional_marketing_action="emailTargeting",
    )

    text = text_of(activity)

    assert "marketing actionemailTargeting" in text
    assert 'wherevaluefrompath"p"literalquery q1literalpayload l@event{S.l}expression' in text
    assert "fieldkept asl.idkey" in text


def test_limits_show_what_they_count_and_what_is_enforced() -> None:
    """A rule in words; a configuration with its state, and the older rule that is still deployed."""
    capping, throttling = examples()["capping"], examples()["throttling"]

    assert text_of(throttling).startswith("throttlingdeployedqueues what is abovesmsURLhttps://sms.example.com/v1/*")
    assert "calls500 in a secondmethodsPOST" in text_of(throttling)
    assert "last deployed2030-01-02T12:00:00Z by Ann" in text_of(throttling)
    assert "calls of actions2,000 calls in 1 min, 100 connections at most" in text_of(capping)
    assert "!Another rule is enforced until this one is deployed:The deployed rule" in text_of(capping)
    assert "1,000 calls in 1 min" in text_of(capping)
    assert text_of(capping.rule).startswith("capping rulerefuses what is abovehttps://crm.example.com/*")
    assert text_of(throttling.rule).startswith("throttling rulequeues what is above")
    assert text_of(wh.Rating(1, 500, -1)) == "rating1 call in 500 ms"


def test_broken_rules_show_themselves_as_a_table() -> None:
    """One violation, the answer of a check, and a definition that was refused: where, what, and which rule."""
    found, refused = examples()["check"], examples()["violations"]

    assert text_of(found).startswith("check✗broken3 violationswherewhat is wrongrule✗error$.namethe name holds a space")
    assert text_of(refused).startswith("DefinitionError✗broken3 violations")
    assert text_of(refused.violations) == text_of(refused).replace("DefinitionError", "check", 1)
    assert text_of(wh.violations(wh.UrlConfiguration("https://h.example"))) == "check✓keptno rule is broken"
    warning = wh.Violation("$.a", "look", "R246", "ERR_1", warning=True)
    assert text_of(warning) == "check✓kept1 violationwherewhat is wrongrule!warning$.alookERR_1 R246"
    assert text_of(wh.CanDeploy((), (warning,))).startswith("check✓okcan be deployedwherewhat is wrongrule!warning")
    assert text_of(wh.CanDeploy((warning,))).startswith("check✗errorcannot be deployed")


async def test_errors_show_themselves(send_sms: wh.Action) -> None:
    """An expression with its carets, another error with its sentence, and with the outcome that it tells of."""
    with pytest.raises(wh.ExpressionError) as wrong:
        wh.expression("1 +")
    ended = await outcome(send_sms, SMS_VALUES, wh.Response(404))
    with pytest.raises(wh.Rejected) as rejected:
        ended.raise_for_error()

    assert text_of(wrong.value).startswith("ExpressionError✗error1 problem in an expressionline 1, column 4:")
    assert text_of(rejected.value).startswith("Rejected✗errorSendSms http_404 after 1 attempt")
    assert "The outcomeoutcome✗rejected" in text_of(rejected.value)
    assert text_of(wh.NotFound("action", "X")).startswith("NotFound✗errorThere is no action named 'X'")


async def test_what_a_repository_keeps_shows_itself(send_sms: wh.Action) -> None:
    """A page has a row for each record, and says that more follow; a record shows its version and its value."""
    repository = wh.MemoryRepository()
    journey = wh.Journey("J", [wh.ActionActivity("SendSms", label="a")])
    await repository.save(send_sms, journey, examples()["connection"], examples()["throttling"], examples()["capping"])

    shown = [text_of(await repository.list(kind)) for kind in (wh.Action, wh.Journey, wh.Connection)]
    limits = [text_of(await repository.list(kind)) for kind in (wh.CappingConfiguration, wh.ThrottlingConfiguration)]

    assert shown[0] == ("page1 recordnamekindwhatversionSendSmsactionPOST https://sms.example.com/v1/, 3 variables1")
    assert "JjourneyDraft, 1 activity1" in shown[1]
    assert "crmconnection<Connection crm: " in shown[2]
    assert "crmcappingupdated, https://crm.example.com/*1" in limits[0]
    assert "smsthrottlingdeployed, 500 in a second to https://sms.example.com/v1/*1" in limits[1]
    stored = await repository.get(wh.Action, "SendSms")
    assert text_of(stored).startswith("recordversion 1SendSmssaved20")
    assert f"uid{stored.uid}actionPOSTSendSms" in text_of(stored)
    await repository.save(attrs.evolve(send_sms, description="Another"), by="Ann <b>")
    changed, created = await repository.history(wh.Action, "SendSms")
    assert text_of(changed).startswith("historychangedversion 2SendSmssaved")
    assert "byAnn <b>uid" in text_of(changed)
    assert text_of(created).startswith("historycreatedversion 1SendSms")
    await repository.save(wh.Action(name="Z", action_type="campaignClassic"))
    first = text_of(await repository.list(wh.Action, limit=1))
    assert first.endswith("More follow: list them with the cursor of this page.")
    assert "Zaction0 variables1" in text_of(await repository.list(wh.Action))
    assert text_of(wh.Page((), None)) == "page0 records"


def test_the_card_of_a_batch_is_a_picture_of_its_outcomes() -> None:
    """Tally and shares, a histogram of what they took, and what stands out in it."""
    text, seen = text_of(examples()["batch"]), page(examples()["batch"])

    assert text.startswith("batch✓1,156 succeeded✗44 failed1,200 outcomes1,200 contexts pulled from the source")
    assert "✓http_2021,15696.3%✗http_400302.5%✗http_404141.2%" in text
    assert re.search(r"half within 25.1 ms95 % within \d+ ms99 % within \d+ msall within \d+ ms$", text)
    assert seen.tags.count("svg") == 2


def test_the_picture_of_a_batch_that_has_not_begun_is_empty() -> None:
    """No bar is drawn where nothing was counted."""
    batch = Batch(lambda _: None, [], 1)  # type: ignore[arg-type, return-value]  # it is never entered

    assert text_of(batch) == "batch0 outcomes0 contexts pulled from the source"


def test_the_picture_says_how_far_it_is() -> None:
    """With a total there is a bar of progress; statuses that were left out on purpose have a sign of their own."""
    picture = batch_picture({"http_200": 2, "held": 1}, Latencies([0.1, 0.1, 0.2]), 3, 10)

    assert text_of(picture).startswith("batch✓2 succeeded–1 not made3 of 10 outcomes")
    assert ("aria-label", "3 of 10") in page(picture).attributes
    assert text_of(batch_picture({}, Latencies(), 0, 10)) == "batch0 of 10 outcomesHow they ended"


def test_the_picture_of_many_statuses_and_wide_latencies_is_bounded() -> None:
    """The rare statuses stand together, and bars side by side become one."""
    tally = {f"http_{400 + i}": 100 - i for i in range(50)}
    picture = batch_picture(tally, Latencies(10.0 ** (i / 10 - 5) for i in range(90)), 90)

    assert "38 other statuses" in text_of(picture)
    assert page(picture).tags.count("rect") <= 13 + 41


def test_counting_for_the_picture_costs_next_to_nothing() -> None:
    """A microsecond for an outcome at most, in the best of many rounds; a tenth of that is usual."""
    latencies = Latencies()

    assert min(timeit.repeat(lambda: latencies.add(0.0123), number=1000, repeat=50)) < 1e-3


def test_a_value_without_a_card_shows_its_repr() -> None:
    """Whatever it is, it is escaped."""
    from wayhook.display.card import card

    assert text_of(card("<b>")) == "str'<b>'"


def test_every_card_is_as_wide_as_its_page_and_takes_its_colours() -> None:
    """Text has the colour of the page; no picture has a width of its own."""
    seen = page(examples()["outcome"])

    assert not re.search(r"[^-]color: (?!inherit)", seen.style)
    assert {value for name, value in seen.attributes if name == "style"} == {"width:100%;height:18px"}

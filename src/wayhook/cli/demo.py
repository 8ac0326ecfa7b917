"""The demo: every part of wayhook at work on a real socket, with numbers counted by the service."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from urllib.parse import parse_qs, quote

import attrs
from tqdm import tqdm

from wayhook.errors import SecretMissing
from wayhook.execution.executor import Executor
from wayhook.execution.opening import open_repository
from wayhook.execution.ports import Repository
from wayhook.expression.context import Context
from wayhook.expression.expression import expression
from wayhook.formats.curl import to_curl
from wayhook.model.action import Action, UrlConfiguration
from wayhook.model.authentication import (
    ApiKeyAuthentication,
    Authentication,
    BasicAuthentication,
    NoAuthentication,
)
from wayhook.model.authorization import CustomAuthorization
from wayhook.model.guardrail import Guardrails, NetworkPolicy
from wayhook.model.journey import ActionActivity, Journey
from wayhook.model.parameter import message_parameters, payload, variable
from wayhook.model.token import CacheDuration, TimeUnit
from wayhook.model.url import read_url
from wayhook.secret import SecretReference, secret
from wayhook.testing.service import Answer, LoopbackService, Received
from wayhook.wire import Outcome

__all__ = ["demo"]

# The demo's service and its callers share these; outside of a demo they stand in the environment.
SECRETS = {
    "env:DEMO_KEY": "key-for-the-demo",
    "env:DEMO_PASSWORD": "password-for-the-demo",
    "env:DEMO_CLIENT": "client-for-the-demo",
}
TOKEN = "token-for-the-demo"  # noqa: S105 - issued and checked by the demo's own service


class DemoSecrets:
    """The secrets of the demo."""

    async def reveal(self, reference: SecretReference) -> str:
        """Return the secret's text."""
        if reference.source not in SECRETS:
            raise SecretMissing(f"the secret {reference.source} is not one of the demo's")
        return SECRETS[reference.source]


@attrs.define
class Ledger:
    """What the demo's service received and how it answered: the source of every number that is printed."""

    requests: Counter[str] = attrs.Factory(Counter)
    answers: Counter[tuple[str, int]] = attrs.Factory(Counter)
    customers: Counter[str] = attrs.Factory(Counter)
    arrivals: list[float] = attrs.Factory(list)

    @property
    def total(self) -> int:
        """The requests received so far."""
        return self.requests.total()

    def respond(self, request: Received) -> Answer:
        """Answer as a messaging service would: checks credentials, is busy once, fails twice."""
        place = request.path.split("/")[1]
        self.requests[place] += 1
        answer = self._answer(place, request)
        self.answers[place, answer.status] += 1
        if place == "loyalty" and answer.status == 200:  # noqa: PLR2004
            self.customers[request.json()["customer"]] += 1
            self.arrivals.append(request.at)
        return answer

    def _answer(self, place: str, request: Received) -> Answer:
        if place == "token":
            known = parse_qs(request.body.decode()).get("client_secret") == [SECRETS["env:DEMO_CLIENT"]]
            return Answer(200, {"access_token": TOKEN, "expires_in": 3600}) if known else Answer(401)
        if not _is_authorized(place, request):
            return Answer(401, {"error": "not authorized"})
        if place == "sms" and self.requests[place] == 1:
            return Answer(429, {"error": "busy"}, {"Retry-After": "1"})
        if place == "loyalty" and self.requests[place] <= 2:  # noqa: PLR2004 - it fails twice before it works
            return Answer(503, {"error": "starting"})
        return Answer(200, {"id": f"{place}-{self.requests[place]}", "accepted": True})


def _is_authorized(place: str, request: Received) -> bool:
    match place:
        case "sms":
            return request.headers.get("x-api-key") == SECRETS["env:DEMO_KEY"]
        case "push":
            return parse_qs(request.target.partition("?")[2]).get("key") == [SECRETS["env:DEMO_KEY"]]
        case "crm":
            pair = f"demo:{SECRETS['env:DEMO_PASSWORD']}".encode()
            return request.headers.get("authorization") == f"Basic {b64encode(pair).decode()}"
        case "loyalty":
            return request.headers.get("authorization") == f"Bearer {TOKEN}"
        case _:
            return True


def actions(url: str) -> tuple[Action, ...]:
    """An action of each authentication kind, all of them calling the service at `url`."""
    token = CustomAuthorization(
        f"{url}/token",
        body_type="form",
        body_params={"grant_type": "client_credentials", "client_secret": secret("env:DEMO_CLIENT")},
        cache_duration=CacheDuration(1, TimeUnit.HOURS),
    )
    return (
        _action("WriteAudit", f"{url}/audit/", NoAuthentication()),
        _action("SendSms", f"{url}/sms/", ApiKeyAuthentication("X-Api-Key", secret("env:DEMO_KEY"))),
        _action("SendPush", f"{url}/push/", ApiKeyAuthentication("key", secret("env:DEMO_KEY"), location="query")),
        _action("UpdateCrm", f"{url}/crm/", BasicAuthentication("demo", secret("env:DEMO_PASSWORD"))),
        _action("AddPoints", f"{url}/loyalty/", token),
    )


def _action(name: str, url: str, authentication: Authentication) -> Action:
    return Action(
        name=name,
        url_configuration=UrlConfiguration(url, headers={"X-Campaign": variable("Campaign id")}),
        authentication=authentication,
        message_parameters=message_parameters(
            {"customer": "c-1", "text": "Hello", "points": 10, "source": "demo"},
            variables={"customer": "Customer", "text": "Message", "points": "Points"},
        ),
        response=payload({"id": "m-1", "accepted": True}),
    )


def journey(of: tuple[Action, ...]) -> Journey:
    """A journey with one activity for each action, labelled with the action's name in lower case."""
    activities = [
        ActionActivity(
            action.name,
            label=action.name.lower(),
            path=expression("'customers/' + @event{Signup.customer}"),
            headers={"X-Campaign": "welcome"},
            parameters={
                "customer": expression("@event{Signup.customer}"),
                "text": expression("'Welcome, ' + @event{Signup.name, defaultValue: 'dear customer'} + '!'"),
                "points": expression("@event{Signup.points}"),
            },
        )
        for action in of
    ]
    return Journey("Welcome", activities, timeout=10)


def contexts(count: int) -> Iterator[Context]:
    """As many sign-ups."""
    for number in range(count):
        yield Context({"Signup": {"customer": f"c-{number}", "name": f"Ann {number}", "points": number % 50}})


async def demo(*, url: str | None = None, keep: Path | None = None, contexts: int = 1000) -> bool:
    """Run the demo and print what happened; whether all was delivered.

    `url`: a service of the user's own, in place of the built-in one. `keep`: the file for the database.
    """
    with ExitStack() as stack:
        ledger = None
        if url is None:
            ledger = Ledger()
            url = stack.enter_context(LoopbackService(ledger.respond)).url
            print(f"A service of the demo listens at {url}.")
        file = keep or Path(stack.enter_context(TemporaryDirectory())) / "actions.db"
        guardrails = Guardrails.standard(network=_policy(url))
        async with (
            open_repository(f"sqlite:///{quote(str(file))}", guardrails=guardrails) as repository,
            Executor(repository, guardrails=guardrails, secrets=DemoSecrets()) as executor,
        ):
            return await _scenes(executor, repository, url.rstrip("/"), ledger, contexts)


def _policy(url: str) -> NetworkPolicy:
    """The user names the service, so its host and port may be called."""
    found, _ = read_url(url)
    return NetworkPolicy(loopback=True, hosts={f"{found.host}:{found.port}"} if found else set())


async def _scenes(executor: Executor, repository: Repository, url: str, ledger: Ledger | None, count: int) -> bool:
    defined = actions(url)
    welcome = journey(defined)
    for action in defined:
        await repository.save(action)
    await repository.save(welcome)
    print(f"Saved {len(defined)} actions, one of each authentication kind, and the journey {welcome.name}.\n")

    first = next(contexts(1))
    call = await executor.preview("Welcome", "sendsms", first)
    print(f"What one call will be (nothing is sent yet):\n\n{call}\n\n{to_curl(call)}\n")

    print("One call of each:")
    outcomes = []
    for activity in welcome.action_activities[:-1]:
        received = ledger.total if ledger else 0
        outcomes.append(await executor.execute("Welcome", activity.label, first))
        counted = f", {ledger.total - received} received" if ledger else ""
        print(f"  {activity.action}: {outcomes[-1].status}{counted}")

    started = perf_counter()
    outcomes += await _batch(executor, ledger, count)
    if ledger is None:
        _report_answers(outcomes, perf_counter() - started)
    else:
        _report_ledger(ledger, count)
    return all(outcome.succeeded for outcome in outcomes)


async def _batch(executor: Executor, ledger: Ledger | None, count: int) -> list[Outcome]:
    """The bar counts customers that the service served, or the outcomes where the service is the user's own."""
    print(f"\nA batch of {count:,} contexts:")
    outcomes = []
    async with executor.batch("Welcome", "addpoints", contexts(count)) as batch:
        with tqdm(total=count, unit=" calls") as bar:
            async for outcome in batch:
                outcomes.append(outcome)
                bar.update((len(ledger.customers) if ledger else len(outcomes)) - bar.n)
    return outcomes


def _report_answers(outcomes: list[Outcome], seconds: float) -> None:
    delivered = sum(outcome.succeeded for outcome in outcomes)
    retries = sum(outcome.retries for outcome in outcomes)
    print(f"\nYour service answered {delivered:,} of {len(outcomes):,} calls with success, after {retries:,} retries.")
    for outcome in [outcome for outcome in outcomes if not outcome.succeeded][:5]:
        print(f"  {outcome}")
    print(f"The batch took {seconds:.2f} s.")


def _report_ledger(ledger: Ledger, count: int) -> None:
    print("\nWhat the service received:")
    print(f"  {'endpoint':<10}{'requests':>10}{'delivered':>11}{'retried':>9}")
    for place, requests in ledger.requests.items():
        delivered = ledger.answers[place, 200]
        print(f"  {place:<10}{requests:>10,}{delivered:>11,}{requests - delivered:>9,}")
    twice = sum(times > 1 for times in ledger.customers.values())
    print(f"Of {count:,} customers {len(ledger.customers):,} got their points, {twice:,} of them twice.")
    seconds = max(ledger.arrivals) - min(ledger.arrivals)
    print(f"Their points arrived within {seconds:.2f} s.")

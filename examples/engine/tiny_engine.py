"""A tiny engine: takes sign-ups from a queue, walks each person through a journey, and follows alternative paths.

    python tiny_engine.py

It shows how an asyncio program embeds Wayhook: a SQLite repository opened once, one executor for all workers,
answers of earlier actions handed to later ones, and a choice of what to do when a call fails. A service on this
machine stands in for two real ones.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

import wayhook as wh
from wayhook.testing import Answer, LoopbackService, Received

WORKERS = 4
PEOPLE = [{"id": f"p-{number}", "phone": f"+336000000{number:02}"} for number in range(20)]


def actions(url: str) -> tuple[wh.Action, ...]:
    """What the engine may call: one service scores a person, the other one sends a text."""
    score = wh.Action(
        name="GetScore",
        url_configuration=wh.UrlConfiguration(f"{url}/scores/", method="GET"),
        response=wh.payload({"score": 7}),
    )
    send = wh.Action(
        name="SendSms",
        url_configuration=wh.UrlConfiguration(f"{url}/messages/"),
        message_parameters=wh.message_parameters(
            {"to": "+33600000000", "text": "Hello"}, variables={"to": "Recipient", "text": "Message"}
        ),
    )
    return score, send


JOURNEY = wh.Journey(
    "Welcome",
    [
        wh.ActionActivity("GetScore", label="score", path=wh.expression("@event{Signup.id}"), alternative_path=True),
        wh.ActionActivity(
            "SendSms",
            label="welcome",
            parameters={
                "to": wh.expression("@event{Signup.phone}"),
                "text": wh.expression("""
                    'Your score: ' + if (@action{GetScore.score} is null)
                        then ('none yet')
                        else (toString(@action{GetScore.score}))
                """),
            },
        ),
    ],
    timeout=5,
)


@attrs.frozen
class Engine:
    """Walks people through a journey, activity by activity."""

    executor: wh.Executor
    journey: wh.Journey
    ended: Counter[str] = attrs.Factory(Counter[str])

    async def walk(self, person: Mapping[str, Any]) -> None:
        """Take one person through the journey; an error ends it, unless the activity has an alternative path."""
        context = wh.Context({"Signup": person})
        for activity in self.journey.action_activities:
            outcome = await self.executor.execute(self.journey, activity.label, context)
            if outcome.succeeded and outcome.response is not None:
                answers = {**context.actions, activity.action: outcome.response}
                context = attrs.evolve(context, actions=answers)
            elif outcome.path == "end":
                self.ended[f"stopped at {activity.label}: {outcome.status}"] += 1
                return
        self.ended["finished"] += 1

    async def work(self, queue: asyncio.Queue[Mapping[str, Any]]) -> None:
        """Walk everybody in the queue."""
        while not queue.empty():
            await self.walk(queue.get_nowait())


async def run(url: str, file: Path) -> Counter[str]:
    """Keep the definitions, start the workers, and return how the journeys ended."""
    guardrails = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback=True))
    queue: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
    for person in PEOPLE:
        queue.put_nowait(person)
    async with wh.SqliteRepository(file, guardrails=guardrails) as repository:
        for action in actions(url):
            await repository.save(action)
        await repository.save(JOURNEY)
        async with wh.Executor(repository, guardrails=guardrails) as executor, asyncio.TaskGroup() as group:
            engine = Engine(executor, JOURNEY)
            for _ in range(WORKERS):
                group.create_task(engine.work(queue))
    return engine.ended


def _respond(request: Received) -> Answer:
    """Know the score of half of the people; deliver every message but one."""
    if request.path.startswith("/scores/"):
        number = int(request.path.rpartition("-")[2])
        return Answer(404) if number % 2 else Answer(200, {"score": number})
    return Answer(422) if request.json()["to"].endswith("13") else Answer(202)


def main() -> None:
    """Run the engine against a service on this machine and print what came of it."""
    with LoopbackService(_respond) as service, tempfile.TemporaryDirectory() as folder:
        ended = asyncio.run(run(service.url, Path(folder) / "actions.db"))
        texts = [request.json()["text"] for request in service.received if request.path == "/messages/"]
    for how, count in sorted(ended.items()):
        print(f"{count:>3} {how}")
    print(f"{texts.count('Your score: none yet'):>3} messages without a score")


if __name__ == "__main__":
    main()

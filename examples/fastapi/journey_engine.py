"""A journey engine behind HTTP: definitions and events come in, and each person walks through a journey.

    uvicorn journey_engine:app

`ENGINE_REPOSITORY` is the URL of what is kept, `sqlite:///engine.db` unless given. `ENGINE_LOOPBACK=1` lets actions
call this machine, for a try.
"""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse

import wayhook as wh

GUARDRAILS = wh.Guardrails.standard(network=wh.NetworkPolicy(loopback="ENGINE_LOOPBACK" in os.environ))


@asynccontextmanager
async def opened(app: FastAPI) -> AsyncGenerator[None]:
    """Open what all requests share; on the way out, let those who walk arrive."""
    url = os.environ.get("ENGINE_REPOSITORY", "sqlite:///engine.db")
    async with (
        wh.open_repository(url, guardrails=GUARDRAILS) as app.state.repository,
        wh.Executor(app.state.repository, guardrails=GUARDRAILS, events=[wh.LogSink()]) as app.state.executor,
        asyncio.TaskGroup() as app.state.walks,
    ):
        app.state.seen = {}
        yield


app = FastAPI(title="Journey engine", lifespan=opened)


@app.exception_handler(wh.WayhookError)
async def refused(_: Request, error: wh.WayhookError) -> JSONResponse:
    """What is wrong with a definition is told to whoever sent it, all at once."""
    faults = [{"path": fault.path, "message": fault.message} for fault in getattr(error, "violations", ())]
    return JSONResponse({"error": str(error), "faults": faults}, 404 if isinstance(error, wh.NotFound) else 422)


@app.put("/definitions")
async def define(request: Request) -> dict[str, int]:
    """Keep an action, a connection or a journey: a document of Wayhook's."""
    return {"version": await app.state.repository.save(wh.loads((await request.body()).decode()))}


@app.post("/journeys/{journey}/people/{person}", status_code=202)
async def enter(journey: str, person: str, events: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Let a person enter a journey, with the events that its expressions read."""
    found = (await app.state.repository.get(wh.Journey, journey)).value.current
    seen: list[dict[str, Any]] = []
    app.state.seen[journey, person] = seen
    app.state.walks.create_task(walk(found, wh.Context(events), seen))
    return {"status": "entered"}


@app.get("/journeys/{journey}/people/{person}")
async def look(journey: str, person: str) -> list[dict[str, Any]]:
    """Return what happened to a person so far."""
    if (journey, person) not in app.state.seen:
        raise HTTPException(404, "nobody of this name has entered")
    return app.state.seen[journey, person]


async def walk(journey: wh.Journey, context: wh.Context, seen: list[dict[str, Any]]) -> None:
    """Execute the activities in order; answers are in the context for those that follow."""
    try:
        for activity in journey.action_activities:
            outcome = await app.state.executor.execute(journey, activity.label, context)
            seen.append({"activity": activity.label, "status": outcome.status, "answer": outcome.response})
            if outcome.path == "end":
                return
    except wh.WayhookError as error:  # such as an action that is not there: it ends this walk, and no other
        seen.append({"error": str(error)})

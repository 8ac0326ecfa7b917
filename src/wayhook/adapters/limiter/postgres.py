"""Limits in PostgreSQL; needs the extra `postgres`.

Four tables and a few functions, whose names end with the version of their form, are made when they are not there. A
function is a call's one step: it locks the rows of its bounds, in order of their names, and looks and acts behind that.
Times are microseconds on the clock of the server. What is kept is worth nothing after a crash of the server, so the
tables are not logged, and no call waits for a disk.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wayhook.adapters.limiter.absence import WhenAway
from wayhook.adapters.limiter.postgres_connection import Form, PostgresConnection
from wayhook.adapters.limiter.postgres_standing import PostgresBook
from wayhook.adapters.limiter.shared import GRACE, LEASE, Answer, Bound, SharedLimiter, Verdict
from wayhook.execution.coverage import LimitRule
from wayhook.execution.ports import Clock
from wayhook.model.record import require_namespace

__all__ = ["PostgresLimiter"]

_MICROSECONDS = 1_000_000

_FORM = Form(
    "SELECT to_regproc('wayhook_limit_tidy_1') IS NOT NULL",
    """
CREATE UNLOGGED TABLE IF NOT EXISTS wayhook_limit_1 (
    name text PRIMARY KEY, went bigint NOT NULL DEFAULT 0, idle_from bigint NOT NULL
) WITH (fillfactor = 50);
CREATE UNLOGGED TABLE IF NOT EXISTS wayhook_limit_call_1 (
    name text, number bigint, at bigint NOT NULL, PRIMARY KEY (name, number)
);
CREATE UNLOGGED TABLE IF NOT EXISTS wayhook_limit_ticket_1 (
    name text, ticket text, arrival bigint NOT NULL, ends bigint NOT NULL, holds boolean NOT NULL,
    PRIMARY KEY (name, ticket)
);
CREATE UNLOGGED TABLE IF NOT EXISTS wayhook_limit_lease_1 (
    name text, ticket text, ends bigint NOT NULL, PRIMARY KEY (name, ticket)
);

CREATE OR REPLACE FUNCTION wayhook_limit_now_1() RETURNS bigint LANGUAGE sql AS $$
    SELECT floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint
$$;

-- the moment when there is a place behind `rank` others; now, when there is one
CREATE OR REPLACE FUNCTION wayhook_limit_opens_1(bound text, most bigint, period bigint, rank bigint, moment bigint)
RETURNS bigint LANGUAGE sql AS $$
    SELECT greatest(coalesce((
        SELECT at FROM wayhook_limit_call_1
        WHERE name = bound
          AND number = (SELECT went FROM wayhook_limit_1 WHERE name = bound) - most + rank % most
    ), 0), moment - period) + period * (1 + rank / most)
$$;

CREATE OR REPLACE FUNCTION wayhook_limit_ask_1(
    names text[], counts bigint[], periods bigint[], connections bigint[], queues boolean[],
    mine text, INOUT came bigint, lease bigint, grace bigint, OUT verdict integer, OUT delay bigint
) LANGUAGE plpgsql AS $$
DECLARE
    moment bigint;
    opening bigint;
    rank bigint;
    stuck bigint := -1;
    is_throttled boolean := true = ANY (queues);
    goes boolean;
BEGIN
    INSERT INTO wayhook_limit_1 (name, idle_from)
        SELECT new, wayhook_limit_now_1() FROM unnest(names) AS new
        WHERE NOT EXISTS (SELECT FROM wayhook_limit_1 WHERE name = new) ORDER BY new
        ON CONFLICT DO NOTHING;
    PERFORM FROM wayhook_limit_1 WHERE name = ANY (names) ORDER BY name FOR UPDATE;
    moment := wayhook_limit_now_1();
    IF came = 0 OR came > moment THEN came := moment; END IF;
    opening := moment;

    -- where the clock was set back, what went later than now went now, and nobody waits for the time to come again
    IF EXISTS (
        SELECT FROM wayhook_limit_1 AS bound JOIN wayhook_limit_call_1 AS call
            ON call.name = bound.name AND call.number = bound.went - 1
        WHERE bound.name = ANY (names) AND call.at > moment
    ) THEN
        UPDATE wayhook_limit_call_1 SET at = moment WHERE name = ANY (names) AND at > moment;
    END IF;
    DELETE FROM wayhook_limit_ticket_1
        WHERE name = ANY (names) AND (ends <= moment OR ends > moment + 60000000) AND ticket <> mine;
    FOR i IN 1 .. cardinality(names) LOOP
        IF connections[i] > 0 THEN
            DELETE FROM wayhook_limit_lease_1 WHERE name = names[i] AND ends <= moment;
            UPDATE wayhook_limit_lease_1 SET ends = moment + lease WHERE name = names[i] AND ends > moment + lease;
            rank := (SELECT count(*) FROM wayhook_limit_ticket_1 WHERE name = names[i] AND arrival < came);
            IF (SELECT count(*) FROM wayhook_limit_lease_1 WHERE name = names[i]) + rank >= connections[i] THEN
                stuck := greatest(stuck, rank);
            END IF;
        END IF;
        IF queues[i] THEN
            rank := (SELECT count(*) FROM wayhook_limit_ticket_1 WHERE name = names[i] AND holds AND arrival < came);
            opening := greatest(opening, wayhook_limit_opens_1(names[i], counts[i], periods[i], rank, moment));
        END IF;
    END LOOP;
    goes := stuck < 0 AND opening = moment;

    IF goes OR NOT is_throttled THEN
        FOR i IN 1 .. cardinality(names) LOOP
            CONTINUE WHEN queues[i];
            -- a cap holds places for all who wait for a connection; who is one of them has his own
            IF EXISTS (SELECT FROM wayhook_limit_ticket_1 WHERE name = names[i] AND ticket = mine AND holds) THEN
                rank := (SELECT count(*) FROM wayhook_limit_ticket_1
                         WHERE name = names[i] AND holds AND arrival < came);
            ELSE
                rank := (SELECT count(*) FROM wayhook_limit_ticket_1 WHERE name = names[i] AND holds);
            END IF;
            IF wayhook_limit_opens_1(names[i], counts[i], periods[i], rank, moment) > moment THEN
                DELETE FROM wayhook_limit_ticket_1 WHERE name = ANY (names) AND ticket = mine;
                verdict := -1; delay := 0;
                RETURN;
            END IF;
        END LOOP;
    END IF;

    IF goes THEN
        DELETE FROM wayhook_limit_ticket_1 WHERE name = ANY (names) AND ticket = mine;
        FOR i IN 1 .. cardinality(names) LOOP
            UPDATE wayhook_limit_1 SET went = went + 1, idle_from = moment + periods[i]
                WHERE name = names[i] RETURNING went - 1 INTO rank;
            INSERT INTO wayhook_limit_call_1 VALUES (names[i], rank, moment);
            IF rank % 100 = 0 THEN
                DELETE FROM wayhook_limit_call_1 WHERE name = names[i] AND number <= rank - counts[i];
            END IF;
            IF connections[i] > 0 THEN
                INSERT INTO wayhook_limit_lease_1 VALUES (names[i], mine, moment + lease)
                    ON CONFLICT (name, ticket) DO UPDATE SET ends = excluded.ends;  -- of who asked twice
            END IF;
        END LOOP;
        verdict := 1; delay := 0;
        RETURN;
    END IF;

    delay := opening - moment;
    IF stuck >= 0 THEN
        delay := least(20000 * (1 + stuck), 1000000);
    ELSIF delay > 1000000 THEN
        delay := least(delay / 2, 30000000);
    END IF;
    FOR i IN 1 .. cardinality(names) LOOP
        INSERT INTO wayhook_limit_ticket_1 VALUES (
            names[i], mine, came, moment + delay + grace,
            CASE WHEN queues[i] THEN stuck < 0 ELSE NOT is_throttled END
        ) ON CONFLICT (name, ticket) DO UPDATE SET ends = excluded.ends, holds = excluded.holds;
    END LOOP;
    verdict := 0;
END
$$;

CREATE OR REPLACE FUNCTION wayhook_limit_forget_1(names text[], mine text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM wayhook_limit_1 WHERE name = ANY (names) ORDER BY name FOR UPDATE;
    DELETE FROM wayhook_limit_ticket_1 WHERE name = ANY (names) AND ticket = mine;
    DELETE FROM wayhook_limit_lease_1 WHERE name = ANY (names) AND ticket = mine;
END
$$;

CREATE OR REPLACE FUNCTION wayhook_limit_renew_1(names text[], tickets text[], lease bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM wayhook_limit_1 WHERE name = ANY (names) ORDER BY name FOR UPDATE;
    INSERT INTO wayhook_limit_lease_1
        SELECT one.name, one.ticket, wayhook_limit_now_1() + lease FROM unnest(names, tickets) AS one (name, ticket)
        ON CONFLICT (name, ticket) DO UPDATE SET ends = excluded.ends;
END
$$;

-- what was kept of rules that nobody was held by for a day
CREATE OR REPLACE FUNCTION wayhook_limit_tidy_1() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    idle text[] := ARRAY (
        SELECT name FROM wayhook_limit_1 WHERE idle_from < wayhook_limit_now_1() - 86400000000 FOR UPDATE SKIP LOCKED
    );
BEGIN
    DELETE FROM wayhook_limit_call_1 WHERE name = ANY (idle);
    DELETE FROM wayhook_limit_ticket_1 WHERE name = ANY (idle);
    DELETE FROM wayhook_limit_lease_1 WHERE name = ANY (idle);
    DELETE FROM wayhook_limit_1 WHERE name = ANY (idle);
END
$$;
""",
)

_ASK = "SELECT verdict, came, delay FROM wayhook_limit_ask_1($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_FORGET = "SELECT wayhook_limit_forget_1($1, $2)"
_RENEW = "SELECT wayhook_limit_renew_1($1, $2, $3)"
_TIDY = "SELECT wayhook_limit_tidy_1()"


class PostgresLimiter(SharedLimiter):
    """Enforces capping and throttling rules over all processes and machines that use the same database.

    An async context manager; see `RuleLimiter` for what is promised. `url`: such as
    `postgresql://user:password@host:5432/database`. The first one to enter makes tables and functions in the first
    schema of the search path, which begin with `wayhook_limit_`; so it needs the right to, and later ones do not.
    `rules`: those that are always enforced, beside what an executor is told is deployed. `namespace`: limits in one are
    apart from those in another.

    `when_away`, `processes`, `standings`: as for `RedisLimiter`; the database is away where it does not answer within a
    second. After a crash of the server its windows are empty.

    A window is exact by the clock of the server. `clock`: for tests. Raises `DefinitionError` for a rule that nothing
    can be held by, `MissingExtra` without the library, and on entering, unless limits are shared then,
    `StoreUnavailable`.
    """

    def __init__(
        self,
        url: str,
        rules: Iterable[LimitRule] = (),
        *,
        namespace: str = "default",
        when_away: WhenAway = "refuse",
        processes: int | None = None,
        standings: bool = True,
        clock: Clock | None = None,
    ) -> None:
        connection, name = PostgresConnection(url, "limits"), require_namespace(namespace)
        super().__init__(
            _PostgresLedger(connection, name), rules, when_away=when_away, processes=processes, clock=clock
        )
        if standings:
            self.standings = PostgresBook(connection, name, when_away, processes)

    def __repr__(self) -> str:
        return f"<PostgresLimiter {self._ledger!r}>"


class _PostgresLedger:
    """What is kept in PostgreSQL, each step in one statement."""

    def __init__(self, connection: PostgresConnection, namespace: str) -> None:
        self._connection, self._namespace = connection, namespace

    def __repr__(self) -> str:
        return f"{self._connection.place}, namespace {self._namespace}"

    async def open(self) -> None:
        """Connect, and make what is not there."""
        self._connection.open()
        await self._run(_TIDY)

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()

    async def ask(self, bounds: tuple[Bound, ...], ticket: str, arrival: int) -> Answer:
        """Take a place in each bound, or none; see `Ledger.ask`."""
        connections = [bound.connections for bound in bounds]
        return await self._asked(bounds, connections, ticket, arrival)

    async def spend(self, bounds: tuple[Bound, ...]) -> bool:
        """Take a place in each bound, or none; see `Ledger.spend`."""
        return (await self._asked(bounds, [0] * len(bounds), "", 0)).verdict is Verdict.GOES

    async def _asked(self, bounds: tuple[Bound, ...], connections: list[int], ticket: str, arrival: int) -> Answer:
        [(verdict, arrival, delay)] = await self._run(
            _ASK,
            self._names(bounds),
            [bound.count for bound in bounds],
            [bound.period for bound in bounds],
            connections,
            [bound.queues for bound in bounds],
            ticket,
            arrival,
            int(LEASE * _MICROSECONDS),
            int(GRACE * _MICROSECONDS),
        )
        return Answer(Verdict(verdict), arrival, delay / _MICROSECONDS)

    async def forget(self, bounds: tuple[Bound, ...], ticket: str) -> None:
        """Take a ticket away; see `Ledger.forget`."""
        await self._run(_FORGET, self._names(bounds), ticket)

    async def renew(self, leases: list[tuple[str, str]]) -> None:
        """Let leases last; see `Ledger.renew`."""
        names = [f"{self._namespace}/{name}" for name, _ in leases]
        await self._run(_RENEW, names, [ticket for _, ticket in leases], int(LEASE * _MICROSECONDS))

    def _names(self, bounds: tuple[Bound, ...]) -> list[str]:
        return [f"{self._namespace}/{bound.name}" for bound in bounds]

    async def _run(self, statement: str, *settings: Any) -> list[Any]:
        return await self._connection.rows(_FORM, statement, *settings)

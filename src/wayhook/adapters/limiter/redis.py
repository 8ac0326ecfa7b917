"""Limits in Redis; needs the extra `redis`.

Of a bound, whose name is a key with the namespace in braces, so that all of a namespace is in one slot of a cluster:
a list of the moments when calls went, the newest last; `:held`, tickets that have a place coming in the rate, by their
arrival; `:line`, tickets that wait for a connection, by their arrival; `:until`, tickets by when they are thrown away;
`:leases`, attempts under way by when their leases end. Times are microseconds on the clock of the server. Every key
expires by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from wayhook.adapters.limiter.absence import WhenAway
from wayhook.adapters.limiter.redis_connection import RedisConnection, require_prefix
from wayhook.adapters.limiter.redis_standing import RedisBook
from wayhook.adapters.limiter.shared import GRACE, LEASE, Answer, Bound, SharedLimiter, Verdict
from wayhook.execution.coverage import LimitRule
from wayhook.execution.ports import Clock
from wayhook.model.record import require_namespace

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.commands.core import AsyncScript

__all__ = ["RedisLimiter"]

_MICROSECONDS = 1_000_000

_ASK = """
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local ticket, arrival, lease, grace = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if arrival == 0 or arrival > now then arrival = now end

local function whole(number) return string.format('%.0f', number) end
local function ahead(line) return redis.call('ZCOUNT', line, '-inf', '(' .. whole(arrival)) end

local function throw_away(key, gone)
  redis.call('ZREM', key .. ':held', gone)
  redis.call('ZREM', key .. ':line', gone)
  redis.call('ZREM', key .. ':until', gone)
end

-- where the clock was set back, what went later than now went now, and nobody waits for the time to come again
local function believe(key, period)
  local at = -1
  local went = redis.call('LINDEX', key, at)
  while went and tonumber(went) > now do
    redis.call('LSET', key, at, whole(now))
    at = at - 1
    went = redis.call('LINDEX', key, at)
  end
  if at < -1 then redis.call('PEXPIRE', key, whole(math.ceil(period / 1000))) end
  for _, gone in ipairs(redis.call('ZRANGEBYSCORE', key .. ':until', whole(now + 60000000), '+inf')) do
    if gone ~= ticket then throw_away(key, gone) end
  end
end

-- the moment when there is a place behind `rank` others; now, when there is one
local function opens(bound, rank)
  local first = redis.call('LLEN', bound.key) - bound.count + rank % bound.count
  local went = first >= 0 and tonumber(redis.call('LINDEX', bound.key, first)) or 0
  return math.max(went, now - bound.period) + bound.period * (1 + math.floor(rank / bound.count))
end

-- a cap holds places for all who wait for a connection; who is one of them has his own
local function is_full(bound)
  local held = bound.key .. ':held'
  local rank = redis.call('ZSCORE', held, ticket) and ahead(held) or redis.call('ZCARD', held)
  return opens(bound, rank) > now
end

local bounds, is_throttled = {}, false
for i, key in ipairs(KEYS) do
  local at = 4 * i
  local bound = {
    key = key, count = tonumber(ARGV[at + 1]), period = tonumber(ARGV[at + 2]),
    connections = tonumber(ARGV[at + 3]), queues = ARGV[at + 4] == '1'
  }
  bounds[i], is_throttled = bound, is_throttled or bound.queues
  believe(key, bound.period)
  for _, gone in ipairs(redis.call('ZRANGEBYSCORE', key .. ':until', '-inf', whole(now))) do
    if gone ~= ticket then throw_away(key, gone) end
  end
end

local stuck, opening = -1, now
for _, bound in ipairs(bounds) do
  if bound.connections > 0 then
    redis.call('ZREMRANGEBYSCORE', bound.key .. ':leases', '-inf', whole(now))
    for _, late in ipairs(redis.call('ZRANGEBYSCORE', bound.key .. ':leases', '(' .. whole(now + lease), '+inf')) do
      redis.call('ZADD', bound.key .. ':leases', whole(now + lease), late)
    end
    local rank = ahead(bound.key .. ':line')
    if redis.call('ZCARD', bound.key .. ':leases') + rank >= bound.connections then stuck = math.max(stuck, rank) end
  end
  if bound.queues then opening = math.max(opening, opens(bound, ahead(bound.key .. ':held'))) end
end
local goes = stuck < 0 and opening == now

if goes or not is_throttled then
  for _, bound in ipairs(bounds) do
    if not bound.queues and is_full(bound) then
      for _, other in ipairs(bounds) do throw_away(other.key, ticket) end
      return {-1, arrival, 0}
    end
  end
end

if goes then
  for _, bound in ipairs(bounds) do
    throw_away(bound.key, ticket)
    redis.call('RPUSH', bound.key, whole(now))
    redis.call('LTRIM', bound.key, -bound.count, -1)
    redis.call('PEXPIRE', bound.key, whole(math.ceil(bound.period / 1000)))
    if bound.connections > 0 then
      redis.call('ZADD', bound.key .. ':leases', whole(now + lease), ticket)
      redis.call('PEXPIRE', bound.key .. ':leases', whole(lease / 1000))
    end
  end
  return {1, arrival, 0}
end

local delay = opening - now
if stuck >= 0 then
  delay = math.min(20000 * (1 + stuck), 1000000)
elseif delay > 1000000 then
  delay = math.min(delay / 2, 30000000)
end
local longest = whole((delay + grace) / 1000 + 60000)
for _, bound in ipairs(bounds) do
  if bound.queues and stuck >= 0 then
    redis.call('ZREM', bound.key .. ':held', ticket)
  elseif bound.queues or not is_throttled then
    redis.call('ZADD', bound.key .. ':held', whole(arrival), ticket)
    redis.call('PEXPIRE', bound.key .. ':held', longest)
  end
  if bound.connections > 0 then
    redis.call('ZADD', bound.key .. ':line', whole(arrival), ticket)
    redis.call('PEXPIRE', bound.key .. ':line', longest)
  end
  redis.call('ZADD', bound.key .. ':until', whole(now + delay + grace), ticket)
  redis.call('PEXPIRE', bound.key .. ':until', longest)
end
return {0, arrival, delay}
"""

_FORGET = """
for _, key in ipairs(KEYS) do
  for _, part in ipairs({':held', ':line', ':until', ':leases'}) do redis.call('ZREM', key .. part, ARGV[1]) end
end
"""

_RENEW = """
local now = redis.call('TIME')
local ends = string.format('%.0f', now[1] * 1000000 + now[2] + ARGV[1])
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key .. ':leases', ends, ARGV[i + 1])
  redis.call('PEXPIRE', key .. ':leases', string.format('%.0f', ARGV[1] / 1000))
end
"""


class RedisLimiter(SharedLimiter):
    """Enforces capping and throttling rules over all processes and machines that use the same Redis.

    An async context manager; see `RuleLimiter` for what is promised. `where`: such as
    `redis://user:password@host:6379/0`, `rediss://…` with TLS, or a `redis.asyncio.Redis` of the host's, which stays
    open. `rules`: those that are always enforced, beside what an executor is told is deployed. `namespace`: limits in
    one are apart from those in another. `prefix`: of its keys.

    `when_away`: what becomes of calls while Redis does not answer within a second. With `"refuse"` they end as
    `internalError` with `LimitsUnavailable`, and are not sent. With `"share"` each process enforces its share by
    itself, the rate divided by `processes`, 1 to 10,000; a rate too low for that is refused. Either is told in the log,
    once. `standings`: whether an executor shares pauses, breakers and the budget of repeats through it as well, as
    `RedisStandings` does, in the same namespace and with the same `when_away` and `processes`.

    A window is exact by the clock of the Redis server, and outlives it as far as that is told to keep it on disk.
    `clock`: for tests. Raises `DefinitionError` for a rule that nothing can be held by,
    `MissingExtra` without the library, and on entering, unless limits are shared then, `StoreUnavailable`.
    """

    def __init__(
        self,
        where: str | Redis,
        rules: Iterable[LimitRule] = (),
        *,
        namespace: str = "default",
        prefix: str = "wayhook",
        when_away: WhenAway = "refuse",
        processes: int | None = None,
        standings: bool = True,
        clock: Clock | None = None,
    ) -> None:
        connection, prefix, name = (
            RedisConnection(where, "limits"),
            require_prefix(prefix),
            require_namespace(namespace),
        )
        ledger = _RedisLedger(connection, f"{require_prefix(prefix)}:{{limits:{name}}}:")
        super().__init__(ledger, rules, when_away=when_away, processes=processes, clock=clock)
        if standings:
            self.standings = RedisBook(connection, prefix, name, when_away, processes)

    def __repr__(self) -> str:
        return f"<RedisLimiter {self._ledger!r}>"


class _RedisLedger:
    """What is kept in Redis, each step in one script. `prefix`: of its keys."""

    def __init__(self, connection: RedisConnection, prefix: str) -> None:
        self._connection, self._prefix = connection, prefix
        self._ask, self._forget, self._renew = map(connection.client.register_script, (_ASK, _FORGET, _RENEW))

    def __repr__(self) -> str:
        return self._connection.place

    async def open(self) -> None:
        """See whether Redis answers."""
        self._connection.open()
        await self._run(self._forget, [], [""])

    async def close(self) -> None:
        """Close the connections, if they are ours."""
        await self._connection.close()

    async def ask(self, bounds: tuple[Bound, ...], ticket: str, arrival: int) -> Answer:
        """Take a place in each bound, or none; see `Ledger.ask`."""
        settings = [ticket, arrival, int(LEASE * _MICROSECONDS), int(GRACE * _MICROSECONDS)]
        for bound in bounds:
            settings += (bound.count, bound.period, bound.connections, int(bound.queues))
        verdict, arrival, delay = await self._run(self._ask, self._keys(bounds), settings)
        return Answer(Verdict(verdict), arrival, delay / _MICROSECONDS)

    async def spend(self, bounds: tuple[Bound, ...]) -> bool:
        """Take a place in each bound, or none; see `Ledger.spend`."""
        settings: list[str | int] = ["", 0, 0, 0]
        for bound in bounds:
            settings += (bound.count, bound.period, 0, 0)
        verdict, _, _ = await self._run(self._ask, self._keys(bounds), settings)
        return Verdict(verdict) is Verdict.GOES

    async def forget(self, bounds: tuple[Bound, ...], ticket: str) -> None:
        """Take a ticket away; see `Ledger.forget`."""
        await self._run(self._forget, self._keys(bounds), [ticket])

    async def renew(self, leases: list[tuple[str, str]]) -> None:
        """Let leases last; see `Ledger.renew`."""
        keys = [self._prefix + name for name, _ in leases]
        await self._run(self._renew, keys, [int(LEASE * _MICROSECONDS), *(ticket for _, ticket in leases)])

    def _keys(self, bounds: tuple[Bound, ...]) -> list[str]:
        return [self._prefix + bound.name for bound in bounds]

    async def _run(self, script: AsyncScript, keys: list[str], settings: list[Any]) -> Any:
        return await self._connection.done(script(keys, settings))

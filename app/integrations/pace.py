"""One pace for all processes that speak with a vendor by one key: so many requests a second.

Turns are handed out by Redis, by its clock and in order, each to be taken when its instant has
come; a turn nobody takes is lost, which does no harm. Sends need not queue behind reads, which may
have only a part of each second. While Redis is away each process goes slowly by itself.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from redis import Redis
from redis.exceptions import RedisError

from app.integrations.http import Lane, VendorBusy

log = structlog.get_logger(__name__)

# A twentieth more than a second, for requests that leave in time may still arrive in a bunch.
PERIOD_US = 1_050_000
ALONE_GAP_S = 1.0
# How long nobody asks a Redis that did not answer.
AWAY_S = 5.0
LONGEST_WAIT_S: dict[Lane, float] = {"send": 5.0, "read": 30.0}
# KEYS: turns, their number, hold. ARGV: lane, limit of all, limit of reads, period, longest wait
# (µs), now (µs; empty: the server's). Returns the wait in µs, or -1 - wait when it is too long.
TURN = """
local lane, most, most_reads = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local period, longest = tonumber(ARGV[4]), tonumber(ARGV[5])
local clock = redis.call('time')
local now = tonumber(ARGV[6]) or clock[1] * 1000000 + clock[2]
redis.call('zremrangebyscore', KEYS[1], '-inf', now - period)
local taken = redis.call('zrange', KEYS[1], 0, -1, 'withscores')
local all, mine, reads = {}, now, {}
for i = 1, #taken, 2 do
  local at = tonumber(taken[i + 1])
  all[#all + 1] = at
  if string.sub(taken[i], 1, 4) == 'read' then reads[#reads + 1] = at end
  if string.sub(taken[i], 1, 4) == lane and at > mine then mine = at end
end
local held = tonumber(redis.call('get', KEYS[3]) or 0)
if held > mine then mine = held end
-- In no period that holds `at` may there be more than the limit, this one included.
local function fits(times, limit, at)
  local window = {}
  for _, other in ipairs(times) do
    if other > at - period and other < at + period then window[#window + 1] = other end
  end
  window[#window + 1] = at
  table.sort(window)
  for i = 1, #window - limit do
    if window[i + limit] - window[i] < period then return false end
  end
  return true
end
local candidates = {mine}
for _, other in ipairs(all) do
  if other + period > mine then candidates[#candidates + 1] = other + period end
end
table.sort(candidates)
for _, at in ipairs(candidates) do
  if fits(all, most, at) and (lane ~= 'read' or fits(reads, most_reads, at)) then
    if at - now > longest then return -1 - (at - now) end
    local number = redis.call('incr', KEYS[2])
    redis.call('zadd', KEYS[1], at, lane .. number)
    redis.call('expire', KEYS[1], 60)
    redis.call('expire', KEYS[2], 60)
    return at - now
  end
end
"""
HOLD = """
local clock = redis.call('time')
local until_us = clock[1] * 1000000 + clock[2] + tonumber(ARGV[1])
if until_us > tonumber(redis.call('get', KEYS[1]) or 0) then
  redis.call('set', KEYS[1], string.format('%.0f', until_us), 'px', math.ceil(ARGV[1] / 1000) + 1)
end
"""


@dataclass(slots=True)
class Pace:
    """`key` is what the vendor counts by: its name in Redis is only a hash of it."""

    redis: Redis
    vendor: str
    key: str
    per_second: int = 10
    reads_per_second: int = 7
    clock: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _away_until_s: float = 0.0
    _next_alone_s: float = 0.0

    def turn(self, lane: Lane, operation: str = "turn") -> None:
        """Returns when it is this call's turn. Raises VendorBusy when that is too far away."""
        wait_s = self._asked(lane)
        if wait_s is None:
            wait_s = self._alone(lane)
        if wait_s < 0:
            raise VendorBusy(self.vendor, operation, -wait_s, "no_turn")
        if wait_s:
            self.wait(wait_s)

    def hold(self, seconds: float) -> None:
        """The vendor asked for a pause: nobody gets a turn before it is over."""
        try:
            self.redis.eval(HOLD, 1, self._name("hold"), str(round(seconds * 1e6)))
        except RedisError as error:
            log.warning("pace_not_held", vendor=self.vendor, error=type(error).__name__)

    def reserve(self, lane: Lane, now_us: int | None = None) -> float:
        """Seconds until the turn it has now; negative: so far away that none was given.

        `now_us` stands for the clock of Redis. Raises RedisError.
        """
        names = [self._name(part) for part in ("turns", "number", "hold")]
        given = "" if now_us is None else str(now_us)
        limits = (self.per_second, self.reads_per_second, PERIOD_US)
        longest_us = round(LONGEST_WAIT_S[lane] * 1e6)
        arguments = [lane, *map(str, limits), str(longest_us), given]
        found: int = self.redis.eval(TURN, 3, *names, *arguments)
        return found / 1e6 if found >= 0 else (found + 1) / 1e6

    def _asked(self, lane: Lane) -> float | None:
        """None while Redis is away."""
        if self.clock() < self._away_until_s:
            return None
        try:
            return self.reserve(lane)
        except RedisError as error:
            self._away_until_s = self.clock() + AWAY_S
            log.warning("pace_alone", vendor=self.vendor, error=type(error).__name__, for_s=AWAY_S)
            return None

    def _alone(self, lane: Lane) -> float:
        with self._lock:
            now_s = self.clock()
            at_s = max(now_s, self._next_alone_s)
            if at_s - now_s > LONGEST_WAIT_S[lane]:
                return now_s - at_s
            self._next_alone_s = at_s + ALONE_GAP_S
            return at_s - now_s

    def _name(self, part: str) -> str:
        known_by = hashlib.sha256(self.key.encode()).hexdigest()[:16]
        return f"crm:pace:{self.vendor}:{known_by}:{part}"

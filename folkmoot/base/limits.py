"""How often somebody may do something: the one table of limits, by route family, counted in memory per process.

Fixed windows: cheap, and what clients are told (limit, remaining, reset) is exact. Addresses count as /64 in IPv6.
Limits that must hold across processes and restarts (log-in, sign-up, mail) are counted in PostgreSQL instead: see
`network/sessions/limits.py`.
"""

import ipaddress
from datetime import UTC, datetime
from typing import NamedTuple

from folkmoot.base import clock


class Limit(NamedTuple):
    """`times` per `seconds`."""

    times: int
    seconds: int


# Mastodon's documented numbers, so that clients behave as they are used to.
TABLE = {
    "account": Limit(1500, 300),
    "token": Limit(300, 300),
    "address": Limit(300, 300),
    "post": Limit(300, 3 * 3600),
    "media": Limit(30, 1800),
    "delete": Limit(30, 1800),
    "follow": Limit(400, 86400),
    "sign_up": Limit(5, 1800),
    "app": Limit(30, 1800),
    "search": Limit(60, 300),
    "report": Limit(30, 3600),
}


class Allowance(NamedTuple):
    """What is left of a limit. `remaining` below zero: refused."""

    limit: int
    remaining: int
    reset: int  # seconds since 1970

    @property
    def is_spent(self) -> bool:
        return self.remaining < 0

    @property
    def reset_at(self) -> datetime:
        return datetime.fromtimestamp(self.reset, UTC)


class Limits:
    """The counters of one process."""

    def __init__(self, multiplier: float = 1.0) -> None:
        self._table = {name: Limit(max(1, round(limit.times * multiplier)), limit.seconds) for name, limit in TABLE.items()}
        self._counts: dict[tuple[str, object], list[int]] = {}

    def spend(self, name: str, key: object) -> Allowance:
        """Counts one use by `key`."""
        times, seconds = self._table[name]
        moment = int(clock.now().timestamp())
        slot = self._counts.get((name, key))
        if slot is None or slot[1] <= moment:
            if len(self._counts) > 50_000:
                self._forget(moment)
            slot = self._counts[name, key] = [0, (moment // seconds + 1) * seconds]
        slot[0] += 1
        return Allowance(times, times - slot[0], slot[1])

    def _forget(self, moment: int) -> None:
        self._counts = {key: slot for key, slot in self._counts.items() if slot[1] > moment}


def address_key(address: str) -> str:
    """What an address counts as: a whole /64 in IPv6, which one person usually has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address

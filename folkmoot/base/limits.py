"""Rate limits: the table of all limits, and the counters of those that are counted per machine.

Limits that protect people (log-in, sign-up, mail, reports) are exact: `network/sessions/limits.py` counts them in
PostgreSQL, for all machines and across restarts. The others are counted in a file that the processes of one machine share
(`base/windows.py`), so each machine allows the full limit. Fixed windows are cheap, and the values that clients see
(limit, remaining, reset) are exact. IPv6 addresses are counted per /64.
"""

import ipaddress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from folkmoot.base import clock
from folkmoot.base.windows import Counters, WindowTable


class Limit(NamedTuple):
    """`times` per `seconds`, at most a day. `is_exact`: counted in PostgreSQL."""

    times: int
    seconds: int
    is_exact: bool = False


_MOST_PLANS = 20_000
# The documented numbers of Mastodon where they exist, because clients are written for them.
TABLE = {
    "account": Limit(1500, 300),
    "token": Limit(300, 300),
    "address": Limit(300, 300),
    "post": Limit(300, 3 * 3600),
    "media": Limit(30, 1800),
    "delete": Limit(30, 1800),
    "follow": Limit(400, 86400),
    "app": Limit(30, 1800),
    "search": Limit(60, 300),
    "translate": Limit(60, 300),
    "report": Limit(30, 3600, is_exact=True),
    "notice": Limit(10, 3600, is_exact=True),  # without an account, by address
    "notice_alarm": Limit(4, 3600, is_exact=True),  # mails to the operators, of each kind, whoever causes them
    "hiding_alarm": Limit(1, 86400, is_exact=True),  # mails to the moderators, about one author
    "sign_up": Limit(5, 1800, is_exact=True),  # by address
    "log_in_by_address": Limit(25, 300, is_exact=True),
    "log_in_by_pair": Limit(25, 3600, is_exact=True),  # of one account, by one address or one known browser
    "log_in_by_account": Limit(100, 86400, is_exact=True),  # from all addresses, without known browsers
    "password": Limit(25, 3600, is_exact=True),  # asked for again by a page of the member
    "mail_by_address": Limit(25, 86400, is_exact=True),
    "mail_by_pair": Limit(3, 86400, is_exact=True),  # to one mailbox, asked for by one address or one account
    "mail_to_mailbox": Limit(12, 86400, is_exact=True),  # asked for by all
    "leave": Limit(5, 86400, is_exact=True),  # hiding an account and showing it again counts all of its posts
}


def limit_of(name: str, multiplier: float) -> Limit:
    """A row of the table, multiplied by the setting and rounded down; at least one."""
    limit = TABLE[name]
    return limit._replace(times=max(1, int(limit.times * multiplier + 0.001)))


class Allowance(NamedTuple):
    """What is left of a limit. A negative `remaining` means refused."""

    limit: int
    remaining: int
    reset: int  # seconds since 1970

    @property
    def is_spent(self) -> bool:
        return self.remaining < 0

    @property
    def reset_at(self) -> datetime:
        return datetime.fromtimestamp(self.reset, UTC)

    @property
    def retry_after(self) -> int:
        """Seconds until the window ends."""
        return max(1, self.reset - int(clock.now().timestamp()))


class Limits:
    """The counters per machine. Without a file, they count for one process only."""

    def __init__(self, multiplier: float = 1.0, file: Path | None = None, key: bytes = b"") -> None:
        self._limits = {name: limit_of(name, multiplier) for name, limit in TABLE.items() if not limit.is_exact}
        self._table = WindowTable(file, key)
        self._plans: dict[tuple[object, tuple[tuple[str, object], ...]], tuple[list[int], Counters]] = {}

    def spend(self, name: str, key: object) -> Allowance:
        """Counts one use by `key`."""
        return self.spend_all(key, ((name, key),))[0]

    def spend_all(self, owner: object, uses: tuple[tuple[str, object], ...]) -> list[Allowance]:
        """Counts several uses at once, each (name, key), all of one owner: an account or an address."""
        plan = self._plans.get((owner, uses))
        if plan is None:
            plan = self._plan(owner, uses)
        times, counters = plan
        counted = self._table.count(counters, int(clock.now().timestamp()))
        return [Allowance(most, most - count, end) for most, (count, end) in zip(times, counted, strict=True)]

    def _plan(self, owner: object, uses: tuple[tuple[str, object], ...]) -> tuple[list[int], Counters]:
        """The allowed times of each use, and its counters: looked up once for a caller, because it happens at each request."""
        if len(self._plans) >= _MOST_PLANS:
            self._plans.clear()
        limits = [self._limits[name] for name, _ in uses]
        counters = self._table.locate(owner, [(use, limit.seconds) for use, limit in zip(uses, limits, strict=True)])
        plan = self._plans[owner, uses] = [limit.times for limit in limits], counters
        return plan


@lru_cache(maxsize=10_000)
def address_key(address: str) -> str:
    """The key under which an address is counted: in IPv6 its /64, which one person usually has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address

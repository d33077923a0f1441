"""Generates ids: 63 bits, ordered by time, and not a sequence, so that nobody can enumerate or count records.

41 bits of milliseconds since 2006-01-01 (lasts to 2075), 12 bits of the owner's shard, 10 random bits. An account
gets a random shard once, and all its records carry it. This spreads the ids of one millisecond; writes are not sharded
(decision 0048). A process does not give out an id twice. The ids of two processes for one shard and one millisecond
collide once in 1,024: an insert retries on conflict.
"""

from datetime import UTC, datetime, timedelta

from folkmoot.base import clock

FIRST_MOMENT = datetime(2006, 1, 1, tzinfo=UTC)
MAX_ID = 2**63 - 1
_SHARD_BITS = 12
_RANDOM_BITS = 10
_MILLISECOND = timedelta(milliseconds=1)
_REMEMBERED = 4096
_TRIES = 64
_FOREIGN_BITS = 16
_FOREIGN_FIRST, _FOREIGN_LAST = (datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1000 for year in (2016, 2075))
_given: dict[int, None] = {}  # the newest ids of this process, oldest first


def draw_shard() -> int:
    """A random shard for a new account: 0 to 4,095."""
    return clock.draw(1 << _SHARD_BITS)


def make_id(shard: int, at: datetime | None = None) -> int:
    """A new id of `shard`, of the moment `at` (default: now). Imported posts pass the time when they were written.

    Raises ValueError for a moment before 2006 or after 2075.
    """
    milliseconds = ((at or clock.now()) - FIRST_MOMENT) // _MILLISECOND
    if not 0 <= milliseconds < 1 << 41:
        raise ValueError(f"no id can represent {at}: ids cover 2006 to 2075")
    first = (milliseconds << _SHARD_BITS | shard) << _RANDOM_BITS
    for _ in range(_TRIES):
        id_ = first | clock.draw(1 << _RANDOM_BITS)
        if id_ not in _given:
            break
    _given[id_] = None
    if len(_given) > _REMEMBERED:
        del _given[next(iter(_given))]
    return id_


def first_id(at: datetime) -> int:
    """The smallest id of the moment `at`: a bound for records by time."""
    return span(at - FIRST_MOMENT)


def bound_of(id_: int) -> int:
    """A bound of a page, as an id of ours. Apps that page by a date send the id that other networks make of it: milliseconds
    since 1970, then 16 bits of zeros. Such a number would be an id of ours from 2006 or 2007, before there were networks."""
    at = id_ >> _FOREIGN_BITS
    if id_ & (1 << _FOREIGN_BITS) - 1 or not _FOREIGN_FIRST <= at < _FOREIGN_LAST:
        return id_
    return first_id(datetime.fromtimestamp(0, UTC) + at * _MILLISECOND)


def shard_of(id_: int) -> int:
    return id_ >> _RANDOM_BITS & (1 << _SHARD_BITS) - 1


def time_of(id_: int) -> datetime:
    """The time encoded in the id, exact to the millisecond."""
    return FIRST_MOMENT + (id_ >> _SHARD_BITS + _RANDOM_BITS) * _MILLISECOND


def time_sql(id_: str) -> str:
    """SQL: the time encoded in an id, exact to the millisecond."""
    return f"(timestamptz '{FIRST_MOMENT:%Y-%m-%d} 00:00:00+00' + ({id_} >> {_SHARD_BITS + _RANDOM_BITS}) * interval '1 millisecond')"


def span(length: timedelta) -> int:
    """The difference between two ids that are `length` apart in time."""
    return length // _MILLISECOND << _SHARD_BITS + _RANDOM_BITS


def parse_id(text: str) -> int | None:
    """An id from a request, or None if it is not a valid one."""
    if not text.isascii() or not text.isdigit() or len(text) > 19:
        return None
    value = int(text)
    return value if 0 < value <= MAX_ID else None

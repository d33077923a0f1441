"""The policies of this network: its own from the database, else those that are shipped in this folder.

`current()` is synchronous, so that pages, actions and templates can ask it anywhere: every process keeps all versions in
memory, and `watching.py` brings them up to date within a second. Decisions name the version under which they were
reached, so earlier versions stay: shipped files and published rows are never removed.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from functools import cache
from importlib.resources import files

from folkmoot.base import clock
from folkmoot.base.errors import NotFound
from folkmoot.moderation.clauses.model import Clause, Policy, PublishedPolicy, order_of
from folkmoot.moderation.clauses.policy_file import read_policy

NEWS_LASTS = timedelta(days=30)  # from the day on which new rules hold
_own: tuple[PublishedPolicy, ...] = ()  # of this process, oldest first


@cache
def shipped() -> tuple[PublishedPolicy, ...]:
    """The versions in this folder, oldest first. Raises ValueError for an incomplete file."""
    folder = files("folkmoot").joinpath("moderation", "clauses")
    names = sorted((file.name for file in folder.iterdir() if file.name.endswith(".md")), key=lambda name: order_of(name[:-3]))
    return tuple(_read_shipped(name, folder.joinpath(name).read_text("utf-8")) for name in names)


def _read_shipped(name: str, source: str) -> PublishedPolicy:
    policy = read_policy(source).policy
    if policy is None or f"{policy.version}.md" != name:
        raise ValueError(f"{name} is not a complete policy of that version")
    day = datetime.combine(policy.date, time(), UTC)
    return PublishedPolicy(policy=policy, in_force_at=day, published_at=day, source=source)


def replace_own(policies: Sequence[PublishedPolicy]) -> None:
    """Sets the network's own versions for this process."""
    global _own
    _own = tuple(sorted(policies, key=lambda one: order_of(one.version)))


def own() -> tuple[PublishedPolicy, ...]:
    """The network's own versions, oldest first."""
    return _own


def in_force() -> PublishedPolicy:
    """The version in force: the newest of the network's own that has begun, else the newest shipped one."""
    now = clock.now()
    return next((one for one in reversed(_own) if one.in_force_at <= now), shipped()[-1])


def current() -> Policy:
    """The policy in force."""
    return in_force().policy


def upcoming() -> list[PublishedPolicy]:
    """Published versions that are not in force yet, oldest first."""
    now = clock.now()
    newest_begun = max((position for position, one in enumerate(_own) if one.in_force_at <= now), default=-1)
    return [one for one in _own[newest_begun + 1:] if one.in_force_at > now]


def versions() -> tuple[PublishedPolicy, ...]:
    """Every version that this network has had or will have, oldest first: its own, and the shipped ones before them.

    Shipped versions that came later were never in force here.
    """
    end = _own[0].in_force_at if _own else None
    return (*(one for one in shipped() if end is None or one.in_force_at < end), *_own)


def get_version(version: str) -> PublishedPolicy:
    """Raises NotFound for a version that this network never had."""
    for one in versions():
        if one.version == version:
            return one
    raise NotFound


def version_before(version: str) -> PublishedPolicy | None:
    """The version that this one replaced or will replace."""
    known = [one.version for one in versions()]
    position = known.index(version) if version in known else 0
    return versions()[position - 1] if position else None


def find_clause(key: str, version: str) -> Clause:
    """A clause in the text of that version; if that version lacks it, in the nearest one that has it. Raises NotFound.

    A version can be unknown to a host that was promoted before it had received it.
    """
    known = [*shipped(), *_own]
    before = sorted((one for one in known if order_of(one.version) <= order_of(version)), key=lambda one: order_of(one.version))
    exact = [one for one in (*_own, *shipped()) if one.version == version]
    for one in (*exact, *reversed(before), *known):
        if clause := one.policy.find(key):
            return clause
    raise NotFound


def policy_of(key: str) -> Policy:
    """The policy in force or, if it has dropped this clause, the last one that had it. Raises NotFound.

    Cases and posts name only the key of a clause; one that was dropped must not become unreadable.
    """
    force = in_force()
    for one in (force, *reversed([one for one in (*shipped(), *_own) if one.in_force_at <= force.in_force_at])):
        if one.policy.find(key):
            return one.policy
    raise NotFound


def clause_of(key: str) -> Clause:
    """A clause as it reads now or, if it was dropped, as it read last. Raises NotFound."""
    return policy_of(key).clause(key)


def news() -> PublishedPolicy | None:
    """The newest version of this network's own policy, while it is announced."""
    newest = _own[-1] if _own else None
    return newest if newest and clock.now() - newest.in_force_at < NEWS_LASTS else None


def news_for(joined_at: datetime) -> PublishedPolicy | None:
    """The newest version of this network's own policy, if it is news to somebody who joined at that time."""
    return _newest_news(_own, joined_at)


def news_before(version: str, joined_at: datetime) -> PublishedPolicy | None:
    """What was news to somebody who joined at that time until this version was published."""
    return _newest_news([one for one in _own if order_of(one.version) < order_of(version)], joined_at)


def _newest_news(own_: Sequence[PublishedPolicy], joined_at: datetime) -> PublishedPolicy | None:
    newest = own_[-1] if own_ else None
    is_news = newest and clock.now() - newest.in_force_at < NEWS_LASTS and joined_at < newest.in_force_at
    return newest if is_news else None

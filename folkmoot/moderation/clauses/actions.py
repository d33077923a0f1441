"""Publishes a policy, and checks before whether it can follow the versions so far. Members react to its announcement."""

import hashlib
from datetime import date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import Conflict, FieldError, Invalid, Plural
from folkmoot.base.text import is_emoji
from folkmoot.moderation.clauses import queries
from folkmoot.moderation.clauses.markdown_file import Fault
from folkmoot.moderation.clauses.model import MOST_EMOJIS, PUBLISHED_TOPIC, REACTIONS_TOPIC, PublishedPolicy, ReactionCounted, order_of
from folkmoot.moderation.clauses.policy_file import PolicyFile, read_policy
from folkmoot.moderation.clauses.published import shipped
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.network.accounts.model import Account
from folkmoot.network.accounts.policy import require_can_write

_TOO_MANY_EMOJIS = Plural("There can be %(limit)d reaction.", "There can be %(limit)d different reactions.", "limit")


class Checked(NamedTuple):
    """A policy that can be published, or the faults that prevent it."""

    published: PublishedPolicy | None
    faults: list[Fault]


def check_policy(source: str, own: list[PublishedPolicy], time_zone: str) -> Checked:
    """Reads a policy and compares it with the versions so far: a later version, begun today or later, in which clauses keep
    their numbers. `own`: the network's versions."""
    read = read_policy(source)
    if read.policy is None:
        return Checked(None, read.faults)
    now = clock.now()
    zone = ZoneInfo(time_zone)
    faults = _clashes(read, [*shipped(), *own], now.astimezone(zone).date())
    begins = datetime.combine(read.in_force_from, time(), zone) if read.in_force_from else now
    published = PublishedPolicy(policy=read.policy, in_force_at=max(begins, now), published_at=now, source=source)
    return Checked(None if faults else published, faults)


def _clashes(read: PolicyFile, earlier: list[PublishedPolicy], today: date) -> list[Fault]:
    assert read.policy is not None
    faults = []
    newest = max((one.version for one in earlier), key=order_of)
    if order_of(read.policy.version) <= order_of(newest):
        faults.append(Fault(read.lines["Version"], f"version {newest} exists. Choose a later one, such as"
                            f" {today if today.isoformat() > newest[:10] else _next_of(newest)}."))
    if read.in_force_from and read.in_force_from < today:
        faults.append(Fault(read.lines["In force from"], f"rules cannot begin in the past. Choose {today} or later."))
    numbers = {clause.key: clause.number for one in earlier for clause in one.policy.clauses}
    keys = {number: key for key, number in numbers.items()}
    for clause in read.policy.clauses:
        if numbers.get(clause.key, clause.number) != clause.number:
            faults.append(Fault(read.lines[clause.key], f"the rule {clause.key} has the number {numbers[clause.key]} in earlier versions,"
                                " and decisions name it. Keep that number."))
        elif keys.get(clause.number, clause.key) != clause.key:
            faults.append(Fault(read.lines[clause.key], f"the number {clause.number} belongs to {keys[clause.number]} in earlier versions."
                                f" Use a new one, such as {max(keys) + 1}. Gaps are fine."))
    return sorted(faults)


def _next_of(version: str) -> str:
    day, number = order_of(version)
    return f"{day}.{number + 1}"


async def publish_policy(tx: WriteTx, source: str, time_zone: str) -> Checked:
    """Stores a policy; all processes follow within two seconds of the time from which it is in force.

    Operators, on the command line. Writes policy.published to the journal, and tells open streams. Changes nothing if there are faults.
    """
    await queries.lock_policies(tx)
    checked = check_policy(source, await queries.list_policies(tx), time_zone)
    if checked.published is None:
        return checked
    if not await queries.insert_policy(tx, checked.published):
        raise Conflict(log_text="two policies of one version at the same moment")
    await record_step(tx, Step.POLICY_PUBLISHED, case_id=None, policy=checked.published.version,
                      in_force_at=checked.published.in_force_at.isoformat(), sha256=hashlib.sha256(source.encode()).hexdigest())
    tx.publish(PUBLISHED_TOPIC, checked.published.version)
    return checked


async def react(tx: WriteTx, account: Account, published: PublishedPolicy, emoji: str) -> None:
    """Adds a member's reaction to the announcement of a version; the same again changes nothing. Tells open streams.

    Raises Invalid for what is no emoji and for too many different ones, and Forbidden for a frozen account.
    """
    require_can_write(account)
    if not is_emoji(emoji):
        raise Invalid(FieldError("name", "invalid", "This is not an emoji."))
    await queries.lock_reactions(tx, published.version)
    known = {one.emoji for one in await queries.list_reactions(tx, published.version, account.id)}
    if emoji not in known and len(known) >= MOST_EMOJIS:
        raise Invalid(FieldError("name", "too_many", _TOO_MANY_EMOJIS, {"limit": MOST_EMOJIS}))

    if await queries.insert_reaction(tx, published.version, account.id, emoji, clock.now()):
        await _tell(tx, published, emoji)


async def take_reaction_back(tx: WriteTx, account: Account, published: PublishedPolicy, emoji: str) -> None:
    """Removes a member's reaction, if there is one. Tells open streams."""
    await queries.lock_reactions(tx, published.version)

    if await queries.delete_reaction(tx, published.version, account.id, emoji):
        await _tell(tx, published, emoji)


async def _tell(tx: WriteTx, published: PublishedPolicy, emoji: str) -> None:
    counts = {one.emoji: one.count for one in await queries.list_reactions(tx, published.version, 0)}
    tx.publish(REACTIONS_TOPIC, ReactionCounted(published.version, emoji, counts.get(emoji, 0)))

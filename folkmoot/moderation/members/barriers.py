"""What operators keep out: mail providers, single addresses and IP networks. Each change is in the journal, without address or network."""

from datetime import datetime, timedelta

import msgspec

from folkmoot.base import clock, ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import TEXT_TOO_LONG, FieldError, Forbidden, Invalid, NotFound
from folkmoot.base.text import clean, count_characters
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.network.barriers import queries
from folkmoot.network.barriers.model import (
    BARRIERS_TOPIC,
    LONGEST_COMMENT,
    LONGEST_TIME,
    EmailBlock,
    EmailDomainBlock,
    Network,
    NetworkBlock,
    Severity,
    canonical_hash,
    read_address,
    read_network,
)
from folkmoot.network.sessions.addresses import email_errors, email_key
from folkmoot.network.sessions.model import Role, Viewer

_SHARD = 0  # barriers belong to no account


async def block_email_domain(tx: WriteTx, operator: Viewer, domain: str) -> EmailDomainBlock:
    """Keeps a mail provider out, with all domains below it: nobody signs up with, or changes to, one of its addresses. Accounts that have
    one stay. Operators. Writes barrier.changed to the journal. Raises Invalid."""
    _require_operator(operator)
    host = email_key(f"x@{domain.strip().removeprefix('@')}").rpartition("@")[2]
    if email_errors(f"x@{host}") or "." not in host:
        raise Invalid(FieldError("domain", "invalid", "This is not the domain of a mail provider, such as example.org."))
    block = EmailDomainBlock(id=ids.make_id(_SHARD), domain=host, created_at=clock.now())
    if not await queries.insert_email_domain(tx, block):
        raise Invalid(FieldError("domain", "taken", "This is blocked already."))
    await _record(tx, operator, "email_domain", "added", block.id)
    return await queries.get_email_domain(tx, block.id, clock.now().date())


async def unblock_email_domain(tx: WriteTx, operator: Viewer, block_id: int) -> None:
    """Operators. Writes barrier.changed to the journal. Raises NotFound."""
    _require_operator(operator)
    if not await queries.delete_email_domain(tx, block_id):
        raise NotFound
    await _record(tx, operator, "email_domain", "removed", block_id)


async def block_email(tx: WriteTx, operator: Viewer, email: str = "", email_hash: str = "") -> EmailBlock:
    """Keeps the owner of an address from signing up again, whatever dots and plus signs they write; or of a hash of one, in hexadecimal
    digits. The address is not stored. Operators. Writes barrier.changed to the journal. Raises Invalid."""
    _require_operator(operator)
    block = EmailBlock(id=ids.make_id(_SHARD), email_hash=_hash_of(email, email_hash), created_at=clock.now())
    if not await queries.insert_email(tx, block):
        raise Invalid(FieldError("email", "taken", "This is blocked already."))
    await _record(tx, operator, "email", "added", block.id)
    return block


async def unblock_email(tx: WriteTx, operator: Viewer, block_id: int) -> None:
    """Operators. Writes barrier.changed to the journal. Raises NotFound."""
    _require_operator(operator)
    if not await queries.delete_email(tx, block_id):
        raise NotFound
    await _record(tx, operator, "email", "removed", block_id)


async def block_network(
    tx: WriteTx, operator: Viewer, ip: str, severity: str, comment: str = "", seconds: int | None = None, *, own_address: str = ""
) -> NetworkBlock:
    """Keeps an IP address or network out, for so many seconds or until it is removed. `own_address`: of the operator, who must not shut
    themselves out. Operators. Writes barrier.changed to the journal; all web processes read it at once. Raises Invalid."""
    _require_operator(operator)
    network, comment = _checked_network(ip, severity, comment, seconds, own_address)
    block = NetworkBlock(
        id=ids.make_id(_SHARD), network=network, severity=Severity(severity), comment=comment, created_at=clock.now(),
        expires_at=_end_in(seconds),
    )
    if not await queries.insert_network(tx, block):
        raise Invalid(FieldError("ip", "taken", "This is blocked already."))
    await _record(tx, operator, "network", "added", block.id, severity)
    tx.publish(BARRIERS_TOPIC, None)
    return block


async def change_network_block(
    tx: WriteTx, operator: Viewer, block_id: int, *, ip: str | None = None, severity: str | None = None, comment: str | None = None,
    seconds: int | None = None, own_address: str = "",
) -> NetworkBlock:
    """Changes what is given; `seconds` count from now. See `block_network`. Raises NotFound too."""
    _require_operator(operator)
    before = await queries.get_network(tx, block_id)
    chosen = severity or before.severity
    network, words = _checked_network(
        ip or str(before.network), chosen, before.comment if comment is None else comment, seconds, own_address
    )
    block = msgspec.structs.replace(
        before, network=network, severity=Severity(chosen), comment=words,
        expires_at=before.expires_at if seconds is None else _end_in(seconds),
    )
    if not await queries.update_network(tx, block):
        raise Invalid(FieldError("ip", "taken", "This is blocked already."))
    await _record(tx, operator, "network", "changed", block.id, block.severity)
    tx.publish(BARRIERS_TOPIC, None)
    return block


async def unblock_network(tx: WriteTx, operator: Viewer, block_id: int) -> None:
    """Operators. Writes barrier.changed to the journal. Raises NotFound."""
    _require_operator(operator)
    if not await queries.delete_network(tx, block_id):
        raise NotFound
    await _record(tx, operator, "network", "removed", block_id)
    tx.publish(BARRIERS_TOPIC, None)


def hash_of_email(email: str) -> bytes:
    return canonical_hash(email_key(email))


def _hash_of(email: str, email_hash: str) -> bytes:
    if email_hash:
        try:
            found = bytes.fromhex(email_hash)
        except ValueError:
            found = b""
        if len(found) != 32:
            raise Invalid(FieldError("canonical_email_hash", "invalid", "This is not a SHA-256 in hexadecimal digits."))
        return found
    if errors := email_errors(email):
        raise Invalid(*errors)
    return hash_of_email(email)


def _checked_network(ip: str, severity: str, comment: str, seconds: int | None, own_address: str) -> tuple[Network, str]:
    network, text, errors = read_network(ip), clean(comment), _severity_errors(severity)
    if network is None:
        errors.append(FieldError("ip", "invalid", "This is not an IP address or network, such as 192.0.2.0/24."))
    elif severity == Severity.ACCESS and _contains(network, own_address):
        errors.append(FieldError("ip", "inclusion", "Your own connection is in this network, so you would be kept out too."))
    if count_characters(text) > LONGEST_COMMENT:
        errors.append(FieldError("comment", "too_long", TEXT_TOO_LONG, {"limit": LONGEST_COMMENT}))
    if seconds is not None and not 0 <= seconds <= LONGEST_TIME.total_seconds():
        errors.append(FieldError("expires_in", "inclusion", "A block ends within a year, or not at all."))
    if errors or network is None:
        raise Invalid(*errors)
    return network, text


def _severity_errors(severity: str) -> list[FieldError]:
    if severity in list(Severity):
        return []
    return [FieldError("severity", "inclusion", "Please choose what is kept out.")]


def _end_in(seconds: int | None) -> datetime | None:
    return clock.now() + timedelta(seconds=seconds) if seconds else None


def _contains(network: Network, address: str) -> bool:
    found = read_address(address)
    return found is not None and found.version == network.version and found in network


async def _record(tx: WriteTx, operator: Viewer, what: str, change: str, block_id: int, severity: str | None = None) -> None:
    await record_step(
        tx, Step.BARRIER_CHANGED, case_id=None, actor_id=operator.id, what=what, change=change, block=block_id, severity=severity
    )


def _require_operator(viewer: Viewer) -> None:
    if not viewer.holds(Role.OPERATOR):
        raise Forbidden

"""Writes to the journal, seals its entries in a hash chain, and accepts damage that an operator has examined."""

import logging
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import Database, ReadConn, WriteTx
from folkmoot.base.signing import Signer
from folkmoot.moderation.journal import queries
from folkmoot.moderation.journal.anchors import Anchor, merkle_root
from folkmoot.moderation.journal.end_file import EndFileDamaged, read_end, write_end
from folkmoot.moderation.journal.model import FIRST_HASH, Entry, Gap, Head, SealState, Step, chain_hash, signed_text

_BATCH = 2000
log = logging.getLogger(__name__)


async def record_step(tx: WriteTx, step: Step, *, case_id: int | None, actor_id: int | None = None, **facts: Any) -> None:
    """Adds an entry, in the transaction of the step. `actor_id` None: the system. `facts`: ids and fixed words, never a member's text."""
    await queries.insert_entry(tx, step, clock.now(), case_id, actor_id, encode_facts(facts))


async def record_steps(tx: WriteTx, step: Step, entries: Sequence[tuple[int, dict[str, Any]]]) -> None:
    """Adds one entry of the system for each (case, facts), with one statement."""
    if entries:
        await queries.insert_entries(tx, step, clock.now(), [(case_id, encode_facts(facts)) for case_id, facts in entries])


def encode_facts(facts: Mapping[str, Any]) -> str:
    """The facts of an entry as they are stored, and hashed."""
    return msgspec.json.encode({name: value for name, value in facts.items() if value is not None}, order="sorted").decode()


def journal_signer(secret: bytes) -> Signer:
    return Signer(secret, "journal")


async def seal(database: Database, secret: bytes, end_file: Path) -> int:
    """Adds the unsealed entries to the chain; returns how many. Timed, once a second.

    The end of the chain is signed and also stored in a file outside of the database, so that the removal of entries from its
    end is detected. While that file is damaged or does not match the chain, nothing is sealed, because that would sign a
    forged chain. If entries were removed before they were sealed, sealing continues. Either state is stored and reported by
    `moot doctor` and `moot journal verify`; `moot journal accept` ends it.
    """
    signer = journal_signer(secret)
    sealed = 0
    while True:
        async with database.write() as tx:
            end = await queries.lock_end(tx)
            if (await _update_state(tx, signer, end_file, end)).is_stopped:
                return sealed
            entries = await queries.list_unsealed(tx, _BATCH)
            if not entries:
                return sealed
            head = await _append_to_chain(tx, signer, end, entries)
        write_end(end_file, head)
        sealed += len(entries)


async def anchor(database: Database, *, daily: bool = False) -> Anchor | None:
    """Makes an anchor that covers all sealed entries; returns it, or the newest one if there is nothing new. `daily`: only if
    there was none today. Timed, and when an answer to a notice needs a proof."""
    async with database.write() as tx:
        end = await queries.lock_end(tx)
        newest = await queries.find_newest_anchor(tx)
        since = newest.position if newest else 0
        now = clock.now().replace(microsecond=0)
        if end.position <= since or (daily and newest and newest.at.date() >= now.date()):
            return newest
        made = Anchor(
            position=end.position, since=since, hash=end.hash, root=merkle_root(await queries.list_hashes(tx, since, end.position)), at=now
        )
        await queries.insert_anchor(tx, made)
        return made


async def accept_damage(database: Database, secret: bytes, end_file: Path) -> tuple[SealState, list[Gap]]:
    """Continues sealing from the current chain after an operator has examined the damage; returns what was accepted.

    Operators. Writes journal.damage_accepted, so that the chain records it; altered entries stay faults. Changes nothing
    without damage.
    """
    signer = journal_signer(secret)
    async with database.write() as tx:
        end = await queries.lock_end(tx)
        state = await _update_state(tx, signer, end_file, end)
        gaps = await list_open_gaps(tx, signer)
        if state is SealState.SEALING and not gaps:
            return state, gaps
        await record_step(tx, Step.DAMAGE_ACCEPTED, case_id=None, state=state, position=end.position, gaps=gaps,
                          signature=signer.sign(_accepted_text(gaps)))
        await queries.upsert_state(tx, SealState.SEALING, clock.now())
        head = await _append_to_chain(tx, signer, end, await queries.list_unsealed(tx, _BATCH))
    write_end(end_file, head)
    return state, gaps


async def list_open_gaps(conn: ReadConn, signer: Signer) -> list[Gap]:
    """Entries that were removed before they were sealed, without those whose loss an operator has accepted."""
    gaps = await queries.list_gaps(conn)
    if not gaps:
        return []
    accepted: set[Gap] = set()
    for facts in await queries.list_facts(conn, Step.DAMAGE_ACCEPTED):
        found = msgspec.json.decode(facts, type=_Accepted)
        if signer.is_valid(_accepted_text(found.gaps), found.signature):
            accepted.update(found.gaps)
    return [gap for gap in gaps if gap not in accepted]


class _Accepted(msgspec.Struct):
    signature: str
    gaps: list[Gap]


def _accepted_text(gaps: Sequence[Gap]) -> str:
    return "accepted:" + msgspec.json.encode(gaps).decode()


async def _append_to_chain(tx: WriteTx, signer: Signer, end: Head, entries: Sequence[Entry]) -> Head:
    """Appends entries to the chain; returns the new end, signed."""
    position, digest = end.position, end.hash
    positions, hashes = [], []
    for entry in entries:
        position += 1
        digest = chain_hash(digest, position, entry)
        positions.append(position)
        hashes.append(digest)
    await queries.update_sealed(tx, [entry.id for entry in entries], positions, hashes)
    head = Head(position=position, hash=digest, signature=signer.sign(signed_text(position, digest)))
    await queries.upsert_head(tx, clock.now().date(), head)
    return head


async def _update_state(tx: WriteTx, signer: Signer, end_file: Path, end: Head) -> SealState:
    """Checks the file and the newest entries, and stores the state if it has changed."""
    keeper = f"{socket.gethostname()}:{end_file.parent.resolve()}"
    facts = await queries.get_sealer_facts(tx, keeper)
    state = await _compare_end(tx, signer, end_file, end, keeper, is_keeper=facts.is_keeper)
    if not state.is_stopped:
        before = facts.state or SealState.SEALING
        if facts.has_fresh_gap or before.is_stopped:
            state = SealState.ENTRIES_MISSING if await list_open_gaps(tx, signer) else SealState.SEALING
        elif before is SealState.ENTRIES_MISSING:
            state = before  # until an operator accepts it
    if state is not facts.state:
        await queries.upsert_state(tx, state, clock.now())
        if state.reason:
            log.error("%s; see: moot journal verify", state.reason)
    return state


async def _compare_end(
    tx: WriteTx, signer: Signer, end_file: Path, end: Head, keeper: str, *, is_keeper: bool
) -> SealState:
    """Checks that the chain contains the end in the file.

    A new journal starts with a file that signs its empty chain, so that a concurrent sealer finds it. A host that never had
    the file, such as a restored one, starts to keep it if the chain contains the end that was signed last; the journal
    records this.
    """
    try:
        noted = read_end(end_file, signer)
    except EndFileDamaged as damage:
        return damage.state
    if noted is None and is_keeper:
        return SealState.END_MISSING
    if noted is None and end.position == 0:
        write_end(end_file, Head(position=0, hash=FIRST_HASH, signature=signer.sign(signed_text(0, FIRST_HASH))))
        await queries.insert_keeper(tx, keeper)
        return SealState.SEALING
    head = noted or await queries.find_newest_head(tx)
    if head is None or not signer.is_valid(head.signed_text, head.signature) or await queries.find_hash(tx, head.position) != head.hash:
        return SealState.CHAIN_CHANGED
    if noted is None:
        await record_step(tx, Step.END_ADOPTED, case_id=None, position=end.position)
    elif not is_keeper:
        await queries.insert_keeper(tx, keeper)
    return SealState.SEALING

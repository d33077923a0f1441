"""Writing to the journal, and chaining what was written."""

import logging
from pathlib import Path
from typing import Any

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import Database, WriteTx
from folkmoot.base.signing import Signer
from folkmoot.moderation.journal import queries
from folkmoot.moderation.journal.model import Head, Step, chained, signed_text

_BATCH = 2000
log = logging.getLogger(__name__)


async def note(tx: WriteTx, step: Step, *, case_id: int | None, actor_id: int | None = None, **facts: Any) -> None:
    """Writes down a step, in the transaction of the step. `actor_id` None: the machine. `facts`: ids and words of ours."""
    text = msgspec.json.encode({name: value for name, value in facts.items() if value is not None}, order="sorted").decode()
    await queries.insert_entry(tx, step, clock.now(), case_id, actor_id, text)


def journal_signer(secret: bytes) -> Signer:
    return Signer(secret, "journal")


async def seal(database: Database, secret: bytes, head_file: Path) -> int:
    """Chains what was written since, behind the writers; returns how many entries. By the clock, once a second.

    The end of the chain is signed and noted outside of the database too, so that entries cut off its end are missed. A
    chain that does not hold the end that was noted is not gone on with: that would sign what somebody else made of it.
    """
    sealed = 0
    while True:
        async with database.write() as tx:
            position, digest = await queries.get_end(tx)
            noted = noted_end(head_file)
            if noted and await queries.find_hash(tx, noted.position) != noted.hash:
                log.error("the journal does not hold entry %d as it was sealed; nothing is sealed until somebody has looked: moot log"
                          " verify (after an older database was put back on purpose, remove %s)", noted.position, head_file)
                return sealed
            entries = await queries.list_unsealed(tx, _BATCH)
            if not entries:
                return sealed
            positions, hashes = [], []
            for entry in entries:
                position += 1
                digest = chained(digest, position, entry)
                positions.append(position)
                hashes.append(digest)
            await queries.update_sealed(tx, [entry.id for entry in entries], positions, hashes)
            head = Head(position=position, hash=digest, signature=journal_signer(secret).sign(signed_text(position, digest)))
            await queries.upsert_head(tx, clock.now().date(), head)
        _note_outside(head_file, head)
        sealed += len(entries)


def noted_end(file: Path) -> Head | None:
    """The end of the chain that was noted outside of the database; None when there is none."""
    if not file.exists():
        return None
    noted = msgspec.json.decode(file.read_bytes())
    return Head(position=noted["position"], hash=bytes.fromhex(noted["hash"]), signature=noted["signature"])


def _note_outside(file: Path, head: Head) -> None:
    temporary = file.with_suffix(".new")
    temporary.write_bytes(msgspec.json.encode({"position": head.position, "hash": head.hash.hex(), "signature": head.signature}))
    temporary.rename(file)

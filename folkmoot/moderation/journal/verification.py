"""Checking the journal: whether an entry was altered, removed or put in. What `moot log verify` does.

The chain shows every change inside it. Its signed ends, one per day in the database and the newest in a file beside
it, show a chain that was cut short, or computed anew by somebody without the network's secret.
"""

from datetime import timedelta
from pathlib import Path

import msgspec

from folkmoot.base.db import ReadConn
from folkmoot.moderation.journal import queries
from folkmoot.moderation.journal.actions import journal_signer, noted_end
from folkmoot.moderation.journal.model import FIRST_HASH, chained

_BATCH = 5000
_MOST_FAULTS = 20
_OUT_OF_ORDER = timedelta(minutes=5)  # a transaction lasts a minute at most, and a second passes before it is sealed


class Verification(msgspec.Struct, kw_only=True):
    """What was found. `hash` is that of the last entry, as it stands."""

    entries: int = 0
    hash: str = ""
    unsealed: int = 0
    faults: list[str] = []

    @property
    def is_whole(self) -> bool:
        return not self.faults


async def verify(conn: ReadConn, secret: bytes, head_file: Path) -> Verification:
    """Walks the whole chain."""
    heads = {head.position: head for head in await queries.list_heads(conn)}
    outside = noted_end(head_file)
    signer = journal_signer(secret)
    found = Verification(unsealed=await queries.count_unsealed(conn))
    position, digest, latest = 0, FIRST_HASH, None
    while True:
        entries = await queries.list_sealed(conn, position, _BATCH)
        for entry in entries:
            assert entry.position is not None
            if entry.position != position + 1:
                _add(found, f"entries {position + 1} to {entry.position - 1} are missing")
            expected = chained(digest, entry.position, entry)
            if entry.hash != expected:
                _add(found, f"entry {entry.position} ({entry.kind}, {entry.at:%Y-%m-%d %H:%M:%S} UTC) is not what was written")
            if latest and entry.at < latest - _OUT_OF_ORDER:
                _add(found, f"entry {entry.position} ({entry.kind}) bears an earlier time than those before it: it was put in later")
            latest = max(latest or entry.at, entry.at)
            position, digest = entry.position, entry.hash or expected  # go on from what stands, to find every fault
            for head in (heads.get(position), outside if outside and outside.position == position else None):
                if head and (head.hash != digest or not signer.is_valid(head.signed_text, head.signature)):
                    _add(found, f"the signed end at entry {position} does not fit: the chain was computed anew")
            found.entries += 1
        if len(entries) < _BATCH:
            break
    for head in [*heads.values(), *filter(None, [outside])]:
        if head.position > position:
            _add(found, f"the chain ends at entry {position}, but entry {head.position} was signed: its end is missing")
            break
    found.hash = digest.hex()
    return found


def _add(found: Verification, fault: str) -> None:
    if len(found.faults) < _MOST_FAULTS:
        found.faults.append(fault)

"""Verifies the journal: detects entries that were altered, removed or inserted. Used by `moot journal verify`.

The chain shows every change inside it. Its signed ends, one per day in the database and the newest in a file outside it,
show a chain that was truncated, or recomputed without the network's secret. The numbers of the lanes show entries that were
removed before they were sealed.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import ReadConn
from folkmoot.base.signing import Signer
from folkmoot.moderation.journal import queries
from folkmoot.moderation.journal.actions import journal_signer, list_open_gaps
from folkmoot.moderation.journal.anchors import merkle_root
from folkmoot.moderation.journal.end_file import EndFileDamaged, read_end
from folkmoot.moderation.journal.model import FIRST_HASH, Entry, Gap, Head, SealState, Step, chain_hash, has_valid_hash

_BATCH = 5000
_MOST_FAULTS = 20
_TIME_TOLERANCE = timedelta(minutes=5)  # transactions last up to a minute, and sealing follows within a second
_REMARKS = {
    Step.END_ADOPTED: "a host started to keep the end of the chain, as after a restore",
    Step.DAMAGE_ACCEPTED: "an operator accepted damage",
}


class Verification(msgspec.Struct, kw_only=True):
    """The result. `hash` is the stored hash of the last entry; `remarks` are not faults, but the operator should know them."""

    entries: int = 0
    hash: str = ""
    unsealed: int = 0
    faults: list[str] = []
    remarks: list[str] = []

    @property
    def is_whole(self) -> bool:
        return not self.faults


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A head that was kept outside of the network: in a copy of the published list, or in a backup. `where`: for people."""

    position: int
    hash: bytes
    where: str


async def verify(conn: ReadConn, secret: bytes, end_file: Path, kept: Sequence[Kept] = ()) -> Verification:
    """Verifies the whole chain. `kept`: heads from outside, against a chain that was rewritten with the network's own secret."""
    signer = journal_signer(secret)
    found = Verification(unsealed=await queries.count_unsealed(conn))
    heads = await queries.list_heads(conn)
    noted_end = _read_end_file(found, signer, end_file)
    if noted_end:
        heads.append(noted_end)
    end = await _verify_chain(conn, signer, found, heads)
    for head in heads:
        if head.position > end.position:
            _add_fault(found, f"the chain ends at entry {end.position}, but entry {head.position} was signed: its end is missing")
            break
    for gap in await list_open_gaps(conn, signer):
        _add_fault(found, _gap_text(gap))
    await _verify_anchors(conn, found)
    for one in kept:
        await _verify_kept(conn, found, one, end)
    state = await queries.find_state(conn)
    if noted_end is None and state is SealState.END_MISSING:
        _add_fault(found, f"{end_file} is missing: it cannot be checked whether entries were removed from the end of the chain")
    found.hash = end.hash.hex()
    return found


async def _verify_kept(conn: ReadConn, found: Verification, head: Kept, end: Head) -> None:
    if head.position > end.position:
        _add_fault(found, f"the chain ends at entry {end.position}, but {head.where} knows entry {head.position}: its end is missing")
    elif await queries.find_hash(conn, head.position) != head.hash:
        _add_fault(found, f"entry {head.position} is not the one that {head.where} knows: the chain was rewritten")


async def _verify_anchors(conn: ReadConn, found: Verification) -> None:
    """The anchors of this database: they follow each other, and each covers the entries that are there."""
    since = 0
    for anchor in await queries.list_anchors(conn):
        hashes = await queries.list_hashes(conn, anchor.since, anchor.position)
        is_right = hashes and hashes[-1] == anchor.hash and len(hashes) == anchor.position - anchor.since
        if anchor.since != since or not is_right or merkle_root(hashes) != anchor.root:
            _add_fault(found, f"the published head at entry {anchor.position} does not match the chain")
        since = anchor.position


class _TimeOrder:
    """Checks that the times of entries are in order. A single earlier time means that the entry was inserted later; several, or
    times in the future, mean that the clock was set back."""

    def __init__(self, found: Verification) -> None:
        self._found = found
        self._latest: Entry | None = None
        self._earlier: list[Entry] = []  # consecutive entries with an earlier time than `_latest`

    def see(self, entry: Entry) -> None:
        if self._latest and entry.at < self._latest.at - _TIME_TOLERANCE:
            self._earlier.append(entry)
            return
        self.end(is_over=True)
        if self._latest is None or entry.at > self._latest.at:
            self._latest = entry

    def end(self, *, is_over: bool = False) -> None:
        """Reports the entries with earlier times; `is_over`: one with a later time follows them."""
        if not self._earlier or not self._latest:
            return
        first = self._earlier[0]
        if len(self._earlier) == 1 and (is_over or self._latest.at <= clock.now()):
            _add_fault(self._found, f"entry {first.position} ({first.kind}) is earlier than those before it: it was inserted later")
        else:
            self._found.remarks.append(
                f"the clock was set back: entry {first.position} has the time {first.at:%Y-%m-%d %H:%M} UTC,"
                f" entry {self._latest.position} before it {self._latest.at:%Y-%m-%d %H:%M} UTC")
        self._earlier = []


async def _verify_chain(conn: ReadConn, signer: Signer, found: Verification, heads: list[Head]) -> Head:
    """Verifies all entries; returns the actual end of the chain."""
    signed: defaultdict[int, list[Head]] = defaultdict(list)
    for head in heads:
        signed[head.position].append(head)
    position, digest, times = 0, FIRST_HASH, _TimeOrder(found)
    while True:
        entries = await queries.list_sealed(conn, position, _BATCH)
        for entry in entries:
            assert entry.position is not None
            for fault in _entry_faults(entry, position, digest):
                _add_fault(found, fault)
            times.see(entry)
            digest = entry.hash or chain_hash(digest, entry.position, entry)  # continue from the stored hash, to find every fault
            position = entry.position
            for head in signed.get(position, ()):
                if head.hash != digest or not signer.is_valid(head.signed_text, head.signature):
                    _add_fault(found, f"the signed end at entry {position} does not match: the chain was recomputed")
            if entry.kind in _REMARKS:
                found.remarks.append(f"{_REMARKS[Step(entry.kind)]}: entry {position}, {entry.at:%Y-%m-%d %H:%M} UTC, {entry.facts}")
            found.entries += 1
        if len(entries) < _BATCH:
            times.end()
            return Head(position=position, hash=digest, signature="")


def _entry_faults(entry: Entry, position: int, digest: bytes) -> Iterator[str]:
    if entry.position != position + 1:
        yield f"entries {position + 1} to {(entry.position or 0) - 1} are missing"
    if not has_valid_hash(digest, entry):
        yield f"entry {entry.position} ({entry.kind}, {entry.at:%Y-%m-%d %H:%M:%S} UTC) was altered"


def _read_end_file(found: Verification, signer: Signer, end_file: Path) -> Head | None:
    """The end in the file. A damaged file is a fault; the chain is verified anyway."""
    try:
        return read_end(end_file, signer)
    except EndFileDamaged as damage:
        reason = "cannot be read" if damage.state is SealState.END_UNREADABLE else "is damaged, or belongs to another network"
        _add_fault(found, f"{end_file} {reason}: it cannot be checked whether entries were removed from the end of the chain")
        return None


def _gap_text(gap: Gap) -> str:
    if gap.first == gap.last:
        return f"an entry was removed before it was sealed: number {gap.first} of lane {gap.lane}"
    return f"{gap.last - gap.first + 1} entries were removed before they were sealed: numbers {gap.first} to {gap.last} of lane {gap.lane}"


def _add_fault(found: Verification, fault: str) -> None:
    if len(found.faults) < _MOST_FAULTS:
        found.faults.append(fault)

"""Checking the journal: whether an entry was altered, removed or put in. What `moot log verify` does.

The chain shows every change inside it. Its signed ends, one per day in the database and the newest in a file beside
it, show a chain that was cut short, or computed anew by somebody without the network's secret. The numbers of the lanes
show entries that were removed before they had a place in the chain.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import ReadConn
from folkmoot.base.signing import Signer
from folkmoot.moderation.journal import queries
from folkmoot.moderation.journal.actions import journal_signer, list_open_gaps
from folkmoot.moderation.journal.end_file import EndFileDamaged, read_end
from folkmoot.moderation.journal.model import FIRST_HASH, Entry, Gap, Head, SealState, Step, chained, fits

_BATCH = 5000
_MOST_FAULTS = 20
_OUT_OF_ORDER = timedelta(minutes=5)  # a transaction lasts a minute at most, and a second passes before it is sealed
_REMARKS = {
    Step.END_ADOPTED: "a host began to keep the end of the chain, as after a restore",
    Step.DAMAGE_ACCEPTED: "an operator accepted damage",
}


class Verification(msgspec.Struct, kw_only=True):
    """What was found. `hash` is that of the last entry, as it stands; `remarks` are no faults, but worth knowing."""

    entries: int = 0
    hash: str = ""
    unsealed: int = 0
    faults: list[str] = []
    remarks: list[str] = []

    @property
    def is_whole(self) -> bool:
        return not self.faults


async def verify(conn: ReadConn, secret: bytes, end_file: Path) -> Verification:
    """Walks the whole chain."""
    signer = journal_signer(secret)
    found = Verification(unsealed=await queries.count_unsealed(conn))
    heads = await queries.list_heads(conn)
    outside = _read_outside(found, signer, end_file)
    if outside:
        heads.append(outside)
    end = await _walk(conn, signer, found, heads)
    for head in heads:
        if head.position > end.position:
            _add(found, f"the chain ends at entry {end.position}, but entry {head.position} was signed: its end is missing")
            break
    for gap in await list_open_gaps(conn, signer):
        _add(found, _gap_text(gap))
    state = await queries.find_state(conn)
    if outside is None and state is SealState.END_MISSING:
        _add(found, f"{end_file} is missing: nobody can say whether entries were cut off the end of the chain")
    found.hash = end.hash.hex()
    return found


class _Times:
    """Whether entries bear times in their order. One that lies back alone was put in later; where several do, or where times
    lie in the future, the clock was set back."""

    def __init__(self, found: Verification) -> None:
        self._found = found
        self._latest: Entry | None = None
        self._back: list[Entry] = []  # entries that lie before `_latest`, up to now

    def see(self, entry: Entry) -> None:
        if self._latest and entry.at < self._latest.at - _OUT_OF_ORDER:
            self._back.append(entry)
            return
        self.end(is_over=True)
        if self._latest is None or entry.at > self._latest.at:
            self._latest = entry

    def end(self, *, is_over: bool = False) -> None:
        """Says what was wrong with the entries that lie back; `is_over`: a later one follows them."""
        if not self._back or not self._latest:
            return
        first = self._back[0]
        if len(self._back) == 1 and (is_over or self._latest.at <= clock.now()):
            _add(self._found, f"entry {first.position} ({first.kind}) bears an earlier time than those before it: it was put in later")
        else:
            self._found.remarks.append(
                f"the clock was set back: entry {first.position} bears the time {first.at:%Y-%m-%d %H:%M} UTC,"
                f" entry {self._latest.position} before it {self._latest.at:%Y-%m-%d %H:%M} UTC")
        self._back = []


async def _walk(conn: ReadConn, signer: Signer, found: Verification, heads: list[Head]) -> Head:
    """From the first entry to the last; returns the end as it stands."""
    signed: defaultdict[int, list[Head]] = defaultdict(list)
    for head in heads:
        signed[head.position].append(head)
    position, digest, times = 0, FIRST_HASH, _Times(found)
    while True:
        entries = await queries.list_sealed(conn, position, _BATCH)
        for entry in entries:
            assert entry.position is not None
            for fault in _entry_faults(entry, position, digest):
                _add(found, fault)
            times.see(entry)
            digest = entry.hash or chained(digest, entry.position, entry)  # go on from what stands, to find every fault
            position = entry.position
            for head in signed.get(position, ()):
                if head.hash != digest or not signer.is_valid(head.signed_text, head.signature):
                    _add(found, f"the signed end at entry {position} does not fit: the chain was computed anew")
            if entry.kind in _REMARKS:
                found.remarks.append(f"{_REMARKS[Step(entry.kind)]}: entry {position}, {entry.at:%Y-%m-%d %H:%M} UTC, {entry.facts}")
            found.entries += 1
        if len(entries) < _BATCH:
            times.end()
            return Head(position=position, hash=digest, signature="")


def _entry_faults(entry: Entry, position: int, digest: bytes) -> Iterator[str]:
    if entry.position != position + 1:
        yield f"entries {position + 1} to {(entry.position or 0) - 1} are missing"
    if not fits(digest, entry):
        yield f"entry {entry.position} ({entry.kind}, {entry.at:%Y-%m-%d %H:%M:%S} UTC) is not what was written"


def _read_outside(found: Verification, signer: Signer, end_file: Path) -> Head | None:
    """The end in the file. A damaged file is a fault, and the chain is still walked."""
    try:
        return read_end(end_file, signer)
    except EndFileDamaged as damage:
        said = "cannot be read" if damage.state is SealState.END_UNREADABLE else "is damaged, or not of this network"
        _add(found, f"{end_file} {said}: nobody can say whether entries were cut off the end of the chain")
        return None


def _gap_text(gap: Gap) -> str:
    if gap.first == gap.last:
        return f"an entry was removed before it was sealed: number {gap.first} of lane {gap.lane}"
    return f"{gap.last - gap.first + 1} entries were removed before they were sealed: numbers {gap.first} to {gap.last} of lane {gap.lane}"


def _add(found: Verification, fault: str) -> None:
    if len(found.faults) < _MOST_FAULTS:
        found.faults.append(fault)

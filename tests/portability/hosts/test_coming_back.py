"""A host that was replaced comes back: what becomes of the signed end of its moderation journal."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from folkmoot.base import clock
from folkmoot.portability.data_directory import JOURNAL_END
from folkmoot.portability.failover.coming_back import rejoin
from folkmoot.portability.failover.export import Report, folder_of
from folkmoot.portability.failover.model import ForkQuestion
from folkmoot.portability.failover.taking_over import FORK, Forks, accept
from folkmoot.portability.host import FENCED, PRIMARY, STANDBY, HostState
from folkmoot.portability.hosts.identity import get_identity
from folkmoot.portability.hosts.messages import Handler
from folkmoot.portability.moving.model import Proof
from folkmoot.portability.moving.this_host import ThisHost
from folkmoot.portability.progress import NoProgress
from tests.portability.hosts import HostHere, pair


@pytest.mark.parametrize(("proof", "lost", "discards", "where"), [
    (Proof.OFF, {"journal": 2, "posts": 1}, False, "export"),
    (Proof.OFF, {"posts": 1}, False, "data"),
    (Proof.OFF, {}, True, "nowhere"),
    (Proof.HANDED_OVER, {}, False, "data"),
])
async def test_the_end_of_a_journal_stays_unless_entries_of_it_are_lost(
    open_folder: Path, dsn: str, proof: Proof, lost: dict[str, int], discards: bool, where: str
) -> None:
    """Otherwise a later move back would end the sealing of the journal, and report that it was cut."""
    old, new = HostHere.make(open_folder, "old"), HostHere.make(open_folder, "new")
    await pair(old, new)
    this = ThisHost(new.directory, dsn, get_identity(new.directory).id)
    new.directory.write(new.directory.host_file, msgspec.json.encode(HostState(STANDBY, 1)))
    if proof is Proof.HANDED_OVER:
        new.directory.write(new.directory.host_file, msgspec.json.encode(HostState(PRIMARY, 2, move="m")))
    else:
        accept(this, "f", get_identity(old.directory).id, proof, 1, "0/0")
    state = HostState(FENCED, 1, to=this.id, move="m") if proof is Proof.HANDED_OVER else HostState(FENCED, 1, seen=this.state.epoch)
    old.directory.write(old.directory.host_file, msgspec.json.encode(state))
    old.directory.write(old.directory.path / JOURNAL_END, b"signed")
    folder = folder_of(old.directory, this.state.epoch)
    if lost:
        folder.mkdir(parents=True)
        made = Report(
            epoch=this.state.epoch, proof=proof, left_at="0/0", ended_at="0/0", bytes=0, rows=lost, last_event_at=None, made_at=clock.now()
        )
        old.directory.write(folder / "report.json", msgspec.json.encode(made))
    async with new.running([Handler(FORK, ForkQuestion, Forks(this).answer)]):
        done = await asyncio.to_thread(rejoin, old.directory, old.client, open_folder, NoProgress(), discards=discards)
    await this.close()
    assert not done.is_standby
    found = {"data": old.directory.path / JOURNAL_END, "export": folder / JOURNAL_END}
    assert [name for name, file in found.items() if file.exists()] == ([] if where == "nowhere" else [where])

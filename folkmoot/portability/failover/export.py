"""What only this host has: the rows that it wrote after the new primary had left its log, as files for a review.

`DATA/unreplicated/epoch-N/` contains one file per table, one row as JSON per line, and `report.json`. It is made before
this host is turned into a standby, which would delete the rows, and it is never overwritten.
"""

import os
import shutil
from datetime import datetime
from pathlib import Path

import asyncpg
import msgspec

from folkmoot.base import clock
from folkmoot.portability.data_directory import DataDirectory, sync_folder
from folkmoot.portability.failover import queries
from folkmoot.portability.failover.model import ForkAnswer
from folkmoot.portability.moving.model import Fork, Proof

_FOLDER, _REPORT = "unreplicated", "report.json"
_README = """\
These rows were written on this host after the other one had taken over, so the network does not have them. One file per
table, one row as JSON per line. Look through posts.jsonl, follows.jsonl and favourites.jsonl; the members can be told, or
the texts posted again. Deletions are only in events.jsonl. Remove this folder when you are done: it contains private texts.
"""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What was exported. `rows`: how many of each table. Positions in the log of this host: where the other one left it, and its end."""

    epoch: int  # of the new primary
    proof: Proof
    left_at: str
    ended_at: str
    bytes: int
    rows: dict[str, int]
    last_event_at: datetime | None
    made_at: datetime

    @property
    def count(self) -> int:
        """Rows that people care about: events are the protocol of the same changes."""
        return sum(number for table, number in self.rows.items() if table != "events")


def folder_of(directory: DataDirectory, epoch: int) -> Path:
    return directory.path / _FOLDER / f"epoch-{epoch}"


def find_report(directory: DataDirectory, epoch: int) -> Report | None:
    """The report of a complete export."""
    file = folder_of(directory, epoch) / _REPORT
    return msgspec.json.decode(file.read_bytes(), type=Report) if file.exists() else None


def last_report(directory: DataDirectory) -> tuple[Path, Report] | None:
    """The newest complete export, for commands."""
    found = sorted((directory.path / _FOLDER).glob(f"epoch-*/{_REPORT}"), key=lambda file: int(file.parent.name.partition("-")[2]))
    return (found[-1].parent, msgspec.json.decode(found[-1].read_bytes(), type=Report)) if found else None


async def export(directory: DataDirectory, dsn: str, answer: ForkAnswer, fork: Fork) -> Report:
    """Writes the files, unless they are there already. The database must be one that nobody writes any more."""
    if report := find_report(directory, answer.epoch):
        return report
    final = folder_of(directory, answer.epoch)
    unfinished = final.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700, parents=True)
    connection = await asyncpg.connect(dsn, timeout=10, server_settings={"application_name": "folkmoot export"})
    try:
        rows = {
            table: written for table in await queries.list_exported(connection)
            if (written := await _export_table(directory, connection, unfinished, table, fork, answer.unfinished))
        }
        end = await queries.get_end_of_log(connection)
        report = Report(
            epoch=answer.epoch, proof=answer.proof, left_at=fork.position, ended_at=end, rows=rows, made_at=clock.now(),
            bytes=await queries.count_bytes(connection, fork.position, end), last_event_at=await queries.find_last_event(connection),
        )
    finally:
        await connection.close()
    directory.write(unfinished / "README.txt", _README.encode())
    directory.write(unfinished / _REPORT, msgspec.json.format(msgspec.json.encode(report)))
    for path in (final.parent, unfinished):
        directory.set_owner(path)
        path.chmod(0o700)
    unfinished.rename(final)
    sync_folder(final.parent)
    return report


async def _export_table(
    directory: DataDirectory, connection: asyncpg.Connection, folder: Path, table: str, fork: Fork, unfinished: list[int]
) -> int:
    """Returns how many rows there were; without any there is no file."""
    file, count = folder / f"{table}.jsonl", 0
    stream = None
    try:
        async for row in queries.read_lost(connection, table, fork, unfinished):
            if stream is None:
                stream = os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w")
            stream.write(row + "\n")
            count += 1
        if stream:
            stream.flush()
            os.fsync(stream.fileno())
            directory.set_owner(file)
    finally:
        if stream:
            stream.close()
    return count

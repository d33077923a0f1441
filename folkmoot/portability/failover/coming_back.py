"""The old host comes back: it exports what it alone has, and becomes the standby of the new primary."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from folkmoot.base.errors import Problem
from folkmoot.portability.data_directory import JOURNAL_END, DataDirectory
from folkmoot.portability.failover import queries
from folkmoot.portability.failover.export import Report, export, find_report, folder_of
from folkmoot.portability.failover.model import FailoverProblem, ForkAnswer, ForkQuestion, sentence
from folkmoot.portability.failover.standing import confirm
from folkmoot.portability.failover.taking_over import FORK, last_failover
from folkmoot.portability.host import FENCED, PRIMARY, RETURNING, Host
from folkmoot.portability.hosts.client import PeerClient
from folkmoot.portability.hosts.identity import get_identity
from folkmoot.portability.hosts.messages import Ask
from folkmoot.portability.moving.model import Fork, Proof
from folkmoot.portability.moving.parting import find_fork
from folkmoot.portability.moving.rejoin import RejoinOrder, RejoinProblem, Stage, find_order, forget_order, order_rejoin, rejoin_if_ordered
from folkmoot.portability.moving.this_host import ThisHost
from folkmoot.portability.postgres import Postgres
from folkmoot.portability.postgres_binaries import PostgresProblem
from folkmoot.portability.progress import Progress

_log = logging.getLogger(__name__)
_FORK_SECONDS = 30.0
_EVERY = 2.0
_POLL_SECONDS = 0.05


async def ask_fork(this: ThisHost, ask: Ask) -> tuple[ForkAnswer, Fork | None]:
    """What the new primary had of this host. If it had left an even older log, this host's own last failover is the fork.

    Raises Problem if the other host does not answer, or did not take over by a failover.
    """
    answer = await ask(FORK, ForkQuestion(this.id), ForkAnswer, seconds=_FORK_SECONDS)
    own = last_failover(this)
    return answer, answer.fork or (find_fork(this.journal, own.move) if own else None)


@dataclass(frozen=True)
class Rejoined:
    """`is_standby`: the database was rewound; otherwise it must be copied anew. `report`: of the export, if one was needed."""

    report: Report | None
    is_standby: bool


class CopyAnew(RejoinProblem):
    """The rewind has failed after it had begun."""


def require_replaced(directory: DataDirectory, connect: Callable[[], PeerClient]) -> bool:
    """Whether this host was the primary and was replaced by its peer; false on a standby. The network must not run.

    Raises FailoverProblem if this host still is the primary, or Problem if the peer does not answer.
    """
    host = Host(directory.path)
    if host.role in (PRIMARY, RETURNING) and (directory.path / "postgres").exists():
        this = ThisHost(directory, "", get_identity(directory).id)
        if asyncio.run(_confirm(this, connect)):
            raise FailoverProblem(
                "This host is the primary, and the other one confirms it. A standby is made on the other host: moot standby --again"
            )
    return host.role == FENCED


async def _confirm(this: ThisHost, connect: Callable[[], PeerClient]) -> bool:
    async with connect() as client:
        return await confirm(this, client, client.peer.id)


def rejoin(
    directory: DataDirectory, connect: Callable[[], PeerClient], socket_folder: Path, progress: Progress, *, discards: bool
) -> Rejoined:
    """Exports what only this host has, then turns its database into that of a standby. `socket_folder`: leads to the new primary.

    `discards`: without the export. Raises Problem with one sentence; the same command goes on.
    """
    server = Postgres(directory)
    this = ThisHost(directory, server.dsn, get_identity(directory).id)
    progress.step("asking what the new primary had of this host")
    answer, fork = asyncio.run(_ask_fork(this, connect))
    report = None
    if not discards and not (answer.proof is Proof.HANDED_OVER and this.state.move):  # after a hand-over nothing is missing
        report = _export(directory, server, answer, fork, progress)
    if discards or (report and report.rows.get("journal")):
        _put_away_journal_end(directory, answer.epoch)
    if not answer.has_log:
        return Rejoined(report, is_standby=False)
    if (order := find_order(directory)) and order.stage is not Stage.ORDERED:  # an interrupted rewind left nothing that could be used
        forget_order(directory)
        return Rejoined(report, is_standby=False)
    progress.step("rewinding the database")
    order_rejoin(directory, RejoinOrder(answer.epoch, str(socket_folder)))
    try:
        rejoin_if_ordered(directory, _leave_to_caller)
    except CopyAnew as problem:
        _log.warning("%s", sentence(problem))
        forget_order(directory)
        return Rejoined(report, is_standby=False)
    return Rejoined(report, is_standby=True)


def _put_away_journal_end(directory: DataDirectory, epoch: int) -> None:
    """The file signs entries that the network does not have any more. If this host became the primary again, it would report that the
    journal was cut, and seal nothing. Put beside the export, it still shows what was lost."""
    end, folder = directory.path / JOURNAL_END, folder_of(directory, epoch)
    if end.exists() and folder.exists():
        end.rename(folder / JOURNAL_END)
    end.unlink(missing_ok=True)


def _leave_to_caller(_order: RejoinOrder) -> int:
    raise CopyAnew("The database could not be rewound and is copied anew.")


def _export(directory: DataDirectory, server: Postgres, answer: ForkAnswer, fork: Fork | None, progress: Progress) -> Report:
    if report := find_report(directory, answer.epoch):
        return report
    progress.step("exporting what only this host has")
    why = "it is not known where the new primary has left the log of this host"
    if fork is not None:
        try:
            server.start()
        except PostgresProblem as problem:
            why = f"its database does not start ({sentence(problem).rstrip('.')})"
        else:
            try:
                return asyncio.run(export(directory, server.dsn, answer, fork))
            finally:
                server.stop()
    raise FailoverProblem(
        "What only this host has cannot be exported, because %(why)s. To do without it, copy %(folder)s elsewhere, then run:"
        " moot standby --again --discard", why=why, folder=directory.path / "postgres",
    )


async def _ask_fork(this: ThisHost, connect: Callable[[], PeerClient]) -> tuple[ForkAnswer, Fork | None]:
    async with connect() as client:
        return await ask_fork(this, client)


class Reviewing:
    """In the agent of a host that was replaced: makes the export as soon as the new primary can be asked."""

    def __init__(self, this: ThisHost, ask: Ask) -> None:
        self._this = this
        self._ask = ask

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(_EVERY)
            state = self._this.state
            if state.role == FENCED and (state.seen > state.epoch or not state.move):
                with suppress(Problem, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    await self._review()

    async def _review(self) -> None:
        answer, fork = await ask_fork(self._this, self._ask)
        if fork is None or answer.proof is Proof.HANDED_OVER or find_report(self._this.directory, answer.epoch):
            return
        await self._end_writers()
        report = await export(self._this.directory, self._this.dsn, answer, fork)
        _log.warning(
            "rows that are on this host only: %d, see %s. To follow the new primary, stop the network and run moot standby --again",
            report.count, folder_of(self._this.directory, answer.epoch),
        )

    async def _end_writers(self) -> None:
        """A commit that waits for the new primary shows its rows only when its wait has ended."""
        async with self._this.session() as session:
            while await queries.end_writers(session):
                await asyncio.sleep(_POLL_SECONDS)

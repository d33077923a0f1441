"""Keeps the off-site copy close behind: a new base when one is needed, and a push every half minute.

The spool is bounded. If the repository is away for so long that the spool is full, the spool is emptied and the chain
ends: the next one begins with a new base when the repository answers again. Errors do not end this work; they are in the
state, which `moot status`, `moot doctor` and `/metrics` read.
"""

import logging
from pathlib import Path

import msgspec

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.portability.backup import Source
from folkmoot.portability.backup_key import BackupKey
from folkmoot.portability.offsite.capture import store_base, store_push
from folkmoot.portability.offsite.chain import BASE, CHAIN, FOLDER, PUSH, State, read_state, write_state
from folkmoot.portability.offsite.spool import Spool
from folkmoot.portability.offsite.target import Target
from folkmoot.portability.postgres import Binaries
from folkmoot.portability.progress import NoProgress
from folkmoot.portability.repository import Refused, Repository

PUSH_SECONDS = 30.0
_BASE_AGAIN = 300.0  # seconds after a base that failed
_SEGMENT = 16 * 2**20
_KEPT_CHAINS = 2
_SUPERSEDED = 20  # pushes that newer ones contain, after which they are removed
_log = logging.getLogger(__name__)


class Copying:
    """The continuous copy of one network. `tick` is called about once a second."""

    def __init__(self, source: Source, target: Target, key: BackupKey, binaries: Binaries, *, spool_bytes: int) -> None:
        self._source = source
        self._key = key
        self._binaries = binaries
        self._limit = max(4, spool_bytes // _SEGMENT)  # in segments
        self._repository = Repository(target, key.repository, is_host=True, cache=source.data.path / FOLDER / "cache")
        self._spool = Spool(source.data, binaries)
        self._spool.prepare()
        self._push_at = self._base_at = 0.0
        self._may_delete = True
        self.state = read_state(source.data.path) or State()

    def tick(self) -> None:
        """Pushes if it is time. A chain without its spool, or with a gap, ends."""
        now = clock.monotonic()
        if self.state.chain and (self._spool.has_gap() or self._is_full()):
            self.end_chain("the write-ahead log was not received without a gap" if self._spool.has_gap() else
                           "the repository was away for so long that the spool was full")
        if not self.state.chain and now >= self._base_at:
            self._attempt(self.renew_base)
            self._base_at = clock.monotonic() + _BASE_AGAIN
        if self.state.chain and now >= self._push_at:
            self._push_at = now + PUSH_SECONDS
            self._attempt(self._push)

    def renew_base(self) -> None:
        """Begins a new chain, and removes chains that are older than the previous one. Raises Problem."""
        self._keep(store_base(self._source, self._repository, self._key, self._spool, self._binaries, NoProgress()))
        self._push()  # a base cannot be restored without the log that was written meanwhile
        self._forget_old_chains()

    def end_chain(self, why: str) -> None:
        """Stops receiving and empties the spool: a new base is needed."""
        _log.warning("the off-site copy needs a new base, because %s", why)
        self._spool.clear()
        self._keep(State(confirmed_at=self.state.confirmed_at, said=why))

    def stop(self) -> None:
        self._spool.stop()

    def _push(self) -> None:
        self._keep(store_push(self._source, self._repository, self._key, self._spool, self.state))
        self._shorten()
        self._forget_superseded()

    def _shorten(self) -> None:
        """Removes pushed segments from a spool that is half full. The last push stays in the repository: it contains them."""
        segments = self._spool.finished()
        if len(segments) > self._limit // 2:
            self._spool.remove_before(segments[-1])

    def _forget_superseded(self) -> None:
        """Removes pushes whose segments and pictures a newer push contains. The two newest always stay."""
        newest = self.state.pushes[-1]
        old = [push for push in self.state.pushes[:-2] if push.first[8:] >= newest.first[8:]]
        if len(old) < _SUPERSEDED or not self._may_delete:
            return
        try:
            self._repository.forget([push.snapshot for push in old], prunes=False)
        except Refused:
            self._may_delete = False
            return
        self._keep(msgspec.structs.replace(self.state, pushes=[push for push in self.state.pushes if push not in old]))

    def _forget_old_chains(self) -> None:
        snapshots = self._repository.snapshots()
        chains = [snapshot.tag(CHAIN) for snapshot in snapshots if snapshot.kind == BASE]
        old = [one.id for one in snapshots if one.kind in (BASE, PUSH) and one.tag(CHAIN) not in chains[:_KEPT_CHAINS]]
        if old and self._may_delete:
            try:
                self._repository.forget(old)
            except Refused:
                self._may_delete = False

    def _is_full(self) -> bool:
        return len(self._spool.finished()) >= self._limit

    def _attempt(self, work) -> None:  # type: ignore[no-untyped-def]
        """Runs a step. An error is logged when it is another one than last time."""
        try:
            work()
        except (Problem, OSError) as error:
            said = error.message % error.params if isinstance(error, Problem) and error.params else str(error)
            if said != self.state.said:
                _log.warning("the off-site copy is late: %s", said)
            self._keep(msgspec.structs.replace(self.state, said=said, spool_bytes=self._spool.bytes))

    def _keep(self, state: State) -> None:
        self.state = state
        write_state(self._source.data, state)


def age_of(state: State) -> float | None:
    """Seconds since the moment before which everything is off-site; None if nothing is."""
    return (clock.now() - state.confirmed_at).total_seconds() if state.confirmed_at else None


def is_copied(data: Path) -> bool:
    """Whether this host has made a continuous copy."""
    return read_state(data) is not None

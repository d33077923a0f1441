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
from folkmoot.portability.offsite.capture import receive, store_base, store_push
from folkmoot.portability.offsite.chain import BASE, CHAIN, FOLDER, PUSH, State, read_state, write_state
from folkmoot.portability.offsite.child import Child
from folkmoot.portability.offsite.coming import PicturesToCome, is_coming, read_coming
from folkmoot.portability.offsite.spool import Spool
from folkmoot.portability.offsite.target import Target
from folkmoot.portability.postgres_binaries import Binaries
from folkmoot.portability.progress import NoProgress
from folkmoot.portability.repository import Refused, Repository
from folkmoot.portability.snapshots import needed_by

_BASE_AGAIN = 300.0  # seconds after a base that failed
_SEGMENT = 16 * 2**20
_KEPT_CHAINS = 2
_SUPERSEDED = 20  # pushes that newer ones contain, after which they are removed
_log = logging.getLogger(__name__)


class Copying:
    """The continuous copy of one network. `tick` is called about once a second."""

    def __init__(
        self, source: Source, target: Target, key: BackupKey, binaries: Binaries, *, epoch: int, spool_bytes: int, push_seconds: float
    ) -> None:
        self._source = source
        self._key = key
        self._push_seconds = push_seconds
        self._limit = max(4, spool_bytes // _SEGMENT)  # in segments
        self._repository = Repository(target, key.repository, is_host=True, cache=source.data.path / FOLDER / "cache")
        self._spool = Spool(source.data, binaries)
        self._spool.prepare()
        self._push_at = self._base_at = 0.0
        self._may_delete = True
        self._base: Child | None = None
        self._pinned = ""  # the first segment that the base in progress needs
        self.state = read_state(source.data.path) or State()
        if self.state.repository not in ("", target.shown):
            _log.warning("the off-site copy begins anew in %s", target)
            self._spool.clear()
            self._keep(State())  # there is no base in this repository, and nothing of the log
        if self.state.chain and not self._continues(epoch):
            self._end_chain("this host was not the primary all the time, or its spool was removed")

    def tick(self) -> None:
        """Begins a base if there is none, pushes if it is time. A chain with a gap ends."""
        if self._base and self._base.is_over():
            self._attempt(self._adopt_base)
            if not self.state.chain:
                self._spool.clear()  # until the next attempt
        if (self.state.chain or self._spool.is_receiving) and (self._spool.has_gap() or self._is_full()):
            self._end_chain("the log was not received without a gap" if self._spool.has_gap() else "the spool was full")
        has_all_pictures_now = bool(self.state.elsewhere) and not is_coming(self._source.data.path)
        if (not self.state.chain or has_all_pictures_now) and not self._base and clock.monotonic() >= self._base_at:
            self._attempt(self.begin_base)
        if self.state.chain and clock.monotonic() >= self._push_at:
            self._push_at = clock.monotonic() + self._push_seconds
            self._attempt(self.push)

    def begin_base(self) -> None:
        """Makes a base in a child process. Meanwhile pushes continue the present chain. Raises Problem."""
        self._base_at = clock.monotonic() + _BASE_AGAIN
        receive(self._source, self._spool)
        self._pinned = self._spool.partial()
        self._new_state.unlink(missing_ok=True)
        self._base = Child("a base backup", self._store_base)

    def retry_base_now(self) -> None:
        """Makes the next base without a pause after one that failed."""
        self._base_at = 0.0

    @property
    def is_making_base(self) -> bool:
        return self._base is not None

    def stop(self) -> None:
        if self._base:
            self._base.stop()
        self._spool.stop()

    @property
    def _new_state(self) -> Path:
        return self._source.data.path / FOLDER / "base.json"

    def _store_base(self) -> None:
        """In the child. An error is passed to the parent in the state."""
        try:
            snapshots = {snapshot.id for snapshot in self._repository.snapshots()}  # before the database is copied for nothing
            coming = read_coming(self._source.data.path)
            if coming and not snapshots.issuperset(coming.snapshots):
                raise PicturesToCome("pictures are still fetched from another repository; then the continuous copy begins")
            elsewhere = coming.snapshots if coming else []
            made = store_base(self._source, self._repository, self._key, self._spool.binaries, NoProgress(), elsewhere)
        except (Problem, OSError) as error:
            made = State(said=sentence_of(error))
        self._source.data.write(self._new_state, msgspec.json.encode(made))

    def _adopt_base(self) -> None:
        """Begins the chain of the new base, and removes chains that are older than the previous one. Raises Problem."""
        self._base, self._pinned = None, ""
        if not self._new_state.exists():
            raise Problem("the base backup ended before it was complete")
        made = msgspec.json.decode(self._new_state.read_bytes(), type=State)
        self._new_state.unlink()
        if not made.chain:
            raise Problem("%(said)s", said=made.said)
        self._spool.remove_before(made.first)
        self._keep(msgspec.structs.replace(made, confirmed_at=self.state.confirmed_at))
        self.push()  # a base cannot be restored without the log that was written meanwhile
        self._forget_old_chains()

    def _continues(self, epoch: int) -> bool:
        """Whether the spool goes on where the last push ended, and in the same epoch: another host may have written meanwhile."""
        segments = [*self._spool.finished(), self._spool.partial()]
        last = self.state.pushes[-1].last if self.state.pushes else self.state.first
        return self.state.epoch == epoch and any(segment and segment[8:] <= last[8:] for segment in segments)

    def _end_chain(self, why: str) -> None:
        """Stops receiving and empties the spool: a new base is needed."""
        _log.warning("the off-site copy needs a new base, because %s", why)
        if self._base:
            self._base.stop()
            self._base = None
        self._spool.clear()
        self._keep(State(confirmed_at=self.state.confirmed_at, said=why))

    def push(self) -> None:
        self._keep(store_push(self._source, self._repository, self._key, self._spool, self.state))
        self._shorten()
        self._forget_superseded()

    def _shorten(self) -> None:
        """Removes pushed segments from a spool that is half full. The last push stays in the repository: it contains them."""
        segments = self._spool.finished()
        if len(segments) > self._limit // 2:
            self._spool.remove_before(min(segments[-1], self._pinned or segments[-1]))

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
        bases = [snapshot for snapshot in snapshots if snapshot.kind == BASE][:_KEPT_CHAINS]
        chains, needed = [base.tag(CHAIN) for base in bases], needed_by(bases)
        old = [one.id for one in snapshots if one.kind in (BASE, PUSH) and one.tag(CHAIN) not in chains and one.id not in needed]
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
            said = sentence_of(error)
            if said != self.state.said:
                _log.warning("the off-site copy is late: %s", said)
            self._keep(msgspec.structs.replace(self.state, said=said, spool_bytes=self._spool.bytes))

    def _keep(self, state: State) -> None:
        self.state = msgspec.structs.replace(state, repository=self._repository.target.shown)
        write_state(self._source.data, self.state)


def sentence_of(error: Exception) -> str:
    return error.message % error.params if isinstance(error, Problem) and error.params else str(error)

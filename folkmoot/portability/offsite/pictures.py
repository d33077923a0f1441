"""The process that fetches the pictures of a restored network, a child of `moot up` while some are to come.

What somebody waits for comes first: the main thread looks for questions (`wanted.py`) twenty times a second. A second
thread of low priority fetches the rest: the newest pictures first, then everything by the beginning of its hash.
restic takes half a second for each start, whether it fetches one file or twenty, so files are fetched together. A picture
gets its place only after its hash was compared; a killed process loses at most the batch that it was fetching.
"""

import asyncio
import logging
import shutil
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import asyncpg
import msgspec

from folkmoot.base.driver_errors import UNREACHABLE
from folkmoot.base.errors import Problem
from folkmoot.base.file_store import FileName, LocalFiles, sync_disk
from folkmoot.portability.backup import SPARE
from folkmoot.portability.backup_key import BackupKey, NotSigned
from folkmoot.portability.damage import sha256_of
from folkmoot.portability.data_directory import DataDirectory, sync_folder
from folkmoot.portability.dump import require_space
from folkmoot.portability.offsite.batches import Batch, divide, named
from folkmoot.portability.offsite.chain import FOLDER, MEDIA
from folkmoot.portability.offsite.child import lower_priority
from folkmoot.portability.offsite.coming import FILE, LOST, Coming, is_coming, read_coming, write_coming
from folkmoot.portability.offsite.held_pictures import list_pictures
from folkmoot.portability.offsite.queries import list_all_media, list_newest_media
from folkmoot.portability.offsite.target import Credentials, locate
from folkmoot.portability.offsite.wanted import Wanted
from folkmoot.portability.progress import NoProgress
from folkmoot.portability.repository import Repository

_LOOK_SECONDS = 0.05
_RETRY_SECONDS, _LONGEST_RETRY = 5.0, 60.0
_NEWEST = 1000  # files that are fetched before the rest
_SYNCED_ALONE = 32  # files; more are written to disk at once
_TRIES = 3
_log = logging.getLogger(__name__)


def run_pictures(data: DataDirectory, dsn: str) -> None:
    """Runs until every picture is here that the repository has."""
    coming, key = read_coming(data.path), BackupKey.find(data)
    if coming and key:
        Pictures(data, dsn, coming, key).run()


class _GivenUp(Exception):
    """The operator does not wait for the repository any more."""


class Pictures:
    """Fetches the pictures of one data directory."""

    def __init__(self, data: DataDirectory, dsn: str, coming: Coming, key: BackupKey) -> None:
        self._data = data
        self._dsn = dsn
        self._state = coming
        self._key = key
        target = locate(coming.location, Credentials(coming.user, coming.password, data.path / "secrets"))
        self._repository = Repository(target, key.repository, is_read_only=True, is_host=True, cache=data.path / FOLDER / "cache")
        self._folder = data.path / MEDIA
        self._stages = data.path / FOLDER / "pictures"
        self._store = LocalFiles(self._folder)
        self._wanted = Wanted(data.path)
        self._holders: dict[str, str] = {}  # which snapshot holds a picture
        self._missing: dict[str, int] | None = None  # None: not counted yet
        self._tries: dict[str, int] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def run(self) -> None:
        with suppress(_GivenUp):
            self._run()

    def _run(self) -> None:
        shutil.rmtree(self._stages, ignore_errors=True)
        self._until_it_answers(self._look_into_snapshots)
        background = threading.Thread(target=self._fetch_everything, daemon=True)
        background.start()
        while background.is_alive() and is_coming(self._data.path):
            self._answer(self._wanted.list())
            self._ended.wait(_LOOK_SECONDS)
        if self._ended.is_set():
            background.join()
        shutil.rmtree(self._stages, ignore_errors=True)
        if not self._ended.is_set() and is_coming(self._data.path):
            raise Problem("the thread that fetches pictures has failed")

    def _until_it_answers(self, work: Callable[[], None]) -> None:
        """Repeats while the repository or the database does not answer. The state says why, and nobody waits meanwhile.

        Raises _GivenUp if the operator has removed the state.
        """
        pause = _RETRY_SECONDS
        while True:
            try:
                return work()
            except (Problem, *UNREACHABLE) as error:
                self._say(error)
            if not is_coming(self._data.path):
                raise _GivenUp
            for name in self._wanted.list():
                self._wanted.answer(name)
            self._ended.wait(pause)
            pause = min(_LONGEST_RETRY, 2 * pause)

    def _say(self, error: Exception) -> None:
        said = error.message % error.params if isinstance(error, Problem) and error.params else str(error)
        if said != self._state.said:
            _log.warning("pictures are not fetched: %s", said)
        self._keep(said)

    def _look_into_snapshots(self) -> None:
        self._repository.require()
        known = {snapshot.id: snapshot for snapshot in self._repository.snapshots()}
        for name in self._state.snapshots:
            if name not in known:
                _log.warning("the snapshot %s, which holds pictures, is no longer in the repository", name[:8])
                continue
            try:
                for picture in list_pictures(self._repository, self._key.authority, known[name]):
                    self._holders.setdefault(picture, name)
            except NotSigned as error:
                _log.warning("the pictures of the snapshot %s are not used, because %s", name[:8], error.message)

    def _fetch_everything(self) -> None:
        """The thread in the background. Its priority is that of restic too, which it starts."""
        lower_priority(is_waited_for=True)
        with suppress(_GivenUp):
            self._fetch_missing()

    def _fetch_missing(self) -> None:
        self._until_it_answers(self._find_missing)
        while self._missing:
            for snapshot, batch in self._divide(dict(self._missing)):
                self._until_it_answers(partial(self._take, snapshot, batch, "background"))
        self._end()

    def _find_missing(self) -> None:
        """Which pictures the database needs, the disk does not have, and the repository has."""
        needed = asyncio.run(self._list_needed())
        self._missing = {
            path: size for path, size in needed.items() if path in self._holders and not (self._folder / path).exists()
        }
        self._keep()

    async def _list_needed(self) -> dict[str, int]:
        """The newest come first."""
        connection = await asyncpg.connect(self._dsn, timeout=10, server_settings={"application_name": "folkmoot pictures"})
        try:
            return {**await list_newest_media(connection, _NEWEST), **await list_all_media(connection)}
        finally:
            connection.terminate()

    def _divide(self, files: dict[str, int]) -> Iterator[tuple[str, Batch]]:
        """Each batch is in one snapshot."""
        newest = dict(list(files.items())[:_NEWEST])
        rest = {path: size for path, size in files.items() if path not in newest}
        for part in (newest, rest):
            for snapshot in dict.fromkeys(self._holders[path] for path in part):
                held = {path: size for path, size in part.items() if self._holders[path] == snapshot}
                for batch in named(list(held)) if part is newest else divide(held):
                    yield snapshot, batch

    def _answer(self, wanted: list[FileName]) -> None:
        """Fetches what somebody waits for. A picture that the repository does not have is answered too."""
        paths = [name.path for name in wanted if name.path in self._holders and self._tries.get(name.path, 0) < _TRIES]
        try:
            for snapshot in {self._holders[path] for path in paths}:
                for batch in named([path for path in paths if self._holders[path] == snapshot]):
                    self._take(snapshot, batch, "wanted")
        except (Problem, OSError) as error:
            self._say(error)
        finally:
            for name in wanted:
                self._wanted.answer(name)

    def _take(self, snapshot: str, batch: Batch, purpose: str) -> None:
        """Fetches a batch and puts the files into their places. Raises Problem if the repository does not answer."""
        missing = [path for path in batch.paths if not (self._folder / path).exists()]
        stage = self._stages / purpose
        try:
            if missing:
                require_space(self._data.path, sum((self._missing or {}).get(path, 0) for path in missing) + SPARE, "Fetching pictures")
                self._fetch(snapshot, stage, batch.patterns(missing))
                self._place(stage / MEDIA, missing)
            self._note(batch.paths)
        finally:
            shutil.rmtree(stage, ignore_errors=True)

    def _fetch(self, snapshot: str, stage: Path, patterns: list[str]) -> None:
        """restic goes on after a damaged file. Raises Problem if the repository does not answer."""
        try:
            self._repository.fetch(snapshot, stage, 0, NoProgress(), patterns)
        except Problem:
            self._repository.require()
            self._repository.snapshots()

    def _place(self, fetched: Path, paths: Collection[str]) -> None:
        """Moves each file whose hash is its name into its place."""
        there = [path for path in paths if (fetched / path).is_file()]
        with ThreadPoolExecutor(2) as pool:
            hashes = pool.map(sha256_of, [fetched / path for path in there])
            good = [path for path, found in zip(there, hashes, strict=True) if found == Path(path).stem]
        if len(good) <= _SYNCED_ALONE:
            asyncio.run(self._add(fetched, good))
            return
        sync_disk(fetched)
        folders = {path.partition("/")[0] for path in good}
        for folder in folders:
            (self._folder / folder).mkdir(mode=0o700, exist_ok=True)
        for path in good:
            (fetched / path).rename(self._folder / path)
        for folder in folders:
            sync_folder(self._folder / folder)

    async def _add(self, fetched: Path, paths: list[str]) -> None:
        for path in paths:
            await self._store.add(FileName.of(path), fetched / path)

    def _note(self, paths: list[str]) -> None:
        """Counts what is left. A file that has failed several times is damaged in the repository, and is given up."""
        with self._lock:
            for path in paths:
                is_here = (self._folder / path).exists()
                self._tries[path] = self._tries.get(path, 0) + (not is_here)
                if self._missing and (is_here or self._tries[path] >= _TRIES):
                    self._missing.pop(path, None)
        self._keep()

    def _keep(self, said: str = "") -> None:
        with self._lock:
            if self._ended.is_set() or not is_coming(self._data.path):
                return
            state = msgspec.structs.replace(self._state, said=said)
            if self._missing is not None:
                state = msgspec.structs.replace(state, left_files=len(self._missing), left_bytes=sum(self._missing.values()))
            if state != self._state:
                self._state = state
                write_coming(self._data, state)

    def _end(self) -> None:
        lost = sorted(path for path, tries in self._tries.items() if tries >= _TRIES and not (self._folder / path).exists())
        if lost:
            file = self._data.path / FOLDER / LOST
            self._data.write(file, "".join(f"{path}\n" for path in lost).encode())
            _log.warning("%d pictures are damaged in the repository; their names are in %s", len(lost), file)
        _log.info("all other pictures of the copy are here" if lost else "all pictures of the copy are here")
        with self._lock:
            self._ended.set()
            (self._data.path / FILE).unlink(missing_ok=True)

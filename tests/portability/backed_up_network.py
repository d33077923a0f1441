"""A running network that is backed up while members post; shared by the tests of backup and restore."""

import asyncio
import json
import re
import signal
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from folkmoot.base import clock
from folkmoot.commands.options import open_database, settings_of
from folkmoot.network.sessions import mails, queries
from folkmoot.network.sessions.actions import start_session
from folkmoot.portability.recovery_key import RecoveryKey
from tests.network_up import MOOT, ROOT, NetworkUp, environment_with, moot

CANARY = "kanárek v dole 4711"


def answer_of(done: "subprocess.CompletedProcess[str]") -> Any:
    """The last line of a command's `--json` output."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def kill_when(condition: Callable[[], Callable[[], bool]], *arguments: str, undo: Callable[[], object] = lambda: None) -> None:
    """Starts a command and kills it with SIGKILL as soon as the condition is true. `condition`: called before each start.

    On a busy machine the command can end before the condition was seen. Then `undo` removes what the command created, and
    it is tried again.
    """
    for _ in range(10):
        is_reached = condition()
        process = subprocess.Popen(
            [*MOOT, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=ROOT, env=environment_with({}), text=True,
        )
        was_false = False  # leftovers of an earlier kill do not count
        while process.poll() is None:
            is_true = is_reached()
            if is_true and was_false:
                process.kill()
                break
            was_false = was_false or not is_true
            time.sleep(0.001)
        _, errors = process.communicate()
        if process.returncode == -signal.SIGKILL:
            return
        assert process.returncode == 0, errors
        undo()
    raise AssertionError("the command ended each time before it was killed")


def ask(url: str, path: str, *, token: str = "", session: str = "", form: dict[str, str] | None = None) -> str:
    headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **({"Cookie": f"folkmoot={session}"} if session else {})}
    body = urllib.parse.urlencode(form).encode() if form else None
    with urllib.request.urlopen(urllib.request.Request(url + path, body, headers), timeout=60) as answer:
        return str(answer.read().decode())


@dataclass
class BackedUpNetwork:
    """The network, its repository and recovery key, and the access token and browser session of a member."""

    up: NetworkUp
    repository: Path
    key_file: Path
    token: str = ""
    session: str = ""
    recovery: RecoveryKey = field(default_factory=RecoveryKey.new)
    first: Any = None
    posted: list[str] = field(default_factory=list)
    slowest: float = 0  # seconds until a post was accepted
    posted_before: int = 0  # when the backup began

    @property
    def data(self) -> Path:
        return self.up.data

    def back_up_while_members_post(self) -> None:
        """Makes the first backup while two threads post; each post must be accepted."""
        done = threading.Event()

        def write() -> None:
            while not done.is_set():
                began = time.monotonic()
                said = ask(self.up.url, "/api/v1/statuses", token=self.token, form={"status": f"Píšu dál, {len(self.posted)}"})
                self.posted.append(json.loads(said)["id"])
                self.slowest = max(self.slowest, time.monotonic() - began)

        writers = [threading.Thread(target=write) for _ in range(2)]
        for writer in writers:
            writer.start()
        while len(self.posted) < 10:
            time.sleep(0.01)
        self.posted_before = len(self.posted)
        backup = moot("backup", "--to", str(self.repository), "--json", data=self.data)
        done.set()
        for writer in writers:
            writer.join()
        assert backup.returncode == 0, backup.stderr
        shown, self.first = map(json.loads, backup.stdout.splitlines())
        self.recovery = RecoveryKey.read(" ".join(shown["recovery_key"]))
        self.key_file.write_text(" ".join(shown["recovery_key"]))

    def restore(self, target: Path, *options: str, repository: Path | None = None) -> "subprocess.CompletedProcess[str]":
        return moot("restore", "--from", str(repository or self.repository), "--key-file", str(self.key_file), *options, data=target)


async def _log_in(data: Path) -> str:
    """Starts a browser session of jana; adds an unused code, a waiting mail and a parked mail. Returns the session token."""
    settings = settings_of(data)
    async with open_database(settings) as database, database.write() as tx:
        login = await queries.find_login_by_name(tx, "jana")
        assert login
        await tx.execute(
            "INSERT INTO one_time_codes (code_hash, kind, account_id, email, expires_at) VALUES ('x', 'reset_password', $1, 'e', $2)",
            login.account_id, clock.now(),
        )
        mail = mails.Mail(to="eva@example.org", text="confirm_email", language="cs", link="/confirm/x")
        tx.enqueue(mails.JOB, mail, delay=timedelta(days=9))
        tx.enqueue(mails.JOB, mail, delay=timedelta(days=9))
        await tx.flush()
        await tx.execute("UPDATE jobs SET parked_at = now() WHERE id = (SELECT max(id) FROM jobs WHERE name = $1)", mails.JOB)
        return await start_session(tx, login, "a browser of the tests", "127.0.0.1")


def build(folder: Path) -> BackedUpNetwork:
    up = NetworkUp(folder / "data", FOLKMOOT_OFFSITE_IS_CONTINUOUS="false")
    backed_up = BackedUpNetwork(up.wait(), folder / "repository", folder / "key")
    backed_up.token = moot("token", "create", "jana", data=backed_up.data).stdout.strip()
    backed_up.session = asyncio.run(_log_in(backed_up.data))
    ask(backed_up.up.url, "/api/v1/statuses", token=backed_up.token, form={"status": CANARY, "visibility": "private"})
    backed_up.back_up_while_members_post()
    return backed_up


def words_in(text: str) -> list[str]:
    """The words of a printed recovery key, in order."""
    found = {int(number): word for number, word in re.findall(r"(\d+)\. ([a-z]+)", text)}
    return [found[number] for number in sorted(found)]

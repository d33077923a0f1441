"""A running network that is backed up while people write: what the tests of backup and restore share."""

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
from tests.network_up import MOOT, ROOT, NetworkUp, _environment, moot

CANARY = "kanárek v dole 4711"


def answer_of(done: "subprocess.CompletedProcess[str]") -> Any:
    """The last line of `--json`."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def kill_when(moment: Callable[[], Callable[[], bool]], *arguments: str, undo: Callable[[], object] = lambda: None) -> None:
    """Starts a command and kills it, with SIGKILL, as soon as it is so. `moment`: asked before the start, for what to look at.

    On a busy machine the moment can be over before we look: then `undo` removes what the whole command made, and it
    is tried again.
    """
    for _ in range(10):
        is_so = moment()
        process = subprocess.Popen(
            [*MOOT, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=ROOT, env=_environment({}), text=True,
        )
        was_seen_missing = False  # what an earlier kill left does not count
        while process.poll() is None:
            there = is_so()
            if there and was_seen_missing:
                process.kill()
                break
            was_seen_missing = was_seen_missing or not there
            time.sleep(0.001)
        _, said = process.communicate()
        if process.returncode == -signal.SIGKILL:
            return
        assert process.returncode == 0, said
        undo()
    raise AssertionError("it had ended before, each time")


def ask(url: str, path: str, *, token: str = "", session: str = "", form: dict[str, str] | None = None) -> str:
    headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **({"Cookie": f"folkmoot={session}"} if session else {})}
    body = urllib.parse.urlencode(form).encode() if form else None
    with urllib.request.urlopen(urllib.request.Request(url + path, body, headers), timeout=20) as answer:
        return str(answer.read().decode())


@dataclass
class House:
    """The network, what its people carry, its repository and the recovery key."""

    up: NetworkUp
    repository: Path
    key_file: Path
    token: str = ""
    session: str = ""
    recovery: RecoveryKey = field(default_factory=RecoveryKey.new)
    first: Any = None
    posted: list[str] = field(default_factory=list)
    slowest: float = 0
    running_before: int = 0

    @property
    def data(self) -> Path:
        return self.up.data

    def back_up_while_people_write(self) -> None:
        """The first backup, in the middle of posts; each of them must be accepted."""
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
        self.running_before = len(self.posted)
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


async def _let_in(data: Path) -> str:
    """Jana's browser, and a code that was sent to her and never used."""
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


def build(folder: Path) -> House:
    house = House(NetworkUp(folder / "data").wait(), folder / "repository", folder / "key")
    house.token = moot("token", "create", "jana", data=house.data).stdout.strip()
    house.session = asyncio.run(_let_in(house.data))
    ask(house.up.url, "/api/v1/statuses", token=house.token, form={"status": CANARY, "visibility": "private"})
    house.back_up_while_people_write()
    return house


def words_in(text: str) -> list[str]:
    """The recovery key as it is printed for people."""
    found = {int(number): word for number, word in re.findall(r"(\d+)\. ([a-z]+)", text)}
    return [found[number] for number in sorted(found)]

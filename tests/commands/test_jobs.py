"""`moot jobs` on a running network with parked and waiting jobs."""

import asyncio
import json
import time
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from folkmoot.base.db import Database
from folkmoot.base.queue import queries
from folkmoot.base.queue.model import State, StoredJob
from folkmoot.commands.jobs import without_jurors
from folkmoot.commands.options import settings_of
from folkmoot.network.sessions import mails
from tests.network_up import NetworkUp, moot

_MAIL = mails.Mail(text="reset_password", to="eva@example.org", language="en", link="/reset/secret")


@pytest.fixture
def network(open_folder: Path) -> Iterator[NetworkUp]:
    up = NetworkUp(open_folder / "data", "--no-demo", FOLKMOOT_SERVER_PROCESSES="1").wait()
    yield up
    up.stop()


async def _enqueue_mail(up: NetworkUp, *, later: bool = False) -> int:
    """Enqueues a mail job and returns its id. The job is parked as if all tries had failed, or, if `later`, not due yet."""
    database = await Database.open(settings_of(up.data).dsn, listen=False)
    async with database.write() as tx:
        tx.enqueue(mails.JOB, _MAIL, delay=timedelta(days=1))
        await tx.flush()
        if not later:
            await tx.execute("UPDATE jobs SET parked_at = now(), tries = 6, last_error = 'SMTPException: refused' WHERE tries = 0")
        number = max(job.id for job in await queries.list_jobs(tx))
    await database.close()
    return number


def _json(*arguments: str, data: Path) -> Any:
    answer = moot("jobs", *arguments, "--json", data=data)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def _mails(data: Path) -> int:
    return len(list((data / "outbox").glob("*.eml")))


async def test_parked_jobs_are_listed_shown_retried_and_dropped(network: NetworkUp) -> None:
    data = network.data
    assert moot("jobs", "list", data=data).stdout == "0 waiting, 0 running, 0 parked.\n"
    first, second, waiting = await _enqueue_mail(network), await _enqueue_mail(network), await _enqueue_mail(network, later=True)

    listed = _json("list", data=data)
    assert (listed["waiting"], listed["running"], listed["parked"]) == (1, 0, 2)
    assert [(job["id"], job["state"]) for job in listed["jobs"]] == [(first, "parked"), (second, "parked"), (waiting, "later")]
    text = moot("jobs", "list", data=data).stdout
    assert "SMTPException: refused" in text
    assert "moot jobs retry --all" in text
    assert "secret" not in text
    assert [job["id"] for job in _json("list", "--state", "later", data=data)["jobs"]] == [waiting]

    shown = moot("jobs", "show", str(first), data=data).stdout
    assert "6 times with an error" in shown
    assert "/reset/secret" in shown

    ready = network.get("/readyz")
    assert ready == {"ready": True, "reasons": [], "warnings": ["2 jobs sessions.send_mail failed and are parked: moot jobs list"]}
    assert "folkmoot_jobs_parked 2\n" in _metrics(network)
    doctor = moot("doctor", data=data)
    assert doctor.returncode == 0
    assert "2 jobs sessions.send_mail failed and are parked" in doctor.stdout
    assert json.loads(moot("status", "--json", data=data).stdout)["jobs_parked"] == 2

    assert _json("drop", str(second), data=data) == {"dropped": second}
    assert _json("retry", "--all", data=data) == {"retried": 1}
    assert _json("retry", str(waiting), data=data) == {"retried": 1}
    deadline = time.monotonic() + 60
    while _mails(data) < 2:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    assert network.get("/readyz")["warnings"] == []

    for arguments, sentence in (
        (("show", "1"), "no such job"), (("drop", "1"), "no such job"), (("retry", "1"), "None of these jobs"), (("retry",), "--all"),
        (("retry", "--all", "1"), "--all"),
    ):
        refused = moot("jobs", *arguments, data=data)
        assert refused.returncode == 1
        assert sentence in refused.stderr
    assert moot("jobs", "retry", "--all", data=data).stdout == "No job is parked.\n"


@pytest.mark.parametrize("text", ["jury_call", "excluded_from_jury", "reset_password"])
def test_a_job_does_not_name_a_juror(text: str) -> None:
    mail = msgspec.structs.replace(_MAIL, text=text)
    job = StoredJob(
        id=1, name=mails.JOB, state=State.PARKED, age=1, due_in=0, tries=6, crashes=0, last_error=f"refused: {mail.to}", parked_at=None,
        payload=msgspec.json.encode(mail),
    )
    shown = without_jurors(job)
    is_named = text == "reset_password"
    assert (mail.to in shown.payload.decode(), mail.to in (shown.last_error or "")) == (is_named, is_named)
    assert f'"{text}"' in shown.payload.decode()


def _metrics(network: NetworkUp) -> str:
    with urllib.request.urlopen(f"{network.url}/metrics", timeout=60) as answer:
        return str(answer.read().decode())

"""`moot doctor` names what keeps a network from working well: its jobs, people, pictures, backups and cases."""

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from folkmoot import config
from folkmoot.base import clock
from folkmoot.base.migrate import known
from folkmoot.commands import doctor
from folkmoot.commands.checks import operation
from folkmoot.commands.checks.model import BROKEN, GOOD, WARNING
from folkmoot.config import Settings
from folkmoot.moderation.cases.calls import CALL_WEBHOOK, Call
from folkmoot.network.sessions.model import Role
from folkmoot.portability.queries import insert_run
from folkmoot.portability.runs import BACKUP, DRILL, Run
from tests.api.test_accounts import picture
from tests.commands.findings import settings_with, states_of
from tests.village import Village, settle


async def _ask(village: Village) -> dict[str, str]:
    async with village.database.read() as conn:
        return states_of(await doctor._ask_database(village.settings, conn))


async def test_a_new_network_without_a_worker_people_or_backups_is_described(village: Village) -> None:
    found = await _ask(village)
    assert found.items() >= {
        "worker.runs": BROKEN, "people.operator": WARNING, "people.moderator": WARNING, "backup.recent": WARNING, "drill.recent": WARNING,
        "journal.sealed": GOOD, "cases.overdue": GOOD, "host.role": GOOD,
    }.items()
    await settle(village.database, "eva", Role.OPERATOR)
    assert not {"people.operator", "people.moderator", "queue.unknown"} & set(await _ask(village))


async def test_faults_of_jobs_are_named(village: Village) -> None:
    async with village.database.write() as tx:
        await tx.execute(
            "INSERT INTO jobs (name, payload, due_at, parked_at) VALUES ('gone.job', '{}', now() - interval '2 minutes', NULL),"
            " ('events.deliver', '{}', now(), now())"
        )
        await tx.execute(
            "INSERT INTO timed_jobs (name, last_run_at, failures, last_error) VALUES ('journal.seal', now(), 3, 'ValueError: x')"
            " ON CONFLICT (name) DO UPDATE SET failures = 3, last_error = 'ValueError: x'"
        )
    found = await _ask(village)
    assert found.items() >= {"queue.unknown": WARNING, "queue.age": WARNING, "queue.parked": WARNING, "worker.timed": WARNING}.items()
    ready = (await village.nobody().get("/readyz")).json
    assert "1 jobs gone.job wait because no worker of this release knows them" in ready["warnings"]
    assert b"folkmoot_jobs_unknown 1\n" in (await village.nobody().get("/metrics")).body


async def test_demo_members_on_a_public_network_and_waiting_sign_ups_are_named(village: Village, data: Path) -> None:
    await village.settle("jana", "josef", "hana")
    assert "people.demo" not in await _ask(village)
    village.settings = Settings(**{**_fields(village.settings), "server": config.Server(base_url="https://moot.example.org")})
    assert (await _ask(village))["people.demo"] == BROKEN
    async with village.database.write() as tx:
        await tx.execute("UPDATE logins SET approved_at = NULL WHERE email = 'josef@example.org'")
    assert (await _ask(village))["people.waiting"] == WARNING


def _fields(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in settings.__struct_fields__}


async def test_missing_pictures_are_named(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana", "read write")
    assert (await jana.upload("/api/v2/media", "file", picture())).status == 200
    assert (await _ask(village))["media.files"] == GOOD
    for file in (village.settings.data / "media").rglob("*.*"):
        file.unlink()
    assert (await _ask(village))["media.files"] == BROKEN


async def test_backups_that_are_old_failed_lost_or_on_the_same_disk_are_named(
    village: Village, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ran(kind: str, hours: float, is_good: bool = True) -> None:
        async with village.database.write() as tx:
            await insert_run(tx, Run(kind=kind, started_at=clock.now() - timedelta(hours=hours), seconds=1, is_good=is_good,
                                     said="" if is_good else "no room", repository=str(data / "repository")))

    await ran(BACKUP, 30)
    await ran(DRILL, 24 * 8)
    assert (await _ask(village)).items() >= {"backup.recent": WARNING, "drill.recent": WARNING, "backup.repository": WARNING}.items()
    await ran(BACKUP, 1)
    await ran(DRILL, 1)
    (data / "repository").mkdir()
    (data / "repository" / "config").touch()
    monkeypatch.setenv("PATH", "/nonexistent")
    found = await _ask(village)
    assert found.items() >= {"backup.recent": GOOD, "drill.recent": GOOD, "backup.program": WARNING}.items()
    same = os.stat(data).st_dev == os.stat(village.settings.data).st_dev
    assert found.get("backup.same_disk", "") == (WARNING if same else "")
    await ran(BACKUP, 0.5, is_good=False)
    assert (await _ask(village))["backup.recent"] == WARNING


async def test_a_host_with_another_role_or_epoch_is_named(village: Village, data: Path) -> None:
    for state, found in (
        ("primary", ("host.epoch", BROKEN)), ("standby", ("host.role", WARNING)), ("fenced", ("host.fenced", WARNING)),
        ("returning", ("host.returning", WARNING)),
    ):
        (village.settings.data / "host.json").write_text(json.dumps({"role": state, "epoch": 7}))
        assert found in (await _ask(village)).items()


async def test_an_older_schema_ends_the_questions(village: Village) -> None:
    async with village.database.write() as tx:
        await tx.execute("DELETE FROM migrations WHERE number = $1", known()[-1].number)
    assert set(await _ask(village)) == {"database.schema", "database.checksums"}


def test_faults_of_moderation_are_named(data: Path) -> None:
    from folkmoot.moderation.cases.model import Backlog
    from folkmoot.moderation.journal.model import SealState

    settings = settings_with(data)
    none = Backlog(open=0, late=0, overdue=0, next_due_at=None)
    late = Backlog(open=3, late=1, overdue=2, next_due_at=None)
    assert states_of(operation.check_moderation(late, 1, SealState.SEALING, 4, settings, left=["violence"])) == {
        "cases.overdue": WARNING, "cases.stuck": WARNING, "cases.left": WARNING, "journal.sealed": WARNING,
    }
    found = states_of(operation.check_moderation(none, 0, SealState.ENTRIES_MISSING, 0, settings))
    assert found == {"cases.overdue": GOOD, "journal.whole": BROKEN}


async def test_calls_that_were_not_accepted_are_named(village: Village) -> None:
    async with village.database.write() as tx:
        tx.enqueue(CALL_WEBHOOK, Call(id="one", share=50, count=1, next_due_at=clock.now(), case_ids=(7,)))
    assert "calls.accepted" not in await _ask(village)  # it waits for its first attempt
    async with village.database.write() as tx:
        await tx.execute("UPDATE jobs SET tries = 1, last_error = 'answered 401' WHERE name = $1", CALL_WEBHOOK)
    assert (await _ask(village))["calls.accepted"] == WARNING


def test_notices_that_wait_for_somebody_are_named(data: Path) -> None:
    from folkmoot.moderation.notices.model import NoticeBacklog

    none = NoticeBacklog(open=2, unread=0, unreadable=0, overdue=0)
    late = NoticeBacklog(open=9, unread=3, unreadable=2, overdue=1)
    plain = settings_with(data)
    assert states_of(operation.check_notices(none, plain, None)) == {"notices.answered": GOOD}
    assert states_of(operation.check_notices(late, plain, None)) == {"notices.answered": WARNING, "notices.read": WARNING}
    assert "2 of them mails" in next(one.what for one in operation.check_notices(late, plain, None) if one.check == "notices.read")
    with_mailbox = settings_with(data, '[notices]\nmailbox_host = "imap.example.org"\n')
    for unreceived, state in ((None, WARNING), ("the mailbox cannot be read", WARNING), (21, WARNING), (20, GOOD)):
        assert states_of(operation.check_notices(none, with_mailbox, unreceived))["notices.mailbox"] == state


def test_a_detector_that_cannot_be_used_is_named() -> None:
    assert not list(operation.check_detector("", None))
    assert states_of(operation.check_detector("The detector x is damaged.", None)) == {"detector.usable": WARNING}
    assert states_of(operation.check_detector("", Path("/srv/ours.detector"))) == {"detector.stored": WARNING}


def test_a_detector_that_pauses_is_named() -> None:
    assert states_of(operation.check_detector("", None, [])) == {"detector.examines": GOOD}
    assert states_of(operation.check_detector("", None, [(False, "the detector failed from 10:00 UTC until 10:05 UTC")])) == {
        "detector.examines": WARNING}
    assert states_of(operation.check_detector("", None, [(True, "the detector failed from 10:00 UTC and still")])) == {
        "detector.examines": BROKEN}

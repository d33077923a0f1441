"""A network goes off-site while people write, and comes back on a machine that has only code, repository and words."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from folkmoot.base.db import Database
from folkmoot.base.errors import WritesPaused
from folkmoot.commands.options import settings_of
from folkmoot.portability.backup_key import BackupKey
from folkmoot.portability.data_directory import DataDirectory
from tests.architecture.walks import MOST_FILES, Recording, files_to_open
from tests.network_up import MOOT, ROOT, NetworkUp, _environment, moot
from tests.portability.house import CANARY, House, answer_of, ask, words_in


def test_nobody_waits_while_a_backup_is_made(house: House) -> None:
    assert len(house.posted) > house.running_before, "people wrote meanwhile, and none was refused"
    assert house.slowest < 5
    assert house.first["lost_media"] == []
    assert house.first["media"] >= 6


def test_a_repository_gives_nothing_away(house: House) -> None:
    secret = (house.data / "secrets" / "network-secret").read_bytes().strip()
    everything = b"".join(file.read_bytes() for file in house.repository.rglob("*") if file.is_file())
    for canary in (CANARY.encode(), secret, b"jana@example.org", b"CREATE TABLE"):
        assert canary not in everything
    assert not (house.data / "backup").exists(), "the staging folder is gone"


def test_a_restore_takes_few_files(house: House, place: Path) -> None:
    """To follow, as `tests/architecture/walks.py` counts them; its own nouns are the plan of a restore and the restore."""

    def recorded(command: str, data: Path, *options: str) -> Recording:
        record = place / f"{command}.json"
        module = [sys.executable, "-m", "tests.architecture.walks", str(record)]
        done = subprocess.run([*module, command, "--data", str(data), *options], capture_output=True, text=True, cwd=ROOT, timeout=120)
        assert done.returncode == 0, done.stderr
        return Recording(json.loads(record.read_text()))

    entry = recorded("status", house.data)
    request = recorded("restore", place / "restored", "--from", str(house.repository), "--key-file", str(house.key_file))
    files = files_to_open(request, entry, ["restore", "rebuild"])
    assert "portability/restore.py" in files
    assert len(files) <= MOST_FILES, files


async def _after(data: Path) -> tuple[int, int, int, int]:
    settings = settings_of(data)
    connection = await asyncpg.connect(settings.dsn)
    row = await connection.fetchrow(
        "SELECT (SELECT count(*) FROM posts), (SELECT count(*) FROM one_time_codes),"
        " (SELECT count(*) FROM jobs WHERE name = 'sessions.send_mail'), (SELECT epoch FROM host_state)"
    )
    await connection.close()
    old = await Database.open(settings.dsn, epoch=lambda: 1, listen=False)
    with pytest.raises(WritesPaused):
        async with old.write():
            pass
    await old.close()
    return tuple(row)


def test_the_same_network_comes_back(house: House, place: Path) -> None:
    """Who was logged in still is, apps go on, codes and waiting mails are void, and the old host's epoch cannot write."""
    target = place / "restored"
    answer = answer_of(house.restore(target, "--json", "--snapshot", house.first["snapshot"]))
    assert (answer["equal"], answer["epoch"], answer["posts"]) == (True, 2, house.first["posts"])
    assert answer["next"] == f"moot up --data {target}"
    assert sorted(entry.name for entry in target.iterdir()) == [
        "host.json", "media", "outbox", "postgres", "postgres.log", "run", "secrets"
    ]
    same = ("network-secret", "backup-key")
    assert all((target / "secrets" / name).read_bytes() == (house.data / "secrets" / name).read_bytes() for name in same)
    assert (target / "secrets" / "postgres-password").read_bytes() != (house.data / "secrets" / "postgres-password").read_bytes()
    assert all(file.stat().st_mode & 0o077 == 0 for file in (target / "secrets").iterdir())
    again = NetworkUp(target).wait()
    try:
        assert asyncio.run(_after(target)) == (house.first["posts"], 0, 0, 2)
        assert json.loads(ask(again.url, "/api/v1/accounts/verify_credentials", token=house.token))["username"] == "jana"
        assert "jana" in ask(again.url, "/settings", session=house.session)
        home = json.loads(ask(again.url, "/api/v1/timelines/home?limit=40", token=house.token))
        assert house.posted[house.running_before - 1] in {post["id"] for post in home} or len(home) == 40
        pictures = json.loads(ask(again.url, "/api/v1/timelines/public?limit=40&only_media=true"))
        address = "/" + pictures[0]["media_attachments"][0]["url"].split("/", 3)[3]
        assert subprocess.run(["curl", "-sSf", again.url + address], capture_output=True).returncode == 0
        assert json.loads(ask(again.url, "/api/v1/statuses", token=house.token, form={"status": "Jsme zpátky"}))["id"]
        status = answer_of(moot("status", "--json", data=target))
        assert (status["epoch"], status["backup"]["age_seconds"]) == (2, None), "this host has made no backup yet"
        # Its own key came back with the secrets, so it goes on with the same repository, and nobody types words.
        assert answer_of(moot("backup", "--to", str(house.repository), "--json", data=target))["posts"] == house.first["posts"] + 1
    finally:
        again.stop()


def test_a_list_says_what_counts_and_words_open_it_too(house: House, place: Path) -> None:
    repository = shutil.copytree(house.repository, place / "copy")
    listed = answer_of(moot("backup", "--to", str(repository), "--list", "--json", data=house.data))
    assert all(backup["valid"] for backup in listed)
    first = next(backup for backup in listed if backup["snapshot"] == house.first["snapshot"])
    assert (first["posts"], first["media"]) == (house.first["posts"], house.first["media"])
    # Something that restic accepts, and that nobody signed.
    (place / "about").mkdir()
    (place / "about" / "manifest.json").write_text("{}")
    password = BackupKey.find(DataDirectory(house.data)).repository  # type: ignore[union-attr]
    subprocess.run(
        ["restic", "-r", str(repository), "--no-cache", "backup", "-q", "about"], cwd=place, check=True,
        env={**os.environ, "RESTIC_PASSWORD": password},
    )
    elsewhere = moot("backup", "--to", str(repository), "--list", "--key-file", str(house.key_file), data=place / "nothing")
    assert elsewhere.returncode == 0, elsewhere.stderr
    assert "no: it has no manifest" in elsewhere.stdout.splitlines()[1]
    assert elsewhere.stdout.count("yes") == len(listed)
    checked = answer_of(house.restore(place / "new", "--dry-run", "--json", repository=repository))
    assert checked["snapshot"] != elsewhere.stdout.splitlines()[1].split()[0], "what nobody signed is passed over"
    assert not (place / "new").exists()


def test_a_second_repository_asks_for_the_words(house: House, place: Path) -> None:
    silent = subprocess.run(
        [*MOOT, "backup", "--to", str(place / "second"), "--new", "--data", str(house.data)], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, cwd=ROOT, env=_environment({}),
    )
    assert silent.returncode == 1
    assert "the recovery key is needed" in silent.stderr
    dry = answer_of(moot("backup", "--to", str(place / "second"), "--new", "--dry-run", "--json", data=house.data))
    assert (dry["is_new"], dry["shows_recovery_key"]) == (True, False)
    assert not (place / "second").exists()
    other = place / "other-words"
    other.write_text(" ".join(type(house.recovery).new().words))
    wrong = moot("backup", "--to", str(place / "second"), "--new", "--key-file", str(other), data=house.data)
    assert "This is not the recovery key of this network" in wrong.stderr


def test_words_are_printed_as_they_are_read() -> None:
    from folkmoot.commands.recovery import text_of
    from folkmoot.portability.recovery_key import RecoveryKey

    key = RecoveryKey.new()
    assert words_in(text_of(key)) == key.words

"""A network is backed up while members post, and restored on a machine that has only code, repository and recovery key."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import asyncpg
import msgspec
import pytest

from folkmoot import config
from folkmoot.base.db import Database
from folkmoot.base.errors import WritesPaused
from folkmoot.commands.options import settings_of
from folkmoot.commands.status import _pictures, _pictures_to_come
from folkmoot.portability.backup_key import BackupKey
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.hosts.roster import Rosters, own_id
from folkmoot.portability.names.lifeboat import verify_letter
from tests.architecture.walks import MOST_FILES, Recording, files_to_open
from tests.network_up import MOOT, ROOT, NetworkUp, environment_with, moot
from tests.portability.backed_up_network import CANARY, BackedUpNetwork, answer_of, ask, words_in
from tests.waiting import wait_until


def test_posts_are_accepted_during_a_backup(backed_up: BackedUpNetwork) -> None:
    assert len(backed_up.posted) > backed_up.posted_before, "members posted meanwhile, and no post was refused"
    assert backed_up.slowest < 5
    assert backed_up.first["lost_media"] == []
    assert backed_up.first["media"] >= 6


def test_a_repository_contains_no_plain_text(backed_up: BackedUpNetwork) -> None:
    secret = (backed_up.data / "secrets" / "network-secret").read_bytes().strip()
    everything = b"".join(file.read_bytes() for file in backed_up.repository.rglob("*") if file.is_file())
    for canary in (CANARY.encode(), secret, b"jana@example.org", b"CREATE TABLE"):
        assert canary not in everything
    assert not (backed_up.data / "backup").exists(), "the staging folder was removed"


def test_the_code_of_a_restore_is_in_few_files(backed_up: BackedUpNetwork, folder: Path) -> None:
    """`tests/architecture/walks.py` counts the files that a reader opens; the nouns of a restore are `restore` and `rebuild`."""

    def recorded(command: str, data: Path, *options: str) -> Recording:
        record = folder / f"{command}.json"
        module = [sys.executable, "-m", "tests.architecture.walks", str(record)]
        done = subprocess.run([*module, command, "--data", str(data), *options], capture_output=True, text=True, cwd=ROOT, timeout=120)
        assert done.returncode == 0, done.stderr
        return Recording(json.loads(record.read_text()))

    entry = recorded("status", backed_up.data)
    request = recorded("restore", folder / "restored", "--from", str(backed_up.repository), "--key-file", str(backed_up.key_file))
    files = files_to_open(request, entry, ["restore", "rebuild"])
    assert "portability/restore.py" in files
    assert len(files) <= MOST_FILES, files


async def _state_after_restore(data: Path) -> tuple[int, int, int, int]:
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


def _status_line(data: Path) -> str:
    """What `moot status` says about pictures to come, without a running network."""
    settings = config.load(data)
    return _pictures(_pictures_to_come(msgspec.structs.replace(settings, data=data)))


def _publish_from(restored: Path, site: Path, backed_up: BackedUpNetwork) -> None:
    """A restored copy that has never run is enough for the page that members see while no host answers."""
    done = answer_of(moot("lifeboat", "--to", str(site), "--archive", "--cs", "Hostitel zmizel.", "--json", data=restored))
    assert done["posts"] > 0
    authority = backed_up.recovery.authority.public_key().public_bytes_raw()
    letter = verify_letter((site / "lifeboat.json").read_bytes(), authority)
    assert (letter.words, letter.has_archive) == ({"cs": "Hostitel zmizel."}, True)
    pages = "".join(page.read_text() for page in (site / "archive").glob("*.html"))
    assert pages.count("<article") == done["posts"]
    assert CANARY not in pages  # for followers only


def test_the_same_network_is_restored(backed_up: BackedUpNetwork, folder: Path) -> None:
    """Sessions and app tokens stay valid, codes and waiting mails are deleted, and the old host's epoch cannot write."""
    target = folder / "restored"
    answer = answer_of(backed_up.restore(target, "--json", "--snapshot", backed_up.first["snapshot"]))
    assert (answer["equal"], answer["epoch"], answer["posts"]) == (True, 2, backed_up.first["posts"])
    assert answer["next"] == f"moot up --data {target}"
    assert sorted(entry.name for entry in target.iterdir()) == [
        "exports", "host.json", "hosts.lock", "media", "offsite", "outbox", "postgres", "postgres.log", "roster.json", "run", "secrets"
    ]
    before, after = (Rosters(DataDirectory(data)).find() for data in (backed_up.data, target))  # nobody has typed the words for either
    assert before
    assert after
    assert [member.id for member in before.hosts] == [own_id(DataDirectory(backed_up.data))]
    assert [member.id for member in after.hosts] == [own_id(DataDirectory(target))]
    assert (before.epoch, after.epoch) == (1, 2)
    assert after.number > before.number
    assert before.hosts != after.hosts
    assert answer["pictures_to_come"] == backed_up.first["media"]
    assert not any((target / "media").iterdir())
    assert f"{backed_up.first['media']} of {backed_up.first['media']} pictures" in _status_line(target)
    kept = ("network-secret", "backup-key")
    assert all((target / "secrets" / name).read_bytes() == (backed_up.data / "secrets" / name).read_bytes() for name in kept)
    assert (target / "secrets" / "postgres-password").read_bytes() != (backed_up.data / "secrets" / "postgres-password").read_bytes()
    assert all(file.stat().st_mode & 0o077 == 0 for file in (target / "secrets").iterdir())
    _publish_from(target, folder / "site", backed_up)
    restored_up = NetworkUp(target).wait()
    try:
        assert asyncio.run(_state_after_restore(target)) == (backed_up.first["posts"], 0, 0, 2)
        assert json.loads(ask(restored_up.url, "/api/v1/accounts/verify_credentials", token=backed_up.token))["username"] == "jana"
        assert "jana" in ask(restored_up.url, "/settings", session=backed_up.session)
        home = json.loads(ask(restored_up.url, "/api/v1/timelines/home?limit=40", token=backed_up.token))
        assert backed_up.posted[backed_up.posted_before - 1] in {post["id"] for post in home} or len(home) == 40
        pictures = json.loads(ask(restored_up.url, "/api/v1/timelines/public?limit=40&only_media=true"))
        address = "/" + pictures[0]["media_attachments"][0]["url"].split("/", 3)[3]
        assert subprocess.run(["curl", "-sSf", restored_up.url + address], capture_output=True).returncode == 0
        assert json.loads(ask(restored_up.url, "/api/v1/statuses", token=backed_up.token, form={"status": "Jsme zpátky"}))["id"]
        status = answer_of(moot("status", "--json", data=target))
        assert (status["epoch"], status["backup"]["age_seconds"]) == (2, None), "this host has made no backup yet"
        wait_until(lambda: not (target / "offsite" / "pictures.json").exists(), "not all pictures have come")
        assert answer_of(moot("status", "--json", data=target))["pictures_to_come"] is None
        # The host key was restored with the secrets, so backups into the same repository continue without the recovery key.
        assert answer_of(moot("backup", "--to", str(backed_up.repository), "--json", data=target))["posts"] == backed_up.first["posts"] + 1
    finally:
        restored_up.stop()


def test_a_list_shows_which_backups_are_valid_and_opens_with_the_recovery_key(backed_up: BackedUpNetwork, folder: Path) -> None:
    repository = shutil.copytree(backed_up.repository, folder / "copy")
    listed = answer_of(moot("backup", "--to", str(repository), "--list", "--json", data=backed_up.data))
    assert all(backup["valid"] for backup in listed)
    first = next(backup for backup in listed if backup["snapshot"] == backed_up.first["snapshot"])
    assert (first["posts"], first["media"]) == (backed_up.first["posts"], backed_up.first["media"])
    # A snapshot that restic accepts, but without a signature.
    (folder / "about").mkdir()
    (folder / "about" / "manifest.json").write_text("{}")
    password = BackupKey.find(DataDirectory(backed_up.data)).repository  # type: ignore[union-attr]
    subprocess.run(
        ["restic", "-r", str(repository), "--no-cache", "backup", "-q", "about"], cwd=folder, check=True,
        env={**os.environ, "RESTIC_PASSWORD": password},
    )
    elsewhere = moot("backup", "--to", str(repository), "--list", "--key-file", str(backed_up.key_file), data=folder / "nothing")
    assert elsewhere.returncode == 0, elsewhere.stderr
    assert "no: it has no manifest" in elsewhere.stdout.splitlines()[1]
    assert elsewhere.stdout.count("yes") == len(listed)
    checked = answer_of(backed_up.restore(folder / "new", "--dry-run", "--json", repository=repository))
    assert checked["snapshot"] != elsewhere.stdout.splitlines()[1].split()[0], "an unsigned snapshot is skipped"
    assert not (folder / "new").exists()


def test_a_second_repository_asks_for_the_recovery_key(backed_up: BackedUpNetwork, folder: Path) -> None:
    silent = subprocess.run(
        [*MOOT, "backup", "--to", str(folder / "second"), "--new", "--data", str(backed_up.data)], stdin=subprocess.DEVNULL,
        capture_output=True, text=True, cwd=ROOT, env=environment_with({}),
    )
    assert silent.returncode == 1
    assert "the recovery key is needed" in silent.stderr
    dry = answer_of(moot("backup", "--to", str(folder / "second"), "--new", "--dry-run", "--json", data=backed_up.data))
    assert (dry["is_new"], dry["shows_recovery_key"]) == (True, False)
    assert not (folder / "second").exists()
    other = folder / "other-words"
    other.write_text(" ".join(type(backed_up.recovery).new().words))
    wrong = moot("backup", "--to", str(folder / "second"), "--new", "--key-file", str(other), data=backed_up.data)
    assert "This is not the recovery key of this network" in wrong.stderr


def test_a_printed_recovery_key_can_be_read_again() -> None:
    from folkmoot.commands.recovery import text_of
    from folkmoot.portability.recovery_key import RecoveryKey

    key = RecoveryKey.new()
    assert words_in(text_of(key)) == key.words


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, which gives its rights up")
def test_root_hands_the_repository_to_the_user_of_the_network(backed_up: BackedUpNetwork, folder: Path) -> None:
    """Nightly backups run as that user. A folder that it cannot enter is refused before anything is created."""
    owner = DataDirectory(backed_up.data).owner
    assert owner
    assert {path.stat().st_uid for path in backed_up.repository.rglob("*")} == {owner.pw_uid}
    (folder / "closed").mkdir(mode=0o700)
    place = folder / "closed" / "repository"
    refused = moot("backup", "--to", str(place), "--new", "--key-file", str(backed_up.key_file), data=backed_up.data)
    assert refused.returncode == 1
    assert "cannot enter the folder above" in refused.stderr
    assert not place.exists()


def test_backups_contain_the_end_of_the_journal(backed_up: BackedUpNetwork) -> None:
    """A journal that is written anew later, with the network's own secret, does not match it."""
    verified = answer_of(moot("journal", "verify", "--backups", "--json", data=backed_up.data))
    assert verified["whole"]
    assert verified["compared"] > 0

"""Drills, and where an operator sees when the last one ran."""

import asyncio
import shutil
import urllib.request
from pathlib import Path

import asyncpg
import pytest

from folkmoot.base import migrate
from folkmoot.commands.options import settings_of
from folkmoot.commands.recovery import record_failure
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.drill import rehearsed
from folkmoot.portability.offsite.target import Target
from folkmoot.portability.progress import NoProgress
from folkmoot.portability.rebuild import plan
from folkmoot.portability.repository import Repository
from tests.network_up import moot
from tests.portability.backed_up_network import BackedUpNetwork, answer_of


def _metrics(backed_up: BackedUpNetwork) -> dict[str, float]:
    with urllib.request.urlopen(backed_up.up.url.replace("localhost", "127.0.0.1") + "/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return {line.split()[0]: float(line.split()[1]) for line in lines if line.startswith(("folkmoot_backup", "folkmoot_drill"))}


def test_a_drill_is_recorded_and_leaves_nothing(backed_up: BackedUpNetwork, folder: Path) -> None:
    answer_of(moot("backup", "--to", str(backed_up.repository), "--json", data=backed_up.data))
    assert "there is no drill yet" in moot("doctor", data=backed_up.data).stdout
    assert "folkmoot_drill_age_seconds" not in _metrics(backed_up)
    before = set(backed_up.data.rglob("*"))
    answer = answer_of(moot("drill", "--from", str(backed_up.repository), "--json", data=backed_up.data))
    assert (answer["public"], answer["form"]) == (20, "dump")
    assert answer["home"] > 0
    assert answer["rows"] > answer["posts"] > 0
    new = {str(path.relative_to(backed_up.data)) for path in set(backed_up.data.rglob("*")) - before}
    assert not {name for name in new if not name.startswith(("postgres/", "run/"))} - {"drill.lock"}
    status = answer_of(moot("status", "--json", data=backed_up.data))
    assert 0 <= status["drill"]["age_seconds"] < 300
    assert status["drill"]["posts"] == answer["posts"]
    assert set(status["rehearsals"]) == {"dump"}
    refused = moot("drill", "--continuous", "--from", str(backed_up.repository), data=backed_up.data)
    assert refused.returncode == 1
    assert "There is no continuous copy" in refused.stderr
    assert "dump" in answer_of(moot("drill", "--dump", "--from", str(backed_up.repository), "--json", data=backed_up.data))["form"]
    assert status["backup"]["failed"] == ""
    assert "it compared" in moot("status", data=backed_up.data).stdout
    assert "the last drill was" in moot("doctor", data=backed_up.data).stdout
    shown = _metrics(backed_up)
    assert 0 <= shown["folkmoot_drill_age_seconds"] < 300
    assert 0 <= shown["folkmoot_backup_age_seconds"] < 900
    assert (shown["folkmoot_drill_good"], shown["folkmoot_backup_good"]) == (1, 1)
    # A failed drill is recorded with its reason.
    broken = Path(shutil.copytree(backed_up.repository, folder / "broken"))
    pack = next(file for file in (broken / "data").rglob("*") if file.is_file())
    pack.unlink()
    failed = moot("drill", "--from", str(broken), data=backed_up.data)
    assert failed.returncode == 1
    assert len(failed.stderr.strip().splitlines()) == 1
    assert "THE LATEST RUN FAILED: The repository in" in moot("status", data=backed_up.data).stdout
    assert "the last drill failed" in moot("doctor", data=backed_up.data).stdout
    assert _metrics(backed_up)["folkmoot_drill_good"] == 0


def test_a_disk_that_is_not_mounted_gets_no_repository_and_is_recorded_as_a_failure(backed_up: BackedUpNetwork, folder: Path) -> None:
    missing = moot("backup", "--to", str(folder / "mnt"), "--key-file", str(backed_up.key_file), data=backed_up.data)
    assert missing.returncode == 1
    assert "Is the disk mounted?" in missing.stderr
    assert not (folder / "mnt").exists()
    assert "THE LATEST RUN FAILED: There is no repository in" in moot("status", data=backed_up.data).stdout
    broken = Path(shutil.copytree(backed_up.repository, folder / "broken"))
    (broken / "config").chmod(0o600)
    (broken / "config").write_bytes(b"nonsense" * 20)
    assert moot("backup", "--to", str(broken), data=backed_up.data).returncode == 1
    assert answer_of(moot("status", "--json", data=backed_up.data))["backup"]["failed"].startswith("restic could not")
    answer_of(moot("backup", "--to", str(backed_up.repository), "--json", data=backed_up.data))
    assert answer_of(moot("status", "--json", data=backed_up.data))["backup"]["failed"] == ""


def test_an_unexpected_error_is_recorded_too(backed_up: BackedUpNetwork) -> None:
    settings = settings_of(backed_up.data)
    with pytest.raises(PermissionError), record_failure(settings, "drill", "/mnt"):
        raise PermissionError(13, "Permission denied", "/mnt")
    said = answer_of(moot("status", "--json", data=backed_up.data))["drill"]["failed"]
    assert said == "PermissionError: [Errno 13] Permission denied: '/mnt'"


async def _count_new_tables(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    found = await connection.fetchval("SELECT count(*) FROM information_schema.tables WHERE table_name = 'more'")
    await connection.close()
    return int(found)


def test_a_backup_of_an_older_release_is_compared_and_then_migrated(
    backed_up: BackedUpNetwork, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = Repository(Target.of_folder(backed_up.repository), backed_up.recovery.repository_password, is_read_only=True)
    authority = backed_up.recovery.authority.public_key().public_bytes_raw()
    planned = plan(repository, authority, backed_up.first["snapshot"], despite_damage=False, progress=NoProgress())
    newer = [*migrate.known(), migrate.Migration(9999, "9999_more.sql", "CREATE TABLE more (id int)")]
    monkeypatch.setattr(migrate, "known", lambda: newer)
    with rehearsed(planned, DataDirectory(folder), NoProgress()) as (_, postgres):
        assert asyncio.run(_count_new_tables(postgres.dsn)) == 1


def test_a_network_without_a_backup_says_so(backed_up: BackedUpNetwork, folder: Path) -> None:
    (folder / "host.json").write_text('{"role":"primary","epoch":1}')
    (folder / "secrets").mkdir()
    (folder / "secrets" / "network-secret").write_text("of a network that was never backed up")
    refused = moot("drill", "--from", str(backed_up.repository), data=folder)
    assert refused.returncode == 1
    assert "moot backup --to" in refused.stderr

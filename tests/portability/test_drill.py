"""A drill, and where one sees when the last one was."""

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
from folkmoot.portability.progress import Quiet
from folkmoot.portability.rebuild import plan
from folkmoot.portability.repository import Repository
from tests.network_up import moot
from tests.portability.house import House, answer_of


def _metrics(house: House) -> dict[str, float]:
    with urllib.request.urlopen(house.up.url.replace("localhost", "127.0.0.1") + "/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return {line.split()[0]: float(line.split()[1]) for line in lines if line.startswith(("folkmoot_backup", "folkmoot_drill"))}


def test_a_drill_is_made_recorded_and_leaves_nothing(house: House, place: Path) -> None:
    answer_of(moot("backup", "--to", str(house.repository), "--json", data=house.data))
    assert "there is no drill yet" in moot("doctor", data=house.data).stdout
    assert "folkmoot_drill_age_seconds" not in _metrics(house)
    before = set(house.data.rglob("*"))
    answer = answer_of(moot("drill", "--from", str(house.repository), "--json", data=house.data))
    assert answer["public"] == 20
    assert answer["home"] > 0
    assert answer["rows"] > answer["posts"] > 0
    new = {str(path.relative_to(house.data)) for path in set(house.data.rglob("*")) - before}
    assert not {name for name in new if not name.startswith(("postgres/", "run/"))} - {"drill.lock"}
    status = answer_of(moot("status", "--json", data=house.data))
    assert 0 <= status["drill"]["age_seconds"] < 300
    assert status["drill"]["posts"] == answer["posts"]
    assert status["backup"]["failed"] == ""
    assert "it compared" in moot("status", data=house.data).stdout
    assert "the last drill was" in moot("doctor", data=house.data).stdout
    shown = _metrics(house)
    assert 0 <= shown["folkmoot_drill_age_seconds"] < 300
    assert 0 <= shown["folkmoot_backup_age_seconds"] < 900
    assert (shown["folkmoot_drill_good"], shown["folkmoot_backup_good"]) == (1, 1)
    # A drill that fails is recorded too, and says why.
    broken = Path(shutil.copytree(house.repository, place / "broken"))
    pack = next(file for file in (broken / "data").rglob("*") if file.is_file())
    pack.unlink()
    failed = moot("drill", "--from", str(broken), data=house.data)
    assert failed.returncode == 1
    assert len(failed.stderr.strip().splitlines()) == 1
    assert "THE LAST ONE FAILED: The repository in" in moot("status", data=house.data).stdout
    assert "the last drill failed" in moot("doctor", data=house.data).stdout
    assert _metrics(house)["folkmoot_drill_good"] == 0


def test_a_disk_that_is_not_mounted_makes_no_repository_and_is_written_down(house: House, place: Path) -> None:
    missing = moot("backup", "--to", str(place / "mnt"), "--key-file", str(house.key_file), data=house.data)
    assert missing.returncode == 1
    assert "Is the disk mounted?" in missing.stderr
    assert not (place / "mnt").exists()
    assert "THE LAST ONE FAILED: There is no repository in" in moot("status", data=house.data).stdout
    broken = Path(shutil.copytree(house.repository, place / "broken"))
    (broken / "config").chmod(0o600)
    (broken / "config").write_bytes(b"nonsense" * 20)
    assert moot("backup", "--to", str(broken), data=house.data).returncode == 1
    assert answer_of(moot("status", "--json", data=house.data))["backup"]["failed"].startswith("restic could not")
    answer_of(moot("backup", "--to", str(house.repository), "--json", data=house.data))
    assert answer_of(moot("status", "--json", data=house.data))["backup"]["failed"] == ""


def test_what_is_no_problem_of_ours_is_written_down_too(house: House) -> None:
    settings = settings_of(house.data)
    with pytest.raises(PermissionError), record_failure(settings, "drill", "/mnt"):
        raise PermissionError(13, "Permission denied", "/mnt")
    said = answer_of(moot("status", "--json", data=house.data))["drill"]["failed"]
    assert said == "PermissionError: [Errno 13] Permission denied: '/mnt'"


async def _tables_called_more(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    found = await connection.fetchval("SELECT count(*) FROM information_schema.tables WHERE table_name = 'more'")
    await connection.close()
    return int(found)


def test_a_backup_of_an_older_release_is_compared_and_then_brought_up_to_date(
    house: House, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = Repository(house.repository, house.recovery.repository_password, is_read_only=True)
    authority = house.recovery.authority.public_key().public_bytes_raw()
    planned = plan(repository, authority, house.first["snapshot"], despite_damage=False, progress=Quiet())
    newer = [*migrate.known(), migrate.Migration(9999, "9999_more.sql", "CREATE TABLE more (id int)")]
    monkeypatch.setattr(migrate, "known", lambda: newer)
    with rehearsed(planned, DataDirectory(place), Quiet()) as (_, postgres):
        assert asyncio.run(_tables_called_more(postgres.dsn)) == 1


def test_a_network_without_a_backup_says_so(house: House, place: Path) -> None:
    (place / "host.json").write_text('{"role":"primary","epoch":1}')
    (place / "secrets").mkdir()
    (place / "secrets" / "network-secret").write_text("of a network that was never backed up")
    nothing = moot("drill", "--from", str(house.repository), data=place)
    assert nothing.returncode == 1
    assert "moot backup --to" in nothing.stderr

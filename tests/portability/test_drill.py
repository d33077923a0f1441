"""A drill, and where one sees when the last one was."""

import shutil
import urllib.request
from pathlib import Path

from tests.network_up import moot
from tests.portability.house import House, answer_of


def _metrics(house: House) -> dict[str, float]:
    with urllib.request.urlopen(house.up.url.replace("localhost", "127.0.0.1") + "/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return {line.split()[0]: float(line.split()[1]) for line in lines if line.startswith(("folkmoot_backup", "folkmoot_drill"))}


def test_a_drill_is_made_recorded_and_leaves_nothing(house: House, place: Path) -> None:
    assert "there never was a drill" in moot("doctor", data=house.data).stdout
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


def test_a_network_without_a_backup_says_so(house: House, place: Path) -> None:
    (place / "host.json").write_text('{"role":"primary","epoch":1}')
    (place / "secrets").mkdir()
    nothing = moot("drill", "--from", str(house.repository), data=place)
    assert nothing.returncode == 1
    assert "moot backup --to" in nothing.stderr

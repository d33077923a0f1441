"""`moot detector train`, `versions`, `switch` and `revert` against a real database, in this process; and a worker that follows."""

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from folkmoot import cli
from folkmoot.base.db import Database
from folkmoot.moderation.detection import artefact, queries
from folkmoot.moderation.detection.detector import PACKAGED, Detector
from folkmoot.moderation.detection.model import WhySwitched
from folkmoot.moderation.detection.switching import KEPT, install_detector, revert_detector, switch_detector
from folkmoot.moderation.detection.versions import CurrentDetector, find_fault, find_file
from tests.moderation.test_learning import slang

Moot = Callable[..., tuple[int, str, str]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def moot(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], dsn: str, data: Path) -> Moot:
    """Runs a command; returns (exit code, standard output, standard error)."""
    monkeypatch.setenv("FOLKMOOT_DATABASE_URL", dsn)
    monkeypatch.setenv("FOLKMOOT_SECRETS_NETWORK", "x" * 48)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["moot", *arguments, "--data", str(data)])
        capsys.readouterr()
        code: Any = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
        return int(code or 0), *capsys.readouterr()

    return run


def _file(folder: Path) -> Path:
    file = folder / "ours.jsonl"
    rows = [{"text": one.text, "lang": "cs", "threat": one.threat} for one in slang()]
    file.write_text("\n".join(json.dumps(row) for row in rows))
    return file


def _in_use(moot: Moot) -> list[str]:
    answer = json.loads(moot("detector", "versions", "--json")[1])
    return [one["version"] for one in answer["versions"] if one["in_use"]]


def test_a_network_trains_switches_and_goes_back(moot: Moot, data: Path) -> None:
    packaged = Detector.load().version
    code, text, error = moot("detector", "train", str(_file(data)), "--json")
    assert code == 0, error
    trial = json.loads(text)
    assert trial["is_better"]
    assert trial["present"]["version"] == packaged
    trained = trial["new"]["version"]
    assert _in_use(moot) == [trained]
    code, text, _ = moot("detector", "train", str(_file(data)), "--dry-run")
    assert "own, held out" in text
    assert "would keep the present one" in text  # nothing new was decided
    assert moot("detector", "revert")[1] == f"The network in {data} now uses detector packaged again.\n"
    assert _in_use(moot) == [packaged]
    assert trained in moot("detector", "revert")[1]  # takes that back
    code, text, _ = moot("detector", "versions")
    assert f"* {trained}" in text
    assert text.count("reverted") == 2
    assert moot("detector", "switch", "packaged")[0] == 0
    code, _, error = moot("detector", "switch", "2020-01-01-0")
    assert code == 1
    assert "is not installed" in error


def test_a_detector_from_elsewhere_is_installed_and_a_damaged_file_is_not(moot: Moot, data: Path) -> None:
    copy = data / "theirs.detector"
    copy.write_bytes(PACKAGED.read_bytes())
    assert moot("detector", "switch", str(copy))[0] == 0
    copy.write_bytes(b"folkmoot-detector 1\n" + b"0" * 100)
    code, _, error = moot("detector", "switch", str(copy))
    assert code == 1
    assert "checksum" in error
    assert _in_use(moot) == [Detector.load().version]


def test_too_few_cases_are_one_sentence(moot: Moot) -> None:
    code, _, error = moot("detector", "train")
    assert code == 1
    assert "too few decided texts" in error
    assert error.count("\n") == 1


@pytest.fixture
async def other() -> artefact.Artefact:
    """The packaged detector under another name, with one of its tables: the file of all takes seconds to compress."""
    model = artefact.read(PACKAGED)
    header = msgspec.structs.replace(model.header, version="2030-01-01-other", tables=model.header.tables[:1])
    return artefact.Artefact(header, model.tables[:1])


async def test_a_running_worker_follows_each_switch_with_the_next_text(db: Database, tmp_path: Path, other: artefact.Artefact) -> None:
    current = CurrentDetector(tmp_path)

    async def version() -> str:
        async with db.read() as conn:
            await current.refresh(conn)
        return current().version

    packaged = await version()
    async with db.write() as tx:
        await install_detector(tx, other)
    assert await version() == packaged  # only installed
    async with db.write() as tx:
        await switch_detector(tx, "2030-01-01-other", WhySwitched.SWITCHED)
    assert await version() == "2030-01-01-other"
    async with db.write() as tx:
        await revert_detector(tx)
        await switch_detector(tx, None, WhySwitched.SWITCHED)  # is in use already: nothing happens
    assert await version() == packaged
    async with db.read() as conn:
        kinds = await conn.fetch("SELECT facts FROM journal WHERE kind = 'detector.switched' ORDER BY id")
        assert len(await queries.list_choices(conn)) == 2
    facts = [json.loads(row["facts"]) for row in kinds]
    assert [(one.get("before"), one.get("after"), one["why"]) for one in facts] == [
        (None, "2030-01-01-other", "switched"), ("2030-01-01-other", None, "reverted"),
    ]
    assert len(facts[0]["sha256"]) == 64


async def test_old_detectors_are_deleted_but_not_the_one_in_use(db: Database, other: artefact.Artefact) -> None:
    async with db.write() as tx:
        for number in range(KEPT + 3):
            header = msgspec.structs.replace(other.header, version=f"2030-01-01-{number:02}")
            await install_detector(tx, artefact.Artefact(header, other.tables))
            await tx.execute("UPDATE detectors SET installed_at = installed_at - interval '1 minute'")
            if not number:
                await switch_detector(tx, header.version, WhySwitched.SWITCHED)
    async with db.read() as conn:
        found = {one.version for one in await queries.list_installed(conn)}
    assert found == {"2030-01-01-00", *(f"2030-01-01-{number:02}" for number in range(3, KEPT + 3))}


@pytest.mark.parametrize("fault", ["missing", "damaged"])
async def test_a_detector_that_cannot_be_used_is_reported_and_replaced(
    fault: str, db: Database, dsn: str, tmp_path: Path, other: artefact.Artefact, caplog: pytest.LogCaptureFixture
) -> None:
    async with db.write() as tx:
        await install_detector(tx, other)
        await switch_detector(tx, other.header.version, WhySwitched.SWITCHED)
    conn = await asyncpg.connect(dsn)
    await conn.execute("DELETE FROM detectors" if fault == "missing" else "UPDATE detectors SET file = set_byte(file, 100000, 7)")
    await conn.close()
    current = CurrentDetector(tmp_path)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            async with db.read() as reader:
                await current.refresh(reader)
    assert current().version == Detector.load().version
    said, = [record for record in caplog.records if "2030-01-01-other" in record.getMessage()]
    assert "The packaged detector is used" in said.getMessage()
    async with db.read() as reader:
        assert "2030-01-01-other" in await find_fault(reader)


async def test_a_detector_that_an_earlier_release_chose_stays_in_use(db: Database, tmp_path: Path, other: artefact.Artefact) -> None:
    artefact.write(tmp_path / "detector" / "ours.detector", other)
    (tmp_path / "detector" / "current").symlink_to("ours.detector")
    current = CurrentDetector(tmp_path)
    async with db.read() as conn:
        await current.refresh(conn)
        assert await find_file(conn, tmp_path) == tmp_path / "detector" / "ours.detector"
    assert current().version == "2030-01-01-other"
    async with db.write() as tx:
        await switch_detector(tx, None, WhySwitched.SWITCHED)
    async with db.read() as conn:
        await current.refresh(conn)
        assert await find_file(conn, tmp_path) is None
    assert current().version == Detector.load().version

"""Which backups `--keep` keeps."""

from datetime import UTC, datetime, timedelta

import pytest

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.portability.snapshots import Backup, Keep, surplus

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def _backups(*hours_ago: float, problem: str = "") -> list[Backup]:
    return [Backup(f"{problem}{hours}", NOW - timedelta(hours=hours), problem) for hours in hours_ago]


def _removed(backups: list[Backup], keep: Keep) -> set[str]:
    with clock.stopped_at(NOW):
        return {backup.id for backup in surplus(backups, keep)}


def test_days_weeks_and_months_each_keep_their_newest() -> None:
    nightly = _backups(*(24 * night + 10 for night in range(400)))
    removed = _removed(nightly, Keep())
    kept = [backup for backup in nightly if backup.id not in removed]
    assert [backup.made_at.day for backup in kept[:7]] == [24, 23, 22, 21, 20, 19, 18]
    assert {backup.made_at.strftime("%G-%V") for backup in kept} >= {f"2026-{week}" for week in (44, 45, 46, 47, 48)}
    assert {backup.made_at.strftime("%Y-%m") for backup in kept} == {f"2025-{12}", *(f"2026-{month:02}" for month in range(1, 12))}
    assert len(kept) == 7 + 3 + 11, "days overlap with weeks, and weeks with months"


def test_everything_of_the_last_day_stays() -> None:
    assert _removed(_backups(1, 2, 3, 23, 25, 26), Keep(1, 0, 0)) == {"25", "26"}


def test_the_newest_stays_however_old_it_is() -> None:
    assert _removed(_backups(9000, 9001), Keep(1, 0, 0)) == {"9001"}


def test_an_invalid_snapshot_is_neither_removed_nor_counted() -> None:
    invalid = _backups(30, 31, 32, problem="it has no manifest")
    assert _removed(invalid + _backups(50, 100), Keep(2, 0, 0)) == set()


def test_keep_is_read_or_refused() -> None:
    assert Keep.read("3,2,1") == Keep(3, 2, 1)
    assert Keep.read("all") is None
    for wrong in ("", "7", "a,b,c", "0,5,5", "1,2,3,4"):
        with pytest.raises(Problem):
            Keep.read(wrong)

"""Long series: a sample or the whole, and random choices that can be repeated."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from folkmoot import config
from tests import series


def test_a_series_is_a_sample_unless_the_run_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(series.LONG, raising=False)
    assert series.length(8, 100) == 8
    monkeypatch.setenv(series.LONG, "1")
    assert series.length(8, 100) == 100


def _drawn(monkeypatch: pytest.MonkeyPatch, seed: str, name: str, dice: Callable[[str], random.Random]) -> list[int]:
    monkeypatch.setenv(series.SEED, seed)
    generator = dice(name)
    return [generator.randrange(10**9) for _ in range(2)]


@pytest.mark.parametrize(("long", "changing"), [("", series.changing_dice), ("1", series.changing_dice), ("1", series.dice)])
def test_the_seed_repeats_a_run(monkeypatch: pytest.MonkeyPatch, long: str, changing: Callable[[str], random.Random]) -> None:
    monkeypatch.setenv(series.LONG, long)
    first = _drawn(monkeypatch, "1", "kills", changing)
    assert first == _drawn(monkeypatch, "1", "kills", changing)
    assert first != _drawn(monkeypatch, "2", "kills", changing)
    assert first != _drawn(monkeypatch, "1", "races", changing)


def test_ordinary_runs_draw_the_same_whatever_their_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(series.LONG, raising=False)
    first = _drawn(monkeypatch, "1", "kills", series.dice)
    assert first == _drawn(monkeypatch, "2", "kills", series.dice)
    assert first != _drawn(monkeypatch, "1", "races", series.dice)


def test_each_run_draws_one_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    def seed_of_new_run() -> int:
        monkeypatch.delenv(series.SEED, raising=False)
        found = series.seed()
        assert series.seed() == found, "the same in the whole run"
        return found

    monkeypatch.setenv(series.SEED, "7")  # comes back at the end
    assert len({seed_of_new_run() for _ in range(3)}) == 3


def test_variables_of_a_test_run_are_not_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(series.SEED, "1")
    monkeypatch.setenv(series.LONG, "1")
    monkeypatch.setenv("FOLKMOOT_DATABASE_URL", "postgresql://here/x")
    assert config.load(tmp_path).database.url == "postgresql://here/x"
    monkeypatch.setenv("FOLKMOOT_TESTS_LONG", "1")
    with pytest.raises(config.WrongSetting):
        config.load(tmp_path)

"""Long series: a sample or the whole, and random choices that can be repeated."""

from pathlib import Path

import pytest

from folkmoot import config
from tests import series


def test_a_series_is_a_sample_unless_the_run_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(series.LONG, raising=False)
    assert series.length(8, 100) == 8
    monkeypatch.setenv(series.LONG, "1")
    assert series.length(8, 100) == 100


def test_the_seed_repeats_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn(seed: str, name: str) -> list[int]:
        monkeypatch.setenv(series.SEED, seed)
        return [series.dice(name).randrange(10**9) for _ in range(2)]

    assert drawn("1", "kills") == drawn("1", "kills")
    assert drawn("1", "kills") != drawn("2", "kills")
    assert drawn("1", "kills") != drawn("1", "races")


def test_only_long_runs_draw_a_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    def seeds() -> list[int]:
        found = []
        for _ in range(3):
            monkeypatch.delenv(series.SEED, raising=False)
            found.append(series.seed())
            assert series.seed() == found[-1], "the same in the whole run"
        return found

    monkeypatch.setenv(series.SEED, "7")  # comes back at the end
    monkeypatch.delenv(series.LONG, raising=False)
    assert len(set(seeds())) == 1
    monkeypatch.setenv(series.LONG, "1")
    assert len(set(seeds())) == 3


def test_variables_of_a_test_run_are_not_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(series.SEED, "1")
    monkeypatch.setenv(series.LONG, "1")
    monkeypatch.setenv("FOLKMOOT_DATABASE_URL", "postgresql://here/x")
    assert config.load(tmp_path).database.url == "postgresql://here/x"
    monkeypatch.setenv("FOLKMOOT_TESTS_LONG", "1")
    with pytest.raises(config.WrongSetting):
        config.load(tmp_path)

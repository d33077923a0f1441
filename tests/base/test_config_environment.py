"""Settings from the environment."""

from pathlib import Path

import pytest

from folkmoot import config


def test_a_list_of_proxies_may_have_spaces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FOLKMOOT_SERVER_TRUSTED_PROXIES", "10.0.0.1, 10.0.0.2 ,")
    assert config.load(tmp_path).server.trusted_proxies == ["10.0.0.1", "10.0.0.2"]

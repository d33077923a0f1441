"""Which environment `bin/moot` runs a command in."""

import importlib.util
import os
from pathlib import Path

import pytest

from tests.network_up import ROOT


@pytest.mark.parametrize(("arguments", "environment"), [
    (["detector", "train", "x.jsonl", "--out", "y"], "train"), (["detector", "score", "x.jsonl"], "runtime"), (["up"], "runtime"),
])
def test_training_has_its_own_environment(arguments: list[str], environment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "bin" / "bootstrap.py")
    assert spec and spec.loader  # noqa: PT018
    bootstrap = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bootstrap)
    ran: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(bootstrap, "environment", lambda name: Path("/environments") / name)
    monkeypatch.setattr(os, "execv", lambda program, command: ran.append((program, command)))
    monkeypatch.setenv("PYTHONPATH", "")
    bootstrap.run("runtime", "folkmoot", arguments)
    python = f"/environments/{environment}/bin/python"
    assert ran == [(python, [python, "-m", "folkmoot", *arguments])]


def test_the_training_environment_contains_all_runtime_packages() -> None:
    def pinned(name: str) -> set[str]:
        return {line for line in (ROOT / "requirements" / f"{name}.txt").read_text("utf-8").splitlines() if "==" in line}

    assert pinned("runtime") < pinned("train")

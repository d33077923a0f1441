"""Which environment `bin/moot` runs a command in."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from folkmoot import __version__
from tests.network_up import MOOT, ROOT, environment_with


@pytest.mark.parametrize(("arguments", "environment"), [
    (["detector", "build", "x.jsonl", "--out", "y"], "train"), (["detector", "train"], "runtime"),
    (["detector", "score", "x.jsonl"], "runtime"), (["up"], "runtime"),
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
    assert ran == [(python, [python, "-P", "-m", "folkmoot", *arguments])]


def test_a_command_typed_in_the_clone_runs_the_release_that_was_chosen(tmp_path: Path) -> None:
    """The folder in which it is typed contains a folkmoot too: that of the clone, which is older."""
    clone, release = tmp_path / "clone", tmp_path / "clone" / ".releases" / "0.2.0"
    for folder, says in ((clone, "the clone"), (release, "the release")):
        (folder / "folkmoot").mkdir(parents=True)
        (folder / "folkmoot" / "__init__.py").touch()
        (folder / "folkmoot" / "__main__.py").write_text(f"print('{says}')\n")
    (clone / "bin").mkdir()
    for name in ("moot", "bootstrap.py"):
        shutil.copy(ROOT / "bin" / name, clone / "bin")
    (release / ".venv" / "bin").mkdir(parents=True)
    (release / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (release / "complete").touch()
    (clone / ".releases" / "current").symlink_to("0.2.0")
    stamp = "import sys; sys.path.insert(0, 'bin'); import bootstrap; print(bootstrap.stamp_of_code(), end='')"
    done = subprocess.run([sys.executable, "-c", stamp], cwd=clone, capture_output=True, text=True, check=True)
    (clone / ".releases" / "clone").write_text(done.stdout)
    done = subprocess.run(["bin/moot"], cwd=clone, capture_output=True, text=True, check=True, env=environment_with({"PYTHONPATH": ""}))
    assert done.stdout == "the release\n"


def test_the_version_is_that_of_the_code() -> None:
    done = subprocess.run([*MOOT, "--version"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"folkmoot, version {__version__}\n"
    assert "0.1" not in (ROOT / "folkmoot" / "cli.py").read_text("utf-8")


def test_the_training_environment_contains_all_runtime_packages() -> None:
    def pinned(name: str) -> set[str]:
        return {line for line in (ROOT / "requirements" / f"{name}.txt").read_text("utf-8").splitlines() if "==" in line}

    assert pinned("runtime") < pinned("train")

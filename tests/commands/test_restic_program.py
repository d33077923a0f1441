"""restic is installed only after root agreed; everybody else is told the command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.network_up import ROOT, environment_with

_ENSURE = "import sys; from folkmoot.commands.restic_program import ensure_restic; ensure_restic(says_yes='--yes' in sys.argv)"


def _ensure(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Runs it with a PATH that has no restic, and an apt-get that writes down how it was called."""
    folder.mkdir(exist_ok=True)
    program = folder / "apt-get"
    program.write_text(f'#!/bin/sh\necho "$@" >> {folder}/calls\ncase "$1" in install) /bin/ln -s /bin/true {folder}/restic;; esac\n')
    program.chmod(0o755)
    return subprocess.run(
        [sys.executable, "-c", _ENSURE, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=ROOT,
        env=environment_with({"PATH": str(folder)}),
    )


def test_without_an_answer_nothing_is_installed_and_the_command_is_named(tmp_path: Path) -> None:
    refused = _ensure(tmp_path)
    assert refused.returncode != 0
    assert "apt-get install restic" in refused.stderr
    assert not (tmp_path / "calls").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root installs packages")
def test_root_installs_it_with_yes(tmp_path: Path) -> None:
    done = _ensure(tmp_path, "--yes")
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in (tmp_path / "calls").read_text().splitlines()] == ["update", "install"]
    assert (tmp_path / "restic").exists()

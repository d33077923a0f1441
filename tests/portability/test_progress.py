"""What a person sees while a long step runs; and that a program sees nothing of it."""

import os
import sys

import pytest

from folkmoot.commands.progress import shown


def _seen(as_json: bool, monkeypatch: pytest.MonkeyPatch) -> str:
    """What arrives at a terminal of 80 columns."""
    ours, theirs = os.openpty()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        with shown(as_json) as progress:
            progress.step("storing", 400_000_000)
            for done in range(0, 400_000_000, 50_000_000):
                progress.at(done)
            progress.step("checking with restic")
        terminal.write("end\n")
        terminal.flush()
        seen = b""
        while b"end" not in seen:
            seen += os.read(ours, 65536)
    os.close(ours)
    monkeypatch.undo()
    return seen.decode()


def test_a_terminal_shows_each_step_with_size_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = _seen(False, monkeypatch)
    assert "storing" in seen
    assert "checking with restic" in seen
    assert "400.0 MB in" in seen


def test_a_program_sees_no_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _seen(True, monkeypatch).strip() == "end"

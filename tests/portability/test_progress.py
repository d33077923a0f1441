"""Progress bars appear on a terminal; programs that read JSON get none."""

import logging
import os
import sys

import pytest

from folkmoot.commands.progress import log_kept_out, show_progress


def _terminal_output(as_json: bool, monkeypatch: pytest.MonkeyPatch) -> str:
    """The output on a terminal of 80 columns."""
    reading_end, writing_end = os.openpty()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    with os.fdopen(writing_end, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        with show_progress(as_json) as progress:
            progress.step("storing", 400_000_000)
            for done in range(0, 400_000_000, 50_000_000):
                progress.at(done)
            progress.step("checking with restic")
        terminal.write("end\n")
        terminal.flush()
        output = b""
        while b"end" not in output:
            output += os.read(reading_end, 65536)
    os.close(reading_end)
    monkeypatch.undo()
    return output.decode()


def test_a_terminal_shows_each_step_with_size_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    output = _terminal_output(False, monkeypatch)
    assert "storing" in output
    assert "checking with restic" in output
    assert "400.0 MB in" in output


def test_a_program_gets_no_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _terminal_output(True, monkeypatch).strip() == "end"


def test_lines_for_the_log_do_not_stand_between_the_steps(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("folkmoot.portability.moving.this_host")
    with log_kept_out():
        log.warning("This host is fenced now.")
    log.warning("This host is fenced again.")
    assert caplog.messages == ["This host is fenced again."]

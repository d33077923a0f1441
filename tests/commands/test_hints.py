"""Commands that a sentence names are printed as the operator would type them."""

import sys

import pytest

from folkmoot.cli import moot
from folkmoot.commands.hints import TYPED_AS, as_typed

_SENTENCES = [  # as they stand in the code, and as they are printed
    ("Run: moot status", "Run: bin/moot status --data /srv/m"),
    ("Run: moot move. If it fails: moot failover --accept-loss",
     "Run: bin/moot move --data /srv/m. If it fails: bin/moot failover --accept-loss --data /srv/m"),
    ("if it is gone for good: moot host remove moot2", "if it is gone for good: bin/moot host remove --data /srv/m moot2"),
    ("Join with: moot standby --join ADDRESS CODE", "Join with: bin/moot standby --join ADDRESS CODE --data /srv/m"),
    ("  way back   moot move --to brno", "  way back   bin/moot move --to brno --data /srv/m"),
    ("Approve with: moot account approve NAME, or moot account refuse NAME --word TEXT",
     "Approve with: bin/moot account approve NAME --data /srv/m, or bin/moot account refuse NAME --word TEXT --data /srv/m"),
    ("2 parked (moot jobs list)", "2 parked (bin/moot jobs list --data /srv/m)"),
    ("Names lead to the primary: run moot names point there.", "Names lead to the primary: run bin/moot names point there."),
    ("when praha is back, run there: moot standby --again", "when praha is back, run there: bin/moot standby --again"),
    ("by itself. Run on that one: moot standby --again. If it is gone for good: moot host remove brno",
     "by itself. Run on that one: bin/moot standby --again. If it is gone for good: bin/moot host remove --data /srv/m brno"),
    ("Compare it with what was printed on the primary by moot host add, and try again",
     "Compare it with what was printed on the primary by bin/moot host add, and try again"),
    ("Make one on brno: moot backup --to REPO", "Make one on brno: bin/moot backup --to REPO"),
    ("Once you know: moot journal accept --data /srv/m", "Once you know: bin/moot journal accept --data /srv/m"),
    ("moot routes lists them, moot is its name, and `moot up` stays; /usr/local/bin/moot too",
     "bin/moot routes --data /srv/m lists them, moot is its name, and `moot up` stays; /usr/local/bin/moot too"),
]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TYPED_AS, "bin/moot")
    monkeypatch.setattr(sys, "argv", ["moot", "status", "--data", "/srv/m"])


@pytest.mark.usefixtures("typed")
@pytest.mark.parametrize(("written", "printed"), _SENTENCES)
def test_a_command_can_be_copied_into_the_same_terminal(written: str, printed: str) -> None:
    assert as_typed(written, moot) == printed


@pytest.mark.parametrize("written", [written for written, _ in _SENTENCES])
def test_an_installed_moot_with_the_usual_folder_is_printed_as_it_is(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TYPED_AS, raising=False)
    monkeypatch.setattr(sys, "argv", ["moot", "status"])
    assert as_typed(written, moot) == written


def test_the_usual_folder_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLKMOOT_DATA", "/srv/m")
    monkeypatch.setattr(sys, "argv", ["moot", "status", "--data", "/srv/m"])
    assert as_typed("Run: moot status", moot) == "Run: moot status"


def test_a_folder_with_a_space_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["moot", "status", "--data=/srv/my network"])
    assert as_typed("Run: moot status", moot) == "Run: moot status --data '/srv/my network'"

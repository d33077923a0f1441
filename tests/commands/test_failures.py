"""How commands fail: every one with `--json` answers with JSON, and the exit code says whether the network could be asked."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import click
import msgspec
import pytest

from folkmoot import cli
from folkmoot.base.errors import FieldError, Invalid, NotFound, StorageFull, Unavailable, WritesPaused
from folkmoot.base.ids import MAX_ID
from folkmoot.config import WrongSetting
from folkmoot.portability.host import HostState

_POLICY = str(files("folkmoot").joinpath("moderation", "clauses", "2026-11-29.2.md"))
_GOLD = str(files("folkmoot").joinpath("moderation", "jurors", "gold.md"))
_RULES = str(files("folkmoot").joinpath("moderation", "rules", "2026-11-29.md"))
# What each command needs besides --data and --json. A new command must be added here.
_ARGUMENTS = {
    "account create": ["eva", "--email", "eva@example.org", "--link"], "account role": ["eva", "moderator"],
    "account reset-password": ["eva"],
    "account sign-out": ["eva"], "account waiting": [], "account approve": ["eva"], "account refuse": ["eva"],
    "account delete": ["eva", "--yes"], "token create": ["eva"], "feed": [__file__], "cases": [], "jobs list": [], "jobs show": ["1"],
    "jobs retry": ["--all"], "jobs drop": ["1"], "journal verify": [],
    "policy check": [_POLICY], "policy publish": [_POLICY, "--yes"], "policy list": [],
    "rules check": [_RULES], "rules test": [_RULES], "rules publish": [_RULES, "--yes"], "rules switch": ["2026-11-29"], "rules list": [],
    "rules trial": [],
    "hashes list": [], "hashes create": ["known", "--effect", "hold"], "hashes import": ["known", _POLICY, "--clause", "7"],
    "hashes remove": ["known", "--all"], "hashes check": [_POLICY], "hashes scan": [],
    "measure show": [], "measure now": [], "measure correct": ["2026-10", "--reason", "One day was counted twice."], "measure pairs": [],
    "backup": ["--to", "{other}"], "drill": ["--from", "{other}"],
    "restore": ["--from", "{other}"], "detector versions": [], "detector train": [], "host add": ["--no-wait"], "host list": [],
    "host remove": ["moot2"], "host release": [], "host sign": [], "host rotate": [],
    "standby": [], "status": [], "migrate": [], "doctor": [],
    "move": ["--yes"],
    "names list": [], "names point": ["--yes"], "lifeboat": ["--to", "{other}", "--en", "Back soon."], "failover": ["--yes"],
    "upgrade": ["--yes"], "contacts list": [], "contacts end": ["1"],
    "evidence export": ["1", "--to", "{other}"], "webhook": [],
    "transparency note": [__file__, "--month", "2026-06", "--yes"], "transparency notes": [], "transparency withdraw": ["1", "--yes"],
    "transparency provider": ["--to", "{other}"],
    "proposals list": [], "proposals agree": ["1", "--by", "eva", "--password-file", __file__],
    "proposals refuse": ["1", "--by", "eva", "--password-file", __file__],
    "proposals delete-account": ["1", "--by", "eva", "--reason", "No.", "--password-file", __file__],
    "hold list": [], "hold propose": ["1", "--by", "eva", "--reason", "No.", "--password-file", __file__],
    "hold release": ["1", "--by", "eva", "--reason", "No.", "--password-file", __file__],
    "transparency export": ["--from", "2026-01-01", "--to", "2026-06-30", "--to-folder", "{other}"],
    "jury replay": ["1"], "jury status": [], "jurors count": [], "jurors check": [_GOLD], "jurors publish": [_GOLD],
    "jurors exclude": ["eva", "--by", "eva", "--reason", "No.", "--password-file", __file__],
    "jurors readmit": ["eva", "--by", "eva", "--password-file", __file__],
    "contacts add": ["Hosting s.r.o.", "--kind", "provider", "--sender", "example.net"],
}
# What these commands need before the database: a key of a backup, another host, a public address, a network that runs.
_LACKING = {
    "drill": (1, "problem"), "lifeboat": (1, "problem"), "move": (1, "not_paired"), "failover": (2, "host"), "host release": (1, "binding"),
    "names point": (1, "problem"), "upgrade": (1, "upgrade"), "host sign": (1, "problem"), "host rotate": (1, "exposure"),
    "webhook": (1, "problem"),
}
_NEED_NO_DATABASE = {"restore", "host add", "host list", "host remove", "standby", "names list"}
_NEED_NO_NETWORK = {
    "routes", "settings", "install", "detector build", "detector evaluate", "restore", "evidence verify", "rules attributes",
    "jury simulate", "jury flood",
}


def _commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path}{name} ")
        else:
            yield path + name, command


_ALL = dict(_commands(cli.moot))
_WITH_JSON = [name for name, command in _ALL.items() if any(param.name == "as_json" for param in command.params)]


class Ended(NamedTuple):
    """How a command ended. `answer`: the JSON of the last line of standard output."""

    code: int
    stdout: str
    stderr: str

    @property
    def answer(self) -> Any:
        return json.loads(self.stdout.strip().splitlines()[-1])


Moot = Callable[..., Ended]


@pytest.fixture
def moot(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Moot:
    """Runs a command in this process: a new one would take half a second each."""

    def run(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["moot", *arguments])
        capsys.readouterr()
        try:
            cli.main()
            code: Any = 0
        except SystemExit as end:
            code = end.code
        return Ended(int(code or 0), *capsys.readouterr())

    return run


def _line(name: str, folder: Path) -> list[str]:
    return [*name.split(), *(part.format(other=folder / "other") for part in _ARGUMENTS[name]), "--data", str(folder / "data"), "--json"]


def test_every_command_with_json_is_tested() -> None:
    assert set(_WITH_JSON) == (set(_ARGUMENTS) | _NEED_NO_NETWORK)


def test_no_number_of_a_record_is_larger_than_the_database_can_compare(moot: Moot, tmp_path: Path) -> None:
    """A larger one would be an error of the driver, with its trace, in place of a sentence."""
    numbers = [(name, one) for name, command in _ALL.items() for one in command.params
               if isinstance(one, click.Argument) and one.type.name.startswith("integer")]
    assert len(numbers) > 9
    for name, one in numbers:
        assert isinstance(one.type, click.IntRange), name
        assert (one.type.min, one.type.max) == (0, MAX_ID), name
    large = moot("jury", "replay", str(MAX_ID + 1), "--data", str(tmp_path), "--json")
    assert (large.code, large.answer["error"]) == (2, "usage")


@pytest.mark.parametrize("name", [name for name in _WITH_JSON if name in _ARGUMENTS])
def test_a_network_that_cannot_be_asked_gives_json_and_exit_code_2(name: str, moot: Moot, tmp_path: Path) -> None:
    """There is no network; then there is one whose database does not answer."""
    missing = moot(*_line(name, tmp_path))
    assert missing.answer["error"], missing
    assert missing.code == (1 if name == "restore" else 2)
    (tmp_path / "data" / "secrets").mkdir(parents=True)
    (tmp_path / "data" / "secrets" / "network-secret").write_text("x" * 48)
    (tmp_path / "data" / "host.json").write_bytes(msgspec.json.encode(HostState()))
    if name in _NEED_NO_DATABASE:
        return
    down = moot(*_line(name, tmp_path))
    if name == "doctor":  # its answer is that the database does not answer
        assert down.code == 1
        assert any(one["state"] == "broken" and "does not answer" in one["what"] for one in down.answer)
        return
    if name in _LACKING:
        assert (down.code, down.answer["error"]) == _LACKING[name]
        return
    assert (down.code, down.answer["error"]) == (2, "cannot_ask")
    assert down.answer["message"].startswith("The database of")


@pytest.mark.parametrize("name", _WITH_JSON)
def test_wrong_arguments_give_json_and_exit_code_2(name: str, moot: Moot) -> None:
    ended = moot(*name.split(), "--json", "--no-such-option")
    assert (ended.code, ended.answer["error"]) == (2, "usage")
    assert "--no-such-option" in ended.answer["message"]


def test_wrong_arguments_without_json_are_explained_on_standard_error(moot: Moot) -> None:
    ended = moot("jobs", "show", "many")
    assert (ended.code, ended.stdout) == (2, "")
    assert "many" in ended.stderr
    assert "Usage: moot jobs show" in ended.stderr


@pytest.mark.parametrize(("line", "nearest"), [("stand-by", "standby"), ("host delete", ""), ("account approved eva", "approve")])
def test_a_mistyped_command_is_answered_by_the_nearest_one(line: str, nearest: str, moot: Moot) -> None:
    ended = moot(*line.split(), "--json")
    assert (ended.code, ended.answer["error"]) == (2, "usage")
    assert ended.answer["message"].endswith(f"Did you mean '{nearest}'?" if nearest else f"No such command '{line.split()[1]}'.")


def test_help_shows_what_each_command_does_in_a_whole_sentence(moot: Moot) -> None:
    groups = sorted({name.partition(" ")[0] for name in _ALL if " " in name})
    assert len(groups) > 5
    for group in ([], *([name] for name in groups)):
        ended = moot(*group, "--help")
        _, _, commands = ended.stdout.partition("Commands:\n")
        assert ended.code == 0
        assert commands.count(".") >= len(re.findall(r"^  \S", commands, re.MULTILINE)) > 0
        assert "..." not in commands


@pytest.mark.parametrize(("line", "says"), [
    ("standby --join 192.0.2.1 CODE --dry-run", "--dry-run and --discard belong to --again."),
    ("standby --join 192.0.2.1 CODE --discard", "--dry-run and --discard belong to --again."),
    ("standby --join 192.0.2.1 CODE --again", "Choose one of them."), ("standby --dry-run", "belong to --again."),
    ("standby --name brno", "belong to --join."), ("standby --no-start", "belongs to --join or --again."),
    ("move --other-host-is-off", "belongs to --undo."), ("move --undo --to brno", "--to does not belong to --undo"),
    ("backup --list --verify", "Choose one of them."), ("upgrade --undo --to v1", "does not belong to --undo."),
    ("install --name brno", "belongs to --join."), ("install --remove --domain moot.example.org", "--remove goes with --root"),
])
def test_options_that_would_be_ignored_are_refused(line: str, says: str, moot: Moot, tmp_path: Path) -> None:
    """Who gives one expects an effect; a dry run that is none would be the worst."""
    where = [] if line.startswith("install") else ["--data", str(tmp_path / "data")]
    ended = moot(*line.split(), "--json", *where)
    assert (ended.code, ended.answer["error"]) == (2, "usage"), ended
    assert says in ended.answer["message"]
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(("error", "code", "exit_code", "says"), [
    (NotFound("There is no account %(name)s on this network.", name="eva"), "not_found", 1, "no account eva"),
    (Invalid(FieldError("a", "blank", "First."), FieldError("b", "blank", "Second.")), "invalid", 1, "First. Second."),
    (WritesPaused(log_text="this host is not the primary"), "writes_paused", 2, "Writes are refused: this host is not the primary"),
    (Unavailable(log_text="database: gone"), "unavailable", 2, "Details: database: gone"),
    (WrongSetting("The setting %(name)s cannot be used.", name="server.port"), "wrong_setting", 2, "server.port"),
    (PermissionError(13, "Permission denied", "/data"), "permission", 2, "/data cannot be used"),
    (asyncpg.DiskFullError("could not extend file"), "disk", 1, "The disk is full."),
    (StorageFull(log_text="x"), "storage_full", 1, "Details: x"),
    (OSError(24, "Too many open files"), "disk", 1, "ulimit"),
    (asyncpg.OutOfMemoryError("out of shared memory"), "disk", 1, "max_locks_per_transaction"),
    (ValueError("a bug\nwith a second line"), "unexpected", 2, "ValueError: a bug"),
    (click.exceptions.Abort(), "aborted", 1, "aborted"),
])
def test_each_kind_of_failure_has_its_exit_code(
    error: Exception, code: str, exit_code: int, says: str, moot: Moot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_options: object) -> None:
        raise error

    monkeypatch.setattr(cli.moot, "main", fail)
    ended = moot("status", "--json")
    assert (ended.answer["error"], ended.code) == (code, exit_code)
    assert says in ended.answer["message"]
    assert ("Traceback" in ended.stderr) is (code == "unexpected")
    plain = moot("status")
    assert (plain.stdout, plain.code) == ("", exit_code)
    assert says.partition(". ")[0] in plain.stderr


@pytest.mark.parametrize("name", ["routes", "settings"])
def test_success_is_exit_code_0(name: str, moot: Moot) -> None:
    ended = moot(name, "--json")
    assert ended.code == 0
    assert ended.answer

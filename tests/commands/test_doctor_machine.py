"""`moot doctor` names faults of the machine, its files and its settings, why they matter and the remedy."""

import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from folkmoot import config
from folkmoot.commands.checks import configuration, machine
from folkmoot.commands.checks.model import BROKEN, GOOD, WARNING
from tests.commands.findings import settings_with, states_of, write_log
from tests.http.test_shortages import fill, small_disk  # noqa: F401 - a fixture


def _old(path: Path) -> None:
    path.mkdir()
    os.utime(path, (0, time.time() - 90_000))


_MACHINE: dict[str, tuple[str, str, Callable[[Path], Any]]] = {
    "access.secrets": (GOOD, BROKEN, lambda data: (data / "secrets").chmod(0o755)),
    "access.postgres": (GOOD, BROKEN, lambda data: (data / "postgres").chmod(0o750)),
    "access.settings": ("", WARNING, lambda data: settings_with(data, '[mail]\npassword = "x"')),
    "data.parts": ("", BROKEN, lambda data: (data / "media").rmdir()),
    "data.postgres": ("", BROKEN, lambda data: (data / "postgres" / "PG_VERSION").unlink()),
    "data.host": ("", BROKEN, lambda data: (data / "host.json").write_text("{")),
    "data.leftovers": ("", WARNING, lambda data: _old(data / "restoring")),
    "postgres.log": ("", WARNING, lambda data: os.truncate(write_log(data, ""), 300 * 2**20)),
    "postgres.panic": (
        "", WARNING, lambda data: write_log(data, 'x [1] PANIC:  could not write to file "pg_wal/xlogtemp.1": No space left'),
    ),
}


@pytest.mark.parametrize("name", _MACHINE)
def test_a_fault_of_the_machine_or_its_files_is_named(name: str, data: Path) -> None:
    before, after, harm = _MACHINE[name]
    assert states_of(machine.check_machine(settings_with(data))).get(name, "") == before
    harm(data)
    assert states_of(machine.check_machine(config.load(data)))[name] == after


@pytest.mark.parametrize(("made", "available", "state", "says"), [
    (18, {16, 18}, "", ""), (18, {18}, "", ""), (16, {16, 18}, GOOD, "moot upgrade --postgres 18"),
    (17, {16, 18}, BROKEN, "postgresql-17"), (18, {16}, BROKEN, "postgresql-18"),
])
def test_the_version_that_made_the_database_is_looked_for(made: int, available: set[int], state: str, says: str) -> None:
    found = list(machine._version(made, frozenset(available)))
    assert [(one.check, one.state) for one in found] == ([("postgres.version", state)] if state else [])
    assert all(says in one.what + one.remedy for one in found)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_full_disk_and_files_of_several_owners_are_named(data: Path, small_disk: Path) -> None:  # noqa: F811
    assert "data.owner" not in states_of(machine.check_machine(settings_with(data)))
    os.chown(data / "media", 12345, 12345)
    assert states_of(machine.check_machine(settings_with(data)))["data.owner"] == BROKEN
    assert states_of(machine._disk(small_disk))["disk.writable"] == GOOD
    filler = fill(small_disk)
    full = states_of([*machine._disk(small_disk), *machine._temporary(small_disk), *machine._memory(small_disk / "no", small_disk)])
    assert full == {"disk.writable": BROKEN, "disk.space": BROKEN, "disk.temporary": WARNING, "memory.shared": BROKEN}
    filler.unlink()
    for number in range(960):
        (small_disk / str(number)).touch()
    assert states_of(machine._disk(small_disk)) == {"disk.writable": GOOD, "disk.space": GOOD, "disk.inodes": WARNING}


def test_a_host_without_ffmpeg_is_warned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    (found,) = machine._programs()
    assert (found.check, found.state, found.remedy) == ("programs.ffmpeg", WARNING, "apt-get install ffmpeg")
    for name in ("ffmpeg", "ffprobe"):
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    assert states_of(machine._programs()) == {"programs.ffmpeg": GOOD}


def test_little_memory_and_few_open_files_are_named(tmp_path: Path) -> None:
    table = tmp_path / "meminfo"
    for kilobytes, state in ((100_000, WARNING), (1_000_000, GOOD)):
        table.write_text(f"MemTotal: 9999999 kB\nMemAvailable: {kilobytes} kB\n")
        assert states_of(machine._memory(table, tmp_path / "no"))["memory.available"] == state
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    try:
        assert states_of(machine._open_files()) == {"files.limit": WARNING}
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


_HTTPS = '[server]\nbase_url = "https://moot.example.org"\n'


@pytest.mark.parametrize(("name", "state", "text"), [
    ("address.set", WARNING, ""),
    ("address.https", WARNING, '[server]\nbase_url = "http://moot.example.org"'),
    ("address.https", GOOD, _HTTPS),
    ("address.proxies", WARNING, _HTTPS),
    ("address.proxies", "", _HTTPS + 'trusted_proxies = ["127.0.0.1"]'),
    ("address.listens", WARNING, _HTTPS + 'host = "0.0.0.0"'),
    ("mail.set", WARNING, ""),
    ("mail.set", GOOD, '[mail]\nhost = "mail.example.org"'),
    ("mail.sender", WARNING, '[mail]\nhost = "mail.example.org"'),
    ("mail.sender", "", '[mail]\nhost = "mail.example.org"\nsender = "moot@example.org"'),
    ("mail.security", WARNING, '[mail]\nhost = "mail.example.org"\nsecurity = "none"\npassword = "x"'),
    ("network.contact", WARNING, ""),
    ("network.contact", "", '[network]\ncontact_email = "moot@example.org"'),
    ("network.description", WARNING, _HTTPS),
    ("network.source", WARNING, _HTTPS),
    ("limits.multiplier", WARNING, "[limits]\nmultiplier = 1000"),
    ("log.level", WARNING, '[log]\nlevel = "debug"'),
])
def test_a_setting_that_does_not_suit_a_public_network_is_named(name: str, state: str, text: str, data: Path) -> None:
    assert states_of(configuration.check_settings(settings_with(data, text))).get(name, "") == state

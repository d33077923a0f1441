"""`moot doctor` as a whole: wrong settings, checks that fail, and that every check has a test."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from folkmoot.commands import doctor
from folkmoot.commands.checks import connections, machine
from folkmoot.commands.checks.model import BROKEN, GOOD, WARNING, Finding
from folkmoot.config import Settings
from tests.commands.findings import settings_with, states_of
from tests.network_up import moot


def test_settings_that_cannot_be_used_are_named(data: Path) -> None:
    (data / "folkmoot.toml").write_text("server = 3")
    answer = moot("doctor", "--json", data=data)
    assert answer.returncode == 1
    assert [(one["check"], one["state"]) for one in json.loads(answer.stdout)] == [("settings.valid", "broken")]


async def test_a_check_that_hangs_or_fails_does_not_stop_the_others(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(_settings: Settings) -> AsyncIterator[Finding]:
        await asyncio.sleep(60)
        yield Finding("x", GOOD, "x")

    def fail(_settings: Settings) -> Iterable[Finding]:
        raise ValueError("a bug")

    monkeypatch.setattr(doctor, "_SECONDS", 1.0)
    monkeypatch.setattr(connections, "check_web", hang)
    monkeypatch.setattr(machine, "check_machine", fail)
    findings = await doctor.examine(settings_with(data))
    states = states_of(findings)
    assert (states["web.checks"], states["machine.checks"], states["mail.set"]) == (BROKEN, BROKEN, WARNING)
    assert states["database.answers"] == BROKEN


def test_every_check_is_tested() -> None:
    folder = Path(doctor.__file__).parent
    source = "".join(file.read_text() for file in [*(folder / "checks").glob("*.py"), folder / "doctor.py"])
    names = set(re.findall(r'Finding\(\s*"([a-z_]+\.[a-z_]+)"', source)) | {"backup.recent", "drill.recent"}
    here = Path(__file__).parent
    own = "".join(file.read_text() for file in [*here.glob("test_doctor*.py"), here / "test_failures.py"])
    assert not [name for name in sorted(names) if f'"{name}"' not in own]
    assert len(names) >= 60

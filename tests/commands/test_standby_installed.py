"""`moot standby --again` where systemd runs the network: stopped before, and started whatever comes of it."""

from pathlib import Path

import msgspec
import pytest

from folkmoot.commands.standby_installed import again, is_installed
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import FENCED, PRIMARY, STANDBY, HostState
from folkmoot.portability.install.machine import Machine
from folkmoot.portability.install.record import RECORD, Installed
from folkmoot.portability.install.units import NETWORK_UNIT


class Running(Machine):
    """systemctl is noted."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.calls: list[tuple[str, ...]] = []

    def systemctl(self, *arguments: str) -> None:
        self.calls.append(arguments)

    def is_active(self, unit: str) -> bool:
        return unit == NETWORK_UNIT


@pytest.mark.parametrize(
    ("role", "calls"),
    [(STANDBY, [("stop", NETWORK_UNIT), ("start", NETWORK_UNIT)]), (FENCED, [("stop", NETWORK_UNIT), ("start", NETWORK_UNIT)]),
     (PRIMARY, [])],
)
def test_the_network_runs_afterwards_and_a_primary_is_never_stopped(
    open_folder: Path, capfd: pytest.CaptureFixture[str], role: str, calls: list[tuple[str, ...]]
) -> None:
    directory, machine = DataDirectory(open_folder / "data"), Running(open_folder)
    directory.prepare()
    directory.write(directory.host_file, msgspec.json.encode(HostState(role=role)))  # type: ignore[arg-type]
    assert again(machine, directory.path, ["--json"]) == 1  # it has no peer
    assert "paired" in capfd.readouterr().out
    assert machine.calls == calls


def test_only_the_data_that_systemd_runs_are_meant(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    machine, record = Running(open_folder), open_folder / str(RECORD).lstrip("/")
    assert not is_installed(machine, open_folder / "data")
    record.parent.mkdir(parents=True)
    record.write_bytes(msgspec.json.encode(Installed("/data")))
    assert is_installed(machine, open_folder / "data")
    assert not is_installed(machine, open_folder / "another")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert not is_installed(machine, open_folder / "data")

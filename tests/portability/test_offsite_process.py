"""The process of the off-site copies ends with what it was started for: this epoch of this primary, and this repository."""

from contextlib import nullcontext
from pathlib import Path

import msgspec
import pytest

from folkmoot.commands import offsite
from folkmoot.commands.options import resolved
from folkmoot.commands.recovery import target_of
from folkmoot.config import Offsite, Settings
from folkmoot.portability.backup_key import BackupKey
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import PRIMARY, STANDBY, HostState
from folkmoot.portability.offsite.hand_over import require_writable
from folkmoot.portability.offsite.remembered import remember
from folkmoot.portability.offsite.target import RepositoryProblem
from folkmoot.portability.recovery_key import RecoveryKey


@pytest.mark.parametrize("after", [HostState(role=PRIMARY, epoch=2), HostState(role=STANDBY, epoch=1)])
def test_it_starts_anew_in_another_epoch_or_role(open_folder: Path, monkeypatch: pytest.MonkeyPatch, after: HostState) -> None:
    """In another epoch the database may be of another PostgreSQL, with a log that does not continue the one before."""
    directory = DataDirectory(open_folder / "data")
    directory.prepare(HostState(role=PRIMARY, epoch=1))
    BackupKey.new(RecoveryKey.new()).keep(directory)
    ticks: list[float] = []

    def sleep(seconds: float) -> None:
        ticks.append(seconds)
        assert len(ticks) <= 3
        if len(ticks) == 3:
            directory.write(directory.host_file, msgspec.json.encode(after))

    monkeypatch.setattr(offsite.time, "sleep", sleep)
    offsite.run_offsite(Settings(data=directory.path, offsite=Offsite(repository=str(open_folder), is_continuous=False, nightly=False)))
    assert len(ticks) == 3


def test_a_network_that_runs_copies_into_the_repository_of_the_last_backup(open_folder: Path) -> None:
    """`moot backup --to` changes it while `moot up` has its settings from before."""
    directory = DataDirectory(open_folder / "data")
    directory.prepare(HostState(role=PRIMARY, epoch=1))
    remember(directory, str(open_folder / "before"))
    settings = resolved(Settings(data=directory.path), directory, makes_secret=True)
    remember(directory, str(open_folder / "now"))
    assert target_of(None, settings, directory).folder == open_folder / "now"


@pytest.mark.parametrize(("folder", "is_writable"), [
    ("/mnt/elsewhere/moot", True), ("/var/lib/folkmoot/copies", True), ("/backup/moot", True), ("/mnt2/moot", False), ("/root/moot", False),
])
def test_services_must_be_able_to_go_on_with_the_copies(folder: str, is_writable: bool) -> None:
    with nullcontext() if is_writable else pytest.raises(RepositoryProblem):
        require_writable(Path(folder), "/var/lib/folkmoot -/mnt -/media -/srv -+/backup")

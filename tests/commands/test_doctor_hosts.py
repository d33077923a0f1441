"""`moot doctor` examines the pair of hosts and the continuous copy."""

from datetime import timedelta
from pathlib import Path

import pytest

from folkmoot.base import clock
from folkmoot.commands import doctor
from folkmoot.commands.checks.hosts import check_hosts
from folkmoot.commands.checks.model import BROKEN, GOOD, WARNING
from folkmoot.commands.checks.offsite import check_backups
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.hosts.link import Link, record_link
from folkmoot.portability.hosts.peers import Peer, Peers
from folkmoot.portability.moving.rejoin import RejoinOrder, order_rejoin
from folkmoot.portability.offsite.chain import FOLDER, State, write_state
from folkmoot.portability.runs import BACKUP, DRILL, Last
from tests.commands.findings import settings_with, states_of


def test_a_peer_that_cannot_be_reached_is_named(data: Path) -> None:
    directory, settings = DataDirectory(data), settings_with(data)
    assert states_of(check_hosts(settings)) == {}
    Peers(directory).add(Peer("ab" * 32, "north", "192.0.2.7:8421", "", clock.now()))
    assert states_of(check_hosts(settings)) == {"hosts.agent": WARNING}  # nobody listens for it
    for is_reachable, state in ((True, GOOD), (False, WARNING)):
        record_link(directory, Link("ab" * 32, is_reachable, clock.now(), clock.now(), why="no answer in time"))
        assert states_of(check_hosts(settings)) == {"hosts.reachable": state}
    (data / "hosts.json").write_text("{")
    assert states_of(check_hosts(settings)) == {"hosts.file": BROKEN}


def test_a_continuous_copy_that_stays_behind_is_named(data: Path) -> None:
    settings = settings_with(data)
    runs = {kind: Last(kind, 60) for kind in (BACKUP, DRILL)}
    assert "offsite.behind" not in states_of(check_backups(settings, runs, "", {}))
    (data / FOLDER).mkdir()
    for behind, state in ((None, BROKEN), (600, BROKEN), (30, GOOD)):
        confirmed_at = None if behind is None else clock.now() - timedelta(seconds=behind)
        write_state(DataDirectory(data), State(chain="c", confirmed_at=confirmed_at, said="the server does not answer"))
        assert states_of(check_backups(settings, runs, "", {}))["offsite.behind"] == state


def test_a_missing_ssh_is_named_if_the_repository_needs_it(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = {kind: Last(kind, 60) for kind in (BACKUP, DRILL)}
    monkeypatch.setenv("PATH", "/nonexistent")
    assert "backup.ssh" not in states_of(check_backups(settings_with(data), runs, "/srv/copies", {}))
    assert states_of(check_backups(settings_with(data), runs, "sftp:far:copies", {}))["backup.ssh"] == WARNING


async def test_a_database_that_waits_for_the_other_host_is_not_taken_for_one_that_is_down(data: Path) -> None:
    settings = settings_with(data)
    assert states_of(await doctor._examine_database(settings)) == {"database.answers": BROKEN}
    order_rejoin(DataDirectory(data), RejoinOrder(2, "/nowhere"))
    (waits,) = await doctor._examine_database(settings)
    assert (waits.check, waits.state) == ("database.waits", WARNING)
    assert "becomes a standby of the new primary" in waits.what

"""`moot doctor` examines the pair of hosts and the continuous copy."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from folkmoot.base import clock
from folkmoot.commands import doctor
from folkmoot.commands.checks.hosts import check_exposure, check_hosts, check_roster, check_synchronous
from folkmoot.commands.checks.model import BROKEN, GOOD, WARNING
from folkmoot.commands.checks.offsite import check_backups, check_pictures_to_come
from folkmoot.config import Settings
from folkmoot.portability.backup_key import BackupKey
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.exposure.record import note_removal
from folkmoot.portability.host import FENCED, PRIMARY, STANDBY, HostState
from folkmoot.portability.hosts.claims import refuse_claim
from folkmoot.portability.hosts.link import Link, record_link
from folkmoot.portability.hosts.model import Member
from folkmoot.portability.hosts.peers import Peer, Peers
from folkmoot.portability.hosts.roster import Rosters
from folkmoot.portability.moving.rejoin import RejoinOrder, order_rejoin
from folkmoot.portability.offsite.chain import FOLDER, State, write_state
from folkmoot.portability.offsite.coming import LOST, Coming, write_coming
from folkmoot.portability.recovery_key import RecoveryKey
from folkmoot.portability.runs import BACKUP, DRILL, Last
from folkmoot.portability.standby.following import record
from folkmoot.portability.standby.model import Following, Stage
from folkmoot.portability.synchronous import Mode
from tests.commands.findings import settings_with, states_of


def test_a_peer_that_cannot_be_reached_is_named(data: Path) -> None:
    directory, settings = DataDirectory(data), settings_with(data)
    assert states_of(check_hosts(settings)) == {}
    Peers(directory).add(Peer("ab" * 32, "north", "192.0.2.7:8421", "", clock.now()))
    assert states_of(check_hosts(settings)) == {"hosts.agent": WARNING}  # nobody listens for it
    for is_reachable, state in ((True, GOOD), (False, WARNING)):
        record_link(directory, Link("ab" * 32, is_reachable, clock.now(), clock.now(), why="no answer in time"))
        assert states_of(check_hosts(settings)) == {"hosts.reachable": state}
    for role, command in ((PRIMARY, "moot host remove north"), (STANDBY, "moot failover --dry-run"), (FENCED, "moot status")):
        directory.write(directory.host_file, msgspec.json.encode(HostState(role=role)))
        (finding,) = check_hosts(settings)
        assert command in finding.remedy
        assert ("host remove" in finding.remedy) == (role == PRIMARY)  # a standby that removes its lost primary cannot take over
    now = clock.now().timestamp()
    record(data, Following(role=PRIMARY, stage=Stage.AWAY, since=now, measured_at=now, is_replaced=True))
    (finding,) = check_hosts(settings)
    assert (finding.check, finding.state) == ("hosts.replaced", WARNING)
    assert "moot standby --again on north" in finding.remedy
    (data / "hosts.json").write_text("{")
    assert states_of(check_hosts(settings)) == {"hosts.file": BROKEN}


def test_what_a_removed_host_still_knows_is_named(data: Path) -> None:
    directory, settings = DataDirectory(data), settings_with(data)
    assert states_of(check_exposure(settings)) == {}
    directory.write(data / "secrets" / "dns-credentials", b"known")
    note_removal(settings, directory, Peer("ab" * 32, "north", "192.0.2.7:8421", "", clock.now()))
    (finding,) = check_exposure(settings)
    assert (finding.check, finding.state) == ("hosts.exposed", WARNING)
    assert "north was removed and still knows: dns" in finding.what
    directory.write(data / "secrets" / "dns-credentials", b"another")
    assert states_of(check_exposure(settings)) == {}


def test_writes_that_do_not_wait_as_they_should_are_named(data: Path) -> None:
    directory = DataDirectory(data)
    settings = settings_with(data, '[replication]\nsynchronous = "all"')
    assert states_of(check_synchronous(Settings(data=data))) == {}
    assert states_of(check_synchronous(settings)) == {"hosts.synchronous": WARNING}  # there is no standby
    Peers(directory).add(Peer("ab" * 32, "north", "192.0.2.7:8421", "", clock.now()))
    now = clock.now().timestamp()
    for stage, active, state in (
        (Stage.STREAMING, Mode.ALL, GOOD), (Stage.AWAY, Mode.ALL, BROKEN), (Stage.AWAY, Mode.NONE, WARNING),
        (Stage.SEEDING, Mode.NONE, WARNING),
    ):
        record(data, Following(role=PRIMARY, stage=stage, since=now, measured_at=now, wanted=Mode.ALL, active=active))
        assert states_of(check_synchronous(settings)) == {"hosts.synchronous": state}


def test_what_is_not_signed_and_who_was_refused_is_named(data: Path) -> None:
    directory, settings, recovery = DataDirectory(data), settings_with(data), RecoveryKey.new()
    rosters, peers = Rosters(directory), Peers(directory)
    assert states_of(check_roster(settings)) == {}
    peers.add(Peer("ab" * 32, "north", "192.0.2.7:8421", "", clock.now()))
    assert states_of(check_roster(settings)) == {"hosts.unsigned": WARNING}  # there is no recovery key
    BackupKey.new(recovery).keep(directory)
    assert states_of(check_roster(settings)) == {"hosts.unsigned": WARNING}
    signed = rosters.sign(recovery, "south")
    (good,) = check_roster(settings)
    assert (good.check, good.state) == ("hosts.roster", GOOD)
    assert "south, north" in good.what
    peers.remove("north")
    rosters.remove(Member("ab" * 32, "north"))
    (found,) = check_roster(settings)
    assert (found.check, found.state) == ("hosts.unsigned", WARNING)
    assert "north was removed and is still signed" in found.what
    peers.add(Peer("cd" * 32, "east", "192.0.2.8:8421", "", clock.now(), roster=signed.number))
    (found,) = check_roster(settings)
    assert "east is not signed" in found.what
    refuse_claim(directory, "ab" * 32, 1000, "https://moot.example", "it was removed from the network")
    assert states_of(check_roster(settings))["hosts.claim"] == WARNING
    for file in ("host-key.pem", "host-certificate.pem"):
        (data / "secrets" / file).unlink()
    peers.remove("east")
    assert states_of(check_roster(settings)) == {"hosts.claim": WARNING, "hosts.excluded": BROKEN}
    (data / "hosts.json").write_text("{")
    assert states_of(check_roster(settings)) == {}  # check_hosts says it


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


def test_a_form_of_copy_that_is_never_rehearsed_is_named(data: Path) -> None:
    (data / "offsite").mkdir()
    (data / "offsite" / "state.json").write_text("{}")
    runs, week = {kind: Last(kind, 60) for kind in (BACKUP, DRILL)}, 7 * 24 * 3600.0
    by_hand = settings_with(data, "[offsite]\nnightly = false\n")
    nightly = settings_with(data)
    assert states_of(check_backups(by_hand, runs, "", {"continuous": 60}))["drill.forms"] == WARNING
    assert "drill.forms" not in states_of(check_backups(nightly, runs, "", {"continuous": 60})), "it is the next one"
    assert states_of(check_backups(nightly, runs, "", {"continuous": 60, "dump": 2 * week}))["drill.forms"] == WARNING
    assert "drill.forms" not in states_of(check_backups(by_hand, runs, "", {"continuous": 60, "dump": 60}))


def test_pictures_that_are_to_come_or_lost_are_named(data: Path) -> None:
    (data / "offsite").mkdir()
    settings, directory = settings_with(data), DataDirectory(data)
    assert not list(check_pictures_to_come(settings))
    write_coming(directory, Coming(location="/mnt", snapshots=["a"], files=9, bytes=9, left_files=4, left_bytes=4, said="It is away."))
    (found,) = check_pictures_to_come(settings)
    assert (found.check, found.state) == ("pictures.to_come", WARNING)
    assert "It is away." in found.what
    (data / "offsite" / LOST).write_text("ab/ab1.png\n")
    assert states_of(check_pictures_to_come(settings)) == {"pictures.to_come": WARNING, "pictures.lost": WARNING}

"""The roster: which hosts belong to the network, as the recovery key has signed, and whose claims count."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from folkmoot.base import clock
from folkmoot.portability.backup_key import BackupKey, NotSigned
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.failover.membership import follow_roster
from folkmoot.portability.host import FENCED, PRIMARY, STANDBY, Host, HostState
from folkmoot.portability.hosts.claims import find_refused_claim
from folkmoot.portability.hosts.identity import get_identity
from folkmoot.portability.hosts.messages import GREETING, Greeting
from folkmoot.portability.hosts.model import SignedRoster
from folkmoot.portability.hosts.pairing import invite
from folkmoot.portability.hosts.peers import Peer, Peers
from folkmoot.portability.hosts.removal import remove_host
from folkmoot.portability.hosts.roster import Rosters, own_id, verify_roster
from folkmoot.portability.moving.assembly import Moving
from folkmoot.portability.moving.this_host import ThisHost
from folkmoot.portability.recovery_key import RecoveryKey
from folkmoot.portability.synchronous import Mode, changing, find_demand, write_demand
from tests.portability.hosts import HostHere, pair, until

RECOVERY = RecoveryKey(bytes(range(32)))
NO_DATABASE = "postgresql://127.0.0.1:1/nothing"


def _give_key(host: HostHere, recovery: RecoveryKey = RECOVERY) -> None:
    BackupKey.new(recovery).keep(host.directory)


def _become(host: HostHere, state: HostState) -> None:
    host.directory.write(host.directory.host_file, msgspec.json.encode(state))


def _this(host: HostHere) -> ThisHost:
    return ThisHost(host.directory, NO_DATABASE, own_id(host.directory))


@pytest.fixture
async def hosts(open_folder: Path) -> tuple[HostHere, HostHere]:
    """A primary and its standby. Both have the key of the same network; nothing is signed."""
    primary, standby = HostHere.make(open_folder, "here"), HostHere.make(open_folder, "there")
    await pair(primary, standby)
    for host, role in ((primary, PRIMARY), (standby, STANDBY)):
        _give_key(host)
        _become(host, HostState(role, 4))
    return primary, standby


async def test_without_a_roster_the_paired_host_counts_and_nobody_else(hosts: tuple[HostHere, HostHere]) -> None:
    primary, standby = hosts
    rosters = Rosters(primary.directory)
    assert rosters.why_not(own_id(standby.directory)) == ""
    assert rosters.why_not("ab" * 32) == "it is not paired with this host"
    assert not rosters.excludes(own_id(primary.directory))


async def test_a_roster_names_the_pair_and_reaches_the_other_host(hosts: tuple[HostHere, HostHere]) -> None:
    primary, standby = hosts
    signed = Rosters(primary.directory).sign(RECOVERY, "here")
    assert [(member.id, member.name) for member in signed.hosts] == [
        (own_id(primary.directory), "here"), (own_id(standby.directory), "there"),
    ]
    assert signed.epoch == 4
    primary.roster, standby.hears_roster = Rosters(primary.directory).signed, lambda sent: follow_roster(_this(standby), sent)
    async with primary.running(), standby.running():
        await until(lambda: Rosters(standby.directory).number == signed.number, 60)
    assert Rosters(standby.directory).find() == signed


async def test_a_host_that_was_paired_after_the_roster_counts_until_the_next_one(open_folder: Path) -> None:
    primary, standby, third = (HostHere.make(open_folder, name) for name in ("here", "there", "third"))
    _give_key(primary)
    first = Rosters(primary.directory).sign(RECOVERY, "here")
    await pair(primary, standby)
    _give_key(standby)  # as the primary has shared it
    follow_roster(_this(standby), _signed(primary))
    assert Rosters(standby.directory).number == first.number
    for here, there in ((primary, standby), (standby, primary)):
        assert Rosters(here.directory).why_not(own_id(there.directory)) == ""
        assert not Rosters(here.directory).excludes(own_id(here.directory))
    await remove_host(primary.directory, NO_DATABASE, "there")
    await pair(primary, third)
    Rosters(primary.directory).sign(RECOVERY, "here")
    follow_roster(_this(standby), _signed(primary))
    assert Rosters(standby.directory).excludes(own_id(standby.directory))
    assert Rosters(standby.directory).why_not(own_id(third.directory)) == ""


def _signed(host: HostHere) -> SignedRoster:
    signed = Rosters(host.directory).signed()
    assert signed
    return signed


def _by_another_key(signed: SignedRoster) -> SignedRoster:
    return msgspec.structs.replace(signed, signature=RecoveryKey.new().authority.sign(b"folkmoot host roster 1\n" + signed.text.encode()))


def _with_another_host(signed: SignedRoster) -> SignedRoster:
    return msgspec.structs.replace(signed, text=signed.text.replace('"name":"here"', '"name":"evil"'))


def _for_another_purpose(signed: SignedRoster) -> SignedRoster:
    return msgspec.structs.replace(signed, signature=RECOVERY.authority.sign(b"folkmoot backup certificate 1\n" + signed.text.encode()))


def _of_another_kind(_signed: SignedRoster) -> SignedRoster:
    return SignedRoster("[]", RECOVERY.authority.sign(b"folkmoot host roster 1\n[]"))


@pytest.mark.parametrize("forge", [_by_another_key, _with_another_host, _for_another_purpose, _of_another_kind])
async def test_a_forged_roster_is_refused(hosts: tuple[HostHere, HostHere], forge: Callable[[SignedRoster], SignedRoster]) -> None:
    primary, standby = hosts
    Rosters(primary.directory).sign(RECOVERY, "here")
    authority = RECOVERY.authority.public_key().public_bytes_raw()
    verify_roster(_signed(primary), authority)
    with pytest.raises(NotSigned):
        verify_roster(forge(_signed(primary)), authority)
    follow_roster(_this(standby), forge(_signed(primary)))
    assert Rosters(standby.directory).signed() is None


async def test_an_older_roster_is_refused_whatever_the_clock_says(hosts: tuple[HostHere, HostHere]) -> None:
    """A host that was removed replays the roster that still named it."""
    primary, standby = hosts
    Rosters(primary.directory).sign(RECOVERY, "here")
    with_both = _signed(primary)
    await remove_host(primary.directory, NO_DATABASE, "there")
    with clock.stopped_at(clock.now().replace(year=2020)):
        Rosters(primary.directory).sign(RECOVERY, "here")
    assert Rosters(primary.directory).why_not(own_id(standby.directory)) == "the operator's roster does not name it"
    assert Rosters(primary.directory).take_over(with_both) is None
    assert Rosters(primary.directory).why_not(own_id(standby.directory)) != ""


async def test_a_removed_host_does_not_count_before_the_roster_says_so_and_counts_again_when_it_is_paired(
    hosts: tuple[HostHere, HostHere]
) -> None:
    primary, standby = hosts
    rosters, there = Rosters(primary.directory), own_id(standby.directory)
    rosters.sign(RECOVERY, "here")
    await remove_host(primary.directory, NO_DATABASE, "there")
    assert rosters.why_not(there) == "it was removed from the network"
    assert [member.name for member in rosters.removed] == ["there"]
    assert not rosters.excludes(own_id(primary.directory))
    Peers(standby.directory).remove("here")
    await pair(primary, standby)
    assert rosters.why_not(there) == ""
    await remove_host(primary.directory, NO_DATABASE, "there")
    rosters.sign(RECOVERY, "here")
    assert rosters.removed == []
    assert rosters.why_not(there) == "the operator's roster does not name it"


@pytest.mark.parametrize("role", [PRIMARY, STANDBY])
async def test_a_roster_without_this_host_ends_its_writing_and_its_pairing(hosts: tuple[HostHere, HostHere], role: str) -> None:
    primary, standby = hosts
    _become(primary, HostState(PRIMARY if role == PRIMARY else STANDBY, 4))
    Peers(standby.directory).remove("here")
    Rosters(standby.directory).sign(RECOVERY, "there", epoch=2)  # of a network that was restored from an older copy
    follow_roster(_this(primary), _signed(standby))
    state = Host(primary.directory.path).state
    assert (state.role, state.epoch) == (FENCED if role == PRIMARY else STANDBY, 4)
    assert Host(primary.directory.path).writing_epoch() is None
    assert Rosters(primary.directory).excludes(own_id(primary.directory))


async def test_a_roster_without_the_peer_ends_the_pairing(hosts: tuple[HostHere, HostHere], open_folder: Path) -> None:
    primary, standby = hosts
    elsewhere = HostHere.make(open_folder, "elsewhere")  # where the operator signs: it knows the primary and not the standby
    _give_key(elsewhere)
    code = invite(elsewhere.directory).text
    Peers(primary.directory).remove("there")
    async with elsewhere.running():
        await primary.joins(elsewhere.address, code)
    Rosters(elsewhere.directory).sign(RECOVERY, "elsewhere")
    Peers(primary.directory).remove("elsewhere")
    Peers(primary.directory).add(_peer_of(standby))
    with changing(primary.directory) as demand:
        (primary.directory.path / "postgres").mkdir()
        write_demand(primary.directory, msgspec.structs.replace(demand, slot=_peer_of(standby).slot, mode=Mode.ALL))
    follow_roster(_this(primary), _signed(elsewhere))
    assert Peers(primary.directory).list() == []
    assert find_demand(primary.directory).slot == "", "no write waits for a host that was removed"
    assert Host(primary.directory.path).role == PRIMARY


def _peer_of(host: HostHere) -> Peer:
    identity = get_identity(host.directory)
    return Peer(identity.id, host.name, host.address, identity.certificate, clock.now())


async def test_a_host_that_does_not_belong_cannot_end_the_writing_of_the_primary_by_an_invented_epoch(
    hosts: tuple[HostHere, HostHere]
) -> None:
    """Through the channel, with the keys of a host that is still pinned here but not in the roster any more."""
    primary, standby = hosts
    moving = Moving(primary.directory, NO_DATABASE, ("127.0.0.1", 1))
    Rosters(primary.directory).sign(RECOVERY, "here")
    thief = _peer_of(standby)
    Peers(primary.directory).remove("there")
    Rosters(primary.directory).sign(RECOVERY, "here")
    Peers(primary.directory).add(thief)  # with an old number of the roster: not by a code
    primary.learns = moving.learn
    standby.epoch = 1000
    async with primary.running(), standby.client() as client:
        await client(GREETING, Greeting("there", "1"), Greeting)
    await moving.close()
    assert Host(primary.directory.path).state == HostState(PRIMARY, 4)
    refused = find_refused_claim(primary.directory)
    assert refused
    assert (refused.host, refused.epoch, refused.where) == (thief.id, 1000, "the channel between the hosts")


async def test_a_host_that_belongs_is_believed(hosts: tuple[HostHere, HostHere]) -> None:
    primary, standby = hosts
    moving = Moving(primary.directory, NO_DATABASE, ("127.0.0.1", 1))
    Rosters(primary.directory).sign(RECOVERY, "here")
    primary.learns = moving.learn
    standby.epoch = 7
    async with primary.running(), standby.client() as client:
        await client(GREETING, Greeting("there", "1"), Greeting)
    await moving.close()
    assert Host(primary.directory.path).state == HostState(FENCED, 4, to=own_id(standby.directory), seen=7)
    assert find_refused_claim(primary.directory) is None


async def test_a_damaged_roster_leaves_the_pair_as_it_is(hosts: tuple[HostHere, HostHere]) -> None:
    primary, standby = hosts
    Rosters(primary.directory).sign(RECOVERY, "here")
    (primary.directory.path / "roster.json").write_text("{")
    assert Rosters(primary.directory).find() is None
    assert Rosters(primary.directory).why_not(own_id(standby.directory)) == ""


def test_a_roster_needs_the_key_of_its_network(open_folder: Path) -> None:
    directory = DataDirectory(open_folder / "one")
    directory.prepare()
    Rosters(directory).sign(RECOVERY, "one")
    assert Rosters(directory).find() is None
    BackupKey.new(RecoveryKey.new()).keep(directory)
    assert Rosters(directory).find() is None
    BackupKey.new(RECOVERY).keep(directory)
    assert Rosters(directory).find()

"""A primary that is started asks its peer before it writes; and how a standby sees a primary that is silent."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from folkmoot.base import clock
from folkmoot.config import Settings
from folkmoot.portability.failover.alarm import suspicion, warnings
from folkmoot.portability.failover.model import FailoverState, LossFacts, estimate, next_epoch
from folkmoot.portability.failover.standing import confirm_at_start, stand_handler
from folkmoot.portability.host import FENCED, PRIMARY, RETURNING, STANDBY, Host, HostState, Role
from folkmoot.portability.hosts.link import Link
from folkmoot.portability.standby.model import Following, Stage
from tests.portability.hosts import HostHere, pair


def _become(host: HostHere, state: HostState) -> None:
    host.directory.write(host.directory.host_file, msgspec.json.encode(state))


@pytest.fixture
async def hosts(open_folder: Path) -> tuple[HostHere, HostHere]:
    primary, standby = HostHere.make(open_folder, "here"), HostHere.make(open_folder, "there")
    await pair(primary, standby)
    _become(primary, HostState(PRIMARY, 4))
    return primary, standby


@pytest.mark.parametrize(("there", "role"), [
    (HostState(STANDBY, 4), PRIMARY),
    (HostState(STANDBY, 1), PRIMARY),
    (HostState(RETURNING, 3), PRIMARY),
    (HostState(PRIMARY, 3), PRIMARY),  # it has not heard yet that it was replaced
    (HostState(PRIMARY, 7), FENCED),
    (HostState(STANDBY, 4, seen=7), FENCED),  # a third host was the primary meanwhile
    (HostState(RETURNING, 7), FENCED),
])
@pytest.mark.parametrize("before", [PRIMARY, RETURNING])
async def test_a_primary_starts_with_what_its_peer_confirms(
    hosts: tuple[HostHere, HostHere], before: Role, there: HostState, role: Role
) -> None:
    here, other = hosts
    _become(here, HostState(before, 4))
    _become(other, there)
    async with other.running([stand_handler(other.directory)]):
        assert await confirm_at_start(Settings(data=here.directory.path)) == role
    state = Host(here.directory.path).state
    assert (state.role, state.epoch) == (role, 4)
    assert Host(here.directory.path).writing_epoch() == (4 if role == PRIMARY else None)


async def test_a_primary_whose_peer_is_silent_starts_without_writing(hosts: tuple[HostHere, HostHere]) -> None:
    here, other = hosts
    assert await confirm_at_start(Settings(data=here.directory.path)) == RETURNING
    assert Host(here.directory.path).writing_epoch() is None
    async with other.running():  # an older release, which does not know the question, and cannot have been promoted
        assert await confirm_at_start(Settings(data=here.directory.path)) == PRIMARY
    _become(here, HostState(STANDBY, 4))
    assert await confirm_at_start(Settings(data=here.directory.path)) == STANDBY


async def test_a_primary_without_a_peer_asks_nobody(open_folder: Path) -> None:
    alone = HostHere.make(open_folder, "alone")
    assert await confirm_at_start(Settings(data=alone.directory.path)) == PRIMARY


def test_a_silent_primary_is_suspected_and_lost_only_if_its_log_does_not_arrive() -> None:
    now = clock.now()
    link = Link("id", False, now - timedelta(seconds=5), now)
    following = Following(role=STANDBY, stage=Stage.STREAMING, since=0, measured_at=0)
    away = msgspec.structs.replace(following, stage=Stage.AWAY)
    assert suspicion(link, following) is FailoverState.SUSPECT
    assert suspicion(link, away) is FailoverState.ALARM
    assert suspicion(link, None) is FailoverState.ALARM
    assert suspicion(msgspec.structs.replace(link, since=now - timedelta(seconds=3)), away) is FailoverState.WATCHING
    assert suspicion(msgspec.structs.replace(link, is_reachable=True), away) is FailoverState.WATCHING
    assert suspicion(None, away) is FailoverState.WATCHING
    assert [len(warnings(state)) for state in (None, FailoverState.WATCHING, FailoverState.SUSPECT, FailoverState.ALARM)] == [0, 0, 1, 1]


def test_the_estimate_counts_what_is_known_to_be_missing_and_what_may_have_been_written() -> None:
    facts = LossFacts(received=1000, known=1500, last_write_at=None, silent_seconds=20, posts_per_second=0.5, bytes_per_second=100)
    loss = estimate(facts)
    assert (loss.least_bytes, loss.most_bytes, loss.most_posts) == (500, 2500, 10)
    assert estimate(msgspec.structs.replace(facts, known=0)).least_bytes == 0


@pytest.mark.parametrize("highest", range(1, 8))
def test_two_hosts_that_fail_over_never_choose_the_same_epoch(highest: int) -> None:
    """Nor one that a move may have offered, or that its undoing takes."""
    one = next_epoch("a", "b", highest)
    others = {next_epoch("b", "a", seen) for seen in range(1, 20)}
    assert one > highest + 2
    assert one not in others

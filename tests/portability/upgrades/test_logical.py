"""The database moves from PostgreSQL 16 to 18 and back while members write, read and listen: no request fails and nothing is lost."""

import asyncio
from collections.abc import Iterator

import pytest

from folkmoot.commands.options import settings_of
from folkmoot.portability.host import Host
from folkmoot.portability.logical.swap import NEXT
from tests.hosts.history import read_rows, wrong_writes
from tests.network_up import NetworkUp
from tests.portability.upgrades.members import Members
from tests.portability.upgrades.versions import facts, move_to, needs_wheel, network_of_16
from tests.series import length

pytestmark = needs_wheel
WRITERS, LISTENERS, RATE = length(4, 40), length(4, 60), length(20, 100)


@pytest.fixture(scope="module")
def network() -> Iterator[NetworkUp]:
    with network_of_16() as running:
        yield running


def test_the_database_moves_to_18_and_back_and_no_request_fails(network: NetworkUp) -> None:
    assert facts(network).major == 16
    epoch = Host(network.data).epoch
    for major in length((18,), (18, 16)):
        before = facts(network)
        members = Members(network, WRITERS, LISTENERS, RATE)
        done = move_to(network, major)
        journal = members.end()
        epoch += 1
        assert done["moved"]
        assert done["tables"] > 50
        assert journal.failures == []
        assert journal.failed_reads == []
        assert wrong_writes(journal, asyncio.run(read_rows(settings_of(network.data).dsn))) == []
        assert members.missed(journal) == []
        after = facts(network)
        assert (after.major, Host(network.data).epoch) == (major, epoch)
        assert after.sequence >= before.sequence
        assert after.slots == 0
        print(f"to {major}: pause {done['pause']} s, longest wait {journal.longest_wait:.2f} s, read {journal.longest_read:.2f} s,"  # noqa: T201
              f" break of a stream {journal.longest_break:.2f} s, {len(journal.writes)} writes, {len(journal.reads)} reads")
    assert not (network.data / NEXT).exists()

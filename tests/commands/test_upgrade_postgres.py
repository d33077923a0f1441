"""`moot upgrade --postgres` on a host that has a standby: refused, with the commands of the way that exists."""

from pathlib import Path

import pytest

from folkmoot.base import clock
from folkmoot.commands.upgrade_postgres import upgrade_postgres
from folkmoot.config import Settings
from folkmoot.config.sections import Replication
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.hosts.peers import Peer, Peers
from folkmoot.portability.logical.copy import LogicalProblem


def _never(_text: str) -> None:
    pytest.fail("it must be refused before anybody is asked")


@pytest.mark.parametrize(("mode", "says_release"), [("none", False), ("chosen", False), ("all", True)])
def test_with_a_standby_the_way_is_a_move_on_which_no_write_waits(open_folder: Path, mode: str, says_release: bool) -> None:
    directory = DataDirectory(open_folder / "data")
    directory.prepare()
    directory.lock()  # as while the network runs
    Peers(directory).add(Peer("a" * 64, "moot2", "192.0.2.1:8421", "", clock.now()))
    settings = Settings(replication=Replication(synchronous=mode), data=directory.path)
    try:
        with pytest.raises(LogicalProblem) as refused:
            upgrade_postgres(settings, directory, 18, _never, is_dry=False, as_json=True)
    finally:
        directory.close_inherited_lock()
    text = refused.value.message % refused.value.params
    assert ("moot host release --for 60" in text) is says_release
    assert text.index("moot standby --again --logical") < text.index("moot move") < text.rindex("moot standby --again")

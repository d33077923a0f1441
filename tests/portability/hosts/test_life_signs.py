"""Signs of life of the other host, as files of the agent: the statement that it is off is checked against them."""

import asyncio
from datetime import timedelta
from pathlib import Path

from folkmoot.base import clock
from folkmoot.portability.failover.alarm import find_life_sign
from folkmoot.portability.host import STANDBY
from folkmoot.portability.hosts.link import Link, record_link
from folkmoot.portability.standby.following import record
from folkmoot.portability.standby.model import Following, Stage
from tests.portability.hosts import HostHere


def _heard(host: HostHere, ago: float) -> None:
    now = clock.now()
    record_link(host.directory, Link("id", False, now, now, heard_at=now - timedelta(seconds=ago)))


def _follows(host: HostHere, stage: Stage) -> None:
    (host.directory.path / "hosts.json").touch()
    now = clock.now().timestamp()
    record(host.directory.path, Following(role=STANDBY, stage=stage, since=now, measured_at=now))


async def test_a_host_that_was_heard_long_ago_is_silent(open_folder: Path) -> None:
    host = HostHere.make(open_folder, "standby")
    assert await find_life_sign(host.directory) == ""
    _heard(host, 60)
    _follows(host, Stage.AWAY)
    assert await find_life_sign(host.directory) == ""


async def test_a_sign_from_just_before_counts_only_if_another_one_follows(open_folder: Path) -> None:
    host = HostHere.make(open_folder, "standby")
    _heard(host, 0)
    assert await find_life_sign(host.directory) == ""  # the host ended a moment ago
    _heard(host, 0)
    asking = asyncio.create_task(find_life_sign(host.directory))
    await asyncio.sleep(0.2)
    _heard(host, 0)
    assert await asking == "it has just spoken to this one"


async def test_a_log_that_goes_on_arriving_is_a_sign(open_folder: Path) -> None:
    host = HostHere.make(open_folder, "standby")
    asking = asyncio.create_task(find_life_sign(host.directory))
    await asyncio.sleep(0)
    assert await asking == ""
    _follows(host, Stage.STREAMING)
    asking = asyncio.create_task(find_life_sign(host.directory))
    while not asking.done():
        _follows(host, Stage.STREAMING)
        await asyncio.sleep(0.1)
    assert await asking == "its log still arrives"

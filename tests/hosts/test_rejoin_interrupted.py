"""The old host of a move loses its power while it becomes the standby of the new one. It comes up by itself, whenever that was."""

import json
import time

import pytest

from tests import series
from tests.hosts.host import Host
from tests.hosts.pair import new_pair
from tests.hosts.world import World

pytest.importorskip("folkmoot.commands.move")

_MOVE = ("moot", "move", "--yes", "--json", "--steady", "0.2")
_BEGINS = "becomes a standby of the new primary"
_FOLLOWS = 240.0  # seconds; after a rewind that did not end the database is copied anew
_MOST_LINES = 12  # in the log of a host that waits for the other one
# Seconds after the beginning. A rejoin takes about one second.
_MOMENTS = series.length([0.0], [*series.part([step / 20 for step in range(20)])])


def test_a_rejoin_survives_a_loss_of_power_at_any_moment(world: World) -> None:
    pair = new_pair(world)
    old, new = pair.primary, pair.standby
    for number, moment in enumerate(_MOMENTS):
        picture = old.files / "media" / f"kept-{number}"
        picture.parent.mkdir(exist_ok=True)
        picture.write_bytes(b"a picture")
        _cut_power_of(old, moment)
        before = len(old.said())
        old.power_on()
        if number == 0:
            _start_alone(world, old)
        else:
            old.begin()
        _await_follower(old, new, f"{moment} s after the beginning")
        assert "Traceback" not in old.said()[before:], f"{moment} s: {old.said()[before:]}"
        assert picture.exists()
        old, new = new, old


def _cut_power_of(old: Host, moment: float) -> None:
    """Moves away from `old`, which loses its power some seconds after it has begun to become a standby."""
    before = len(old.said())
    old.start(*_MOVE, log=old.log)
    old.until(lambda: _BEGINS in old.said()[before:], "begins to become a standby")
    time.sleep(moment)
    old.kill()


def _start_alone(world: World, old: Host) -> None:
    """The other host cannot be reached at first: this one says what it waits for, and says it once."""
    world.isolate(old)
    before = len(old.said())
    old.begin()
    old.until(lambda: "The database of this host waits" in old.run("moot", "status").stderr, "status says so")
    assert "this host becomes a standby of the new primary" in old.run("moot", "doctor").stdout
    old.until(lambda: old.get("/readyz").get("ready") is False, "answers that it is not ready")
    assert old.get("/livez") == {"alive": True}
    time.sleep(3)
    assert len(old.said()[before:].splitlines()) < _MOST_LINES, old.said()[before:]
    world.heal()


def _await_follower(old: Host, new: Host, when: str) -> None:
    new.until(lambda: _role(new) == "primary", f"is the primary, {when}")
    old.until(lambda: _follows(old), f"follows the new primary after a loss of power, {when}", _FOLLOWS)
    old.until(lambda: old.get("/readyz").get("ready") is True, f"is ready, {when}")
    assert (_role(old), _role(new)) == ("standby", "primary")


def _role(host: Host) -> str:
    return str(json.loads((host.files / "host.json").read_text())["role"])


def _follows(host: Host) -> bool:
    try:
        state = json.loads((host.files / "run" / "following.json").read_text())
    except (OSError, ValueError):
        return False
    return _role(host) == "standby" and state["role"] == "standby" and state["stage"] == "streaming"

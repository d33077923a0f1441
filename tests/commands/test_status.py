"""Lines of `moot status` that depend on the role of the host, or on several runs."""

import msgspec
import pytest

from folkmoot.commands import status
from folkmoot.commands.following import following_text
from folkmoot.portability.host import FENCED, PRIMARY, STANDBY, HostState
from folkmoot.portability.standby.model import Following, Stage

_COPY = {"repository": "/mnt/elsewhere/moot", "behind_seconds": None, "base_seconds": None, "failed": ""}


def test_a_standby_does_not_say_that_there_is_no_continuous_copy() -> None:
    assert "no continuous copy yet" in status._offsite(_COPY, "primary")
    assert "written by the primary" in status._offsite(_COPY, "standby")
    assert "no continuous copy" not in status._offsite(_COPY, "standby")


def test_a_failed_run_is_the_last_thing_that_is_said() -> None:
    drill = {"age_seconds": 102, "seconds": 6, "posts": 29, "failed": "There is no repository."}
    line = status._last_run(drill, "it compared", status._rehearsals({"dump": 102, "continuous": 110}))
    assert "it compared 29 posts; the continuous copy 110 seconds ago, a dump 102 seconds ago" in line
    assert line.endswith("THE LATEST RUN FAILED: There is no repository.")


@pytest.mark.parametrize(("move", "command"), [("", "moot standby --again"), ("m1", "moot move")])
def test_a_fenced_host_does_not_say_that_it_connects_again_by_itself(move: str, command: str) -> None:
    following = Following(stage=Stage.AWAY, role="standby", since=0.0, measured_at=0.0)
    line = following_text(following, HostState(role=FENCED, move=move))
    assert line.startswith("follows nobody")
    assert line.endswith(command)
    assert "by itself when the primary answers" in following_text(following, HostState(role=STANDBY))


def test_a_host_that_was_replaced_does_not_connect_again_by_itself() -> None:
    following = Following(stage=Stage.AWAY, role="primary", since=0.0, measured_at=0.0)
    assert "by itself when it runs" in following_text(following, HostState(role=PRIMARY), "brno")
    line = following_text(msgspec.structs.replace(following, is_replaced=True), HostState(role=PRIMARY), "brno")
    assert "does not become its standby by itself. Run on that one: moot standby --again" in line
    assert line.endswith("moot host remove brno")

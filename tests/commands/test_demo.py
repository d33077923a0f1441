"""The village that a new network is filled with."""

import json

from tests.network_up import NetworkUp, moot


def test_its_moderator_can_decide_every_case(running: NetworkUp) -> None:
    cases = json.loads(moot("cases", "--json", data=running.data).stdout)
    assert "can be decided by no moderator" not in moot("cases", data=running.data).stdout, cases
    assert "can be decided by no moderator" not in moot("doctor", data=running.data).stdout

"""The demo content of a new network."""

import json

from tests.network_up import NetworkUp, moot


def test_the_demo_moderators_can_decide_each_case(running: NetworkUp) -> None:
    cases = json.loads(moot("cases", "--json", data=running.data).stdout)
    assert "can be decided by no moderator" not in moot("cases", data=running.data).stdout, cases
    assert "can be decided by no moderator" not in moot("doctor", data=running.data).stdout

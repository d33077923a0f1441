"""`moot journal` and `moot cases` on a running network, with an intact and a damaged journal."""

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from tests.network_up import NetworkUp, moot


def _wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _reasons(network: NetworkUp) -> list[str]:
    """The reasons why the network is not ready."""
    try:
        with urllib.request.urlopen(f"{network.url}/readyz", timeout=60) as answer:
            return list(json.load(answer)["reasons"])
    except urllib.error.HTTPError as refusal:
        return list(json.load(refusal)["reasons"])


def test_a_damaged_end_of_the_journal_is_reported_by_each_command_and_can_be_accepted(running: NetworkUp) -> None:
    end = running.data / "journal.end"
    _wait_until(end.exists)
    intact = moot("journal", "verify", data=running.data)
    assert intact.returncode == 0, intact.stdout
    assert "none altered" in intact.stdout

    reason = "the moderation journal is not sealed: the file journal.end is damaged, or belongs to another network"

    def is_reported() -> bool:
        if reason in _reasons(running):
            return True
        end.write_bytes(end.read_bytes()[:50])  # damage it again: a seal that was being written replaces the file
        return False

    _wait_until(is_reported)
    doctor = moot("doctor", data=running.data)
    assert doctor.returncode == 1
    assert re.search(rf"broken +{re.escape(reason)}", doctor.stdout, re.IGNORECASE)
    verified = moot("journal", "verify", data=running.data)
    assert verified.returncode == 1
    assert "is damaged, or belongs to another network" in verified.stdout
    assert f"moot journal accept --data {running.data}" in verified.stdout
    assert "Traceback" not in verified.stdout + verified.stderr

    accepted = moot("journal", "accept", "--yes", data=running.data)
    assert accepted.returncode == 0, accepted.stderr
    _wait_until(lambda: not _reasons(running))
    assert moot("doctor", data=running.data).stdout.count("the moderation journal is sealed") == 1
    intact = moot("journal", "verify", data=running.data)
    assert intact.returncode == 0, intact.stdout
    assert "Note: an operator accepted damage" in intact.stdout
    assert "nothing to accept" in moot("journal", "accept", "--yes", data=running.data).stdout


def test_cases_are_listed_with_the_used_part_of_their_time(running: NetworkUp) -> None:
    answer = json.loads(moot("cases", "--json", data=running.data).stdout)
    assert answer["open"] >= len(answer["cases"]) > 0
    assert all(0 <= case["used_percent"] <= 100 for case in answer["cases"])
    text = moot("cases", data=running.data).stdout
    assert text.startswith(f"{answer['open']} open cases: 0 overdue")
    assert ("cannot be decided" in text) == (answer["stuck"] > 0)

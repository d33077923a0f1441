"""Who wrote a moment ago is known to all processes of a machine, for some seconds."""

from datetime import timedelta
from pathlib import Path

from folkmoot.base import clock
from folkmoot.http.recent_writers import SECONDS, RecentWriters


def test_all_processes_know_who_wrote_for_some_seconds(tmp_path: Path) -> None:
    one, other = (RecentWriters(tmp_path / "recent", b"key") for _ in range(2))
    assert not other.includes([b"token"])
    one.note([b"token", b"address"])
    for known in ([b"token"], [b"x", b"address"]):
        assert other.includes(known)
    assert not other.includes([b"somebody else"])
    assert not RecentWriters(tmp_path / "recent", b"another key").includes([b"token"])  # the file alone tells nothing
    with clock.stopped_at(clock.now() + timedelta(seconds=SECONDS + 2)):
        assert not other.includes([b"token"])
    with clock.stopped_at(clock.now() - timedelta(hours=1)):  # the clock was set back
        assert not other.includes([b"token"])


def test_without_a_file_the_process_knows_its_own(tmp_path: Path) -> None:
    alone = RecentWriters(tmp_path / "missing" / "file", b"key")
    alone.note([b"token"])
    assert alone.includes([b"token"])

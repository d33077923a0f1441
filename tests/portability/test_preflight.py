"""What speaks against a move: one line each, with the command that mends it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from folkmoot.base import clock
from folkmoot.portability.certificates import trust
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import FENCED, PRIMARY, STANDBY, HostState, Role
from folkmoot.portability.logical.swap import SwapOrder, order_swap
from folkmoot.portability.moving import driver, preflight
from folkmoot.portability.moving.model import DatabaseCondition, HostCondition, MoveProblem
from folkmoot.portability.moving.plan import (
    NO_HTTPS,
    HostFacts,
    Level,
    Line,
    LinkFacts,
    Names,
    conditions,
    facts,
    least_skew,
    link,
    obstacles,
)
from folkmoot.portability.moving.preflight import Preflight, Survey, find_certificate, offered
from folkmoot.portability.moving.unfinished import Work, find_unfinished
from folkmoot.portability.offsite.coming import Coming, write_coming
from folkmoot.portability.offsite.remembered import remember
from folkmoot.portability.upgrade.journal import FAILED, STARTED, Journal
from tests.commands.test_doctor_connections import certificate

NOW = clock.now()
NAMES = Names("moot1", "moot2")
GB = 10**9


def condition(role: Role, **changes: Any) -> HostCondition:
    database = DatabaseCondition(
        is_replaying=role == STANDBY, is_streaming=role == STANDBY, epoch=1, position="0/1", schema=44, major=18, system="1", last_move="",
    )
    healthy = HostCondition(
        host=role, role=role, epoch=1, to="", move="", database=database, schema=44, machine="x86_64", free_bytes=9 * GB, now=NOW,
        is_web_running=True,
    )
    return msgspec.structs.replace(healthy, **changes)


def database(of: HostCondition, **changes: Any) -> HostCondition:
    assert of.database
    return msgspec.structs.replace(of, database=msgspec.structs.replace(of.database, **changes))


OLD, NEW = condition(PRIMARY), condition(STANDBY)
FACTS = HostFacts(release="1", data_bytes=2 * GB, backup_age=3600.0, domain="moot.example.org", certificate_until=NOW + timedelta(days=60))


def test_two_healthy_hosts_have_a_line_for_each_question_and_none_is_bad() -> None:
    lines = [*conditions(OLD, NEW, 0.0, NAMES), *facts(FACTS, FACTS, 9 * GB, NAMES, NOW), *link(LinkFacts(0.02, 5e6, 1e5, 0.004), NAMES)]
    assert [line.name for line in lines] == [
        "hosts", "database", "PostgreSQL", "schema", "pages", "release", "disk", "backup", "certificate", "clock", "link",
    ]
    assert [line for line in lines if line.level != Level.GOOD or line.mend] == []
    assert list(obstacles(OLD, NEW, 0.0)) == []
    Survey(lines, 0.02, 0.2).require()


def test_a_standby_that_follows_by_rows_may_be_of_another_kind() -> None:
    other = database(condition(STANDBY, machine="aarch64"), major=17)
    assert {line.name for line in conditions(OLD, other, 0.0) if line.level == Level.STOP} == {"PostgreSQL"}
    assert list(obstacles(OLD, database(other, is_logical=True), 0.0)) == []
    old_release = database(condition(STANDBY, schema=43), is_logical=True)
    assert {line.name for line in conditions(OLD, old_release, 0.0) if line.level == Level.STOP} == {"schema"}


STOPS: list[tuple[str, HostCondition, HostCondition, str]] = [
    ("hosts", OLD, msgspec.structs.replace(NEW, role=FENCED), "moot status"),
    ("database", OLD, condition(STANDBY, database=None), "moot up"),
    ("database", condition(PRIMARY, database=None), NEW, "moot up"),
    ("database", OLD, database(NEW, is_replaying=False), "moot standby --again"),
    ("PostgreSQL", OLD, database(NEW, major=17), "Install the same release"),
    ("PostgreSQL", OLD, condition(STANDBY, machine="aarch64"), "one architecture"),
    ("schema", OLD, condition(STANDBY, schema=43), "moot upgrade"),
    ("schema", OLD, condition(STANDBY, schema=45), "moot upgrade"),
    ("disk", OLD, condition(STANDBY, free_bytes=10**8), "Free some"),
    ("pages", OLD, condition(STANDBY, is_web_running=False), "moot up"),
]


@pytest.mark.parametrize(("name", "old", "new", "command"), STOPS)
def test_what_a_move_cannot_start_without_stops_it(name: str, old: HostCondition, new: HostCondition, command: str) -> None:
    stops = [line for line in conditions(old, new, 1.0, NAMES) if line.level == Level.STOP]
    assert [line.name for line in stops] == [name]
    assert command in stops[0].mend
    assert list(obstacles(old, new, 1.0)) == [stops[0].mend]
    with pytest.raises(MoveProblem):
        Survey(stops, 0, 0).require()


@pytest.mark.parametrize("seconds", [3.0, -3.0])
def test_clocks_that_differ_stop_a_move(seconds: float) -> None:
    (stop,) = (line for line in conditions(OLD, NEW, seconds, NAMES) if line.level == Level.STOP)
    assert stop.found == f"moot2 is 3.0 s {'ahead' if seconds > 0 else 'behind'}"
    assert "timedatectl" in stop.mend


@pytest.mark.parametrize(("said", "seconds"), [(-4, -4), (0, 0), (2, 0), (5, 0), (9, 4)])
def test_a_slow_answer_is_no_wrong_clock(said: int, seconds: float) -> None:
    """The question took five seconds."""
    assert least_skew(NOW, NOW + timedelta(seconds=said), NOW + timedelta(seconds=5)) == seconds


def replaced(**changes: Any) -> HostFacts:
    return msgspec.structs.replace(FACTS, **changes)


@pytest.mark.parametrize(("old", "new", "free", "name", "level", "command"), [
    (FACTS, FACTS, 9 * GB // 10, "disk", Level.STOP, "Free 100.0 MB there"),
    (replaced(backup_age=None), FACTS, 9 * GB, "backup", Level.WARNING, "moot backup --to REPO"),
    (replaced(backup_age=25 * 3600.0), FACTS, 9 * GB, "backup", Level.WARNING, "Make one on moot1: moot backup"),
    (replaced(backup_failed="The disk is full."), FACTS, 9 * GB, "backup", Level.WARNING, "The disk is full. A backup"),
    (FACTS, replaced(certificate_until=None, certificate_failed=NO_HTTPS), 9 * GB, "certificate", Level.WARNING, "moot install on moot2"),
    (FACTS, replaced(certificate_until=None, certificate_failed="none"), 9 * GB, "certificate", Level.WARNING, "moot install on both"),
    (FACTS, replaced(certificate_until=NOW + timedelta(days=2)), 9 * GB, "certificate", Level.WARNING, "journalctl"),
    (replaced(unfinished=[Work("pictures", "still gets 3", "Wait", True)]), FACTS, 9 * GB, "pictures", Level.STOP, "Wait."),
    (FACTS, replaced(unfinished=[Work("upgrade", "was not completed", "moot upgrade", False)]), 9 * GB, "upgrade", Level.WARNING, "moot"),
])
def test_what_people_should_know_before_a_move(
    old: HostFacts, new: HostFacts, free: int, name: str, level: Level, command: str
) -> None:
    bad = [line for line in facts(old, new, free, NAMES, NOW) if line.level != Level.GOOD]
    assert [(line.name, line.level) for line in bad] == [(name, level)]
    assert command in bad[0].mend


def test_what_a_host_has_begun_is_found_until_it_has_ended(open_folder: Path) -> None:
    directory = DataDirectory(open_folder / "data")
    directory.prepare()

    def found() -> list[tuple[str, bool]]:
        return [(work.name, work.stops) for work in find_unfinished(directory)]

    assert found() == []
    for name, stops in (("upgrade", True), ("backup", False), ("drill", False)):
        with directory.exclusively(name):
            assert found() == [(name, stops)]
        assert found() == []
    write_coming(directory, Coming(location="/repository", snapshots=["a"], files=9, bytes=900, left_files=3, left_bytes=300))
    (work,) = find_unfinished(directory)
    assert (work.name, work.stops) == ("pictures", False)
    assert "3 pictures from /repository" in work.found
    (open_folder / "data/offsite/pictures.json").unlink()
    (open_folder / "data/exports/ab").mkdir()
    (open_folder / "data/exports/ab/cd.zip").touch()
    assert found() == [("archives", False)]
    directory.write(directory.host_file, msgspec.json.encode(HostState(role=STANDBY)))
    assert found() == []  # those of a primary
    (open_folder / "data/next").mkdir()
    assert found() == [("upgrade", False)]
    order_swap(directory, SwapOrder(epoch=2, kept="postgres-16"))
    assert found() == [("upgrade", True)]
    (open_folder / "data/swap.json").unlink()
    (open_folder / "data/next").rmdir()
    journal = Journal(directory)
    journal.append("0.9-abc", "schema", STARTED)
    assert "0.9-abc" in find_unfinished(directory)[0].found
    journal.append("0.9-abc", "schema", FAILED)
    assert found() == []


def test_a_new_host_that_could_not_go_on_with_the_copies_is_found(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder or a program that only the old host has: no move is stopped, but nothing would be copied after it."""
    directory, programs = DataDirectory(open_folder / "data"), open_folder / "programs"
    directory.prepare(HostState(role=STANDBY))
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))

    def found() -> list[str]:
        assert all((work.name, work.stops) == ("off-site", False) for work in find_unfinished(directory))
        return [work.found for work in find_unfinished(directory)]

    assert found() == []  # there is no repository
    remember(directory, str(open_folder / "copies"))
    assert "restic is not installed" in found()[0]
    (programs / "restic").touch(0o755)
    assert "there is no repository in this folder" in found()[0]
    (open_folder / "copies").mkdir()
    (open_folder / "copies" / "config").touch()
    assert found() == []
    remember(directory, "rest:http://moot:secret@127.0.0.1:9/moot")
    assert found() == []  # a server is not asked
    remember(directory, "sftp:moot@127.0.0.1:/moot")
    assert "ssh is not installed" in found()[0]
    directory.write(directory.host_file, msgspec.json.encode(HostState()))
    assert found() == []  # the primary notices by itself, each half minute


def test_a_network_without_https_needs_no_certificate() -> None:
    plain = replaced(domain="", certificate_until=None)
    assert "certificate" not in {line.name for line in facts(plain, plain, 9 * GB, NAMES, NOW)}


def test_a_link_that_carries_less_than_is_written_stops_a_move() -> None:
    assert [line.level for line in link(LinkFacts(0.1, 1e5, 2e5, 0), NAMES)] == [Level.GOOD, Level.STOP]


def test_a_line_that_forbids_hides_the_good_one_about_the_same() -> None:
    good, bad = Line("disk", "much"), Line("disk", "little", Level.STOP, "Free some.")
    assert preflight._once([good, bad, Line("clock", "equal")]) == [bad, Line("clock", "equal")]


async def test_the_file_that_measures_the_link_has_the_size_that_was_asked_for_and_no_more() -> None:
    store = offered()
    content = await store.read("100000")
    assert content is not None
    assert sum([len(piece) async for piece in content.pieces]) == content.size == 100_000
    for wrong in (str(10**9), "-1", "x", "1e3"):
        assert await store.read(wrong) is None


@pytest.mark.parametrize(("rates", "found"), [
    ([1e5, 4e5, 16e5, 20e5, 20e5, 20e5], 20e5),  # over a long way a connection begins slowly
    ([5e6, 5e6, 1e6, 1e6], 5e6),
    ([1e3 * 2**number for number in range(20)], 1e3 * 2**8),  # four seconds at most
    ([0.2e6], 0.2e6),
])
async def test_the_link_is_measured_until_it_no_longer_becomes_faster(
    monkeypatch: pytest.MonkeyPatch, rates: list[float], found: float
) -> None:
    """`rates`: bytes per second, of each half second."""
    now = 0.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal now
        for number, rate in enumerate(rates):
            for part in range(1, 11):
                now = (number + part / 10) / 2
                yield bytes(int(rate / 20))

    @asynccontextmanager
    async def fetch(store: str, file: str) -> AsyncIterator[AsyncIterator[bytes] | None]:
        yield pieces()

    this: Any = None
    measured = await Preflight(this, fetch, "").measure(preflight.Question())
    assert measured.rate == pytest.approx(found, rel=0.01)


async def test_the_certificate_that_visitors_would_get_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = certificate(tmp_path, 60, "moot.example.org")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    monkeypatch.setattr(preflight, "_HTTPS", server.sockets[0].getsockname()[1])
    until, why = await asyncio.to_thread(find_certificate, "moot.example.org")
    assert (until, why) == (None, "its certificate is not valid: self-signed certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    until, why = await asyncio.to_thread(find_certificate, "moot.example.org")
    assert why == ""
    assert until is not None
    assert until > clock.now() + timedelta(days=59)
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setattr(trust, "ACME_ROOT", file)  # moot install --acme-root
    assert (await asyncio.to_thread(find_certificate, "moot.example.org"))[1] == ""
    assert "not valid" in (await asyncio.to_thread(find_certificate, "other.example.org"))[1]
    server.close()
    assert "nothing listens" in (await asyncio.to_thread(find_certificate, "moot.example.org"))[1]


@pytest.mark.parametrize("error", [asyncio.CancelledError(), KeyboardInterrupt()])
def test_an_interrupted_step_says_so_in_words(error: BaseException) -> None:
    assert driver._reason(error) == "it was interrupted (Ctrl-C)."
    assert driver._reason(MoveProblem("The disk of %(host)s is full.", host="praha")) == "The disk of praha is full."

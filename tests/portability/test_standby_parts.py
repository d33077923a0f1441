"""Parts of a standby alone: what both hosts share, how the lag is computed, how pictures are copied."""

import errno
import hashlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import msgspec
import pytest

from folkmoot import config
from folkmoot.base import clock, file_store
from folkmoot.base.file_store import FileName, LocalFiles
from folkmoot.config import Mail, Network, Server, Settings
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import FENCED, PRIMARY, RETURNING, STANDBY, HostState, Role
from folkmoot.portability.hosts.identity import make_identity
from folkmoot.portability.hosts.messages import PeerUnreachable, Store
from folkmoot.portability.hosts.peers import Peer, Peers
from folkmoot.portability.postgres_settings import SIGNAL, slot_limit, slot_of, standby_settings
from folkmoot.portability.progress import NoProgress
from folkmoot.portability.standby.following import FILE, Meter, Positions, find_following, record, warnings
from folkmoot.portability.standby.joining import is_replaced_by
from folkmoot.portability.standby.media import Fetch, MediaCopy, WrongContent, _pages, fetch_file, offered
from folkmoot.portability.standby.model import Facts, Following, Stage
from folkmoot.portability.standby.queries import Receiving, Sending
from folkmoot.portability.standby.sharing import WrongSecret, collect_secrets, collect_settings, install_secrets, install_settings
from folkmoot.portability.synchronous import Mode

ODD = 'Lípa "nad" Bečvou \\ 🌳\n\x7f\t#'


@pytest.fixture
def directory(open_folder: Path) -> DataDirectory:
    made = DataDirectory(open_folder / "data")
    made.prepare()
    return made


def test_settings_of_the_network_travel_and_those_of_a_host_stay(directory: DataDirectory) -> None:
    file = directory.path / "folkmoot.toml"
    file.write_text(
        '[server]\nport = 9000\nbase_url = "http://old.example"\n[network]\nname = "Old"\nmax_characters = 700\n[log]\nlevel = "debug"\n'
    )
    theirs = Settings(
        server=Server(port=8420, host="10.0.0.1", base_url="https://moot.example.org"), network=Network(name=ODD, language="cs"),
        mail=Mail(host="smtp.example.org", password="geheim phrase"),
    )
    shared = collect_settings(theirs)
    assert shared["server"] == {"base_url": "https://moot.example.org"}
    shared["network"]["of_a_newer_release"] = 1
    shared["future"] = {"setting": True}
    install_settings(directory, {**shared, "log": {"level": "error"}})
    loaded = config.load(directory.path)
    assert (loaded.server.port, loaded.server.base_url, loaded.log.level) == (9000, "https://moot.example.org", "debug")
    assert loaded.network == theirs.network  # also what the primary has not set, such as max_characters
    assert loaded.mail == Mail(host="smtp.example.org")
    assert "geheim" not in file.read_text()
    assert 'name = "Old"' in (directory.path / "folkmoot.toml.before").read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text("# a comment of the operator\n" + file.read_text() + '[media]\nmax_bytes = 33554432\n')  # the default
    before = file.stat().st_ino
    install_settings(directory, shared)
    assert file.stat().st_ino == before, "what is equal is not written again"


def test_secrets_travel_and_the_key_of_a_host_does_not(directory: DataDirectory, open_folder: Path) -> None:
    make_identity(directory)
    directory.write(directory.path / "secrets" / "backup-key", b"\x00\xff")
    (directory.path / "secrets" / "link").symlink_to("/etc/hostname")
    secrets = collect_secrets(Settings(secret=b"from the environment", mail=Mail(password="geheim")), directory)
    assert secrets.keys() == {"backup-key", "mail-password", "network-secret", "replication-password"}
    assert secrets["network-secret"] == b"from the environment"
    other = DataDirectory(open_folder / "other")
    other.prepare()
    install_secrets(other, msgspec.json.decode(msgspec.json.encode(secrets), type=dict[str, bytes]))
    for name, content in secrets.items():
        file = other.path / "secrets" / name
        assert (file.read_bytes(), file.stat().st_mode & 0o777) == (content, 0o600)
    for name in ("../folkmoot.toml", "host-key.pem", "host-certificate.pem", ".hidden", "a/b", ""):
        with pytest.raises(WrongSecret):
            install_secrets(other, {name: b"x"})


def test_the_lag_is_the_age_of_the_oldest_unconfirmed_write() -> None:
    positions = Positions()
    assert positions.lag(0, 100, 100) == 0
    assert positions.lag(10, 200, 100) == 0  # written just now
    assert positions.lag(11, 300, 100) == 1
    assert positions.lag(12, 300, 200) == 1  # the write of second 11 is the oldest now
    assert positions.lag(13, 300, 300) == 0
    assert Positions(age=50).lag(0, 100, 90) == 50  # another process measured before
    long = Positions()
    for second in range(100_000):
        lag = long.lag(second, 1000 + second, 1000)
    assert lag == pytest.approx(99_998)
    assert len(long._samples) < 1100


def test_the_stages_of_a_primary_follow_its_slot_and_those_of_a_standby_its_receiver() -> None:
    meter = Meter()
    cases = {
        Stage.NONE: (False, "", ""), Stage.AWAY: (True, "reserved", ""), Stage.SEEDING: (True, "reserved", "backup"),
        Stage.STREAMING: (True, "reserved", "streaming"), Stage.CATCHING_UP: (True, "extended", "catchup"),
        Stage.LOST: (True, "lost", ""),
    }
    for stage, (has_slot, wal_status, state) in cases.items():
        assert meter.of_primary(Sending(10, has_slot, wal_status, state, 5)).stage is stage
    media = MediaCopy(Path(), fetch_from(offered(Path())))
    media._damaged = {FileName(b"1", "webp"): 4000}
    standby = Meter()
    found = standby.of_standby(Receiving(100, 100, 0.1), media)
    assert (found.stage, found.lag_bytes, found.media_missing, found.media_missing_bytes) == (Stage.STREAMING, 0, 1, 4000)
    assert standby.of_standby(Receiving(100, 0, None), media).stage is Stage.AWAY
    standby.peer_stage = Stage.LOST
    assert standby.of_standby(Receiving(100, 0, None), media).stage is Stage.LOST
    assert standby.of_standby(Receiving(100, 100, 0.1), media).stage is Stage.STREAMING
    assert standby.of_standby(Receiving(100, 0, None), media).stage is Stage.AWAY, "what the primary said before is forgotten"


def test_a_record_is_forgotten_with_the_pairing_and_an_old_one_does_not_say_that_all_is_well(directory: DataDirectory) -> None:
    state = Meter().of_primary(Sending(10, True, "reserved", "streaming", 10))
    record(directory.path, state)
    assert find_following(directory.path) is None  # no peer
    Peers(directory).add(Peer("ab" * 32, "there", "127.0.0.1:1", "", clock.now()))
    assert find_following(directory.path) == state
    assert warnings(state) == []
    behind = msgspec.structs.replace(state, lag_seconds=1.5)
    assert "1.5 s behind" in warnings(behind)[0]
    record(directory.path, msgspec.structs.replace(state, measured_at=state.measured_at - 60))
    old = find_following(directory.path)
    assert old is not None
    assert old.stage is Stage.AWAY
    assert old.lag_seconds >= 60
    (directory.path / FILE).write_bytes(b'{"ro')
    assert find_following(directory.path) is None


def test_what_waits_for_an_absent_standby_is_an_alarm_and_what_should_wait_a_warning() -> None:
    def said(stage: Stage, wanted: Mode, active: Mode, *, lag: float = 0.0, at: float = 0.0, role: str = PRIMARY) -> str:
        return "; ".join(warnings(Following(
            role=role, stage=stage, since=0, measured_at=at, lag_seconds=lag, wanted=wanted, active=active
        )))

    assert said(Stage.STREAMING, Mode.ALL, Mode.ALL) == ""
    assert "ALARM: all writes wait" in said(Stage.AWAY, Mode.ALL, Mode.ALL)
    behind = said(Stage.STREAMING, Mode.ALL, Mode.ALL, lag=2)
    assert "ALARM" in behind
    assert "would lose" not in behind
    assert "would lose" in said(Stage.STREAMING, Mode.CHOSEN, Mode.CHOSEN, lag=2)
    assert "on this host only" in said(Stage.AWAY, Mode.CHOSEN, Mode.NONE)
    assert "on this host only" in said(Stage.NONE, Mode.ALL, Mode.NONE)
    assert "on this host only" in said(Stage.STREAMING, Mode.ALL, Mode.NONE, at=11.0)
    assert said(Stage.STREAMING, Mode.ALL, Mode.NONE, at=1.0) == ""
    assert "until the standby agrees" in said(Stage.STREAMING, Mode.NONE, Mode.ALL)
    assert "wait" not in said(Stage.STREAMING, Mode.ALL, Mode.ALL, lag=9, role=STANDBY)


@pytest.mark.parametrize(("role", "epoch", "expected"), [
    (PRIMARY, 2, True), (RETURNING, 2, True), (FENCED, 2, True), (PRIMARY, 3, False), (STANDBY, 2, False),
])
def test_only_who_was_primary_in_a_lower_epoch_is_replaced(directory: DataDirectory, role: Role, epoch: int, expected: bool) -> None:
    """A dry run of `moot standby --again` decides by this whether a network may be replaced."""
    directory.write(directory.host_file, msgspec.json.encode(HostState(role=role, epoch=epoch)))
    facts = Facts(
        network="", address="", folkmoot="", schema=0, postgresql=0, machine="", epoch=3, database_bytes=1, media=0, media_bytes=0
    )
    assert not is_replaced_by(directory, facts)
    (directory.path / "postgres").mkdir()
    assert is_replaced_by(directory, facts) is expected


def test_a_standby_finds_its_primary_through_the_agent(directory: DataDirectory) -> None:
    folder = Path("/tmp/it's here")
    assert standby_settings(directory, folder) == {}
    (directory.path / "postgres").mkdir()
    (directory.path / "postgres" / SIGNAL).touch()
    assert standby_settings(directory, folder) == {}, "a standby of another origin keeps its own settings"
    own = make_identity(directory)
    directory.secret("replication-password")
    found = standby_settings(directory, folder)
    peer = Peer(own.id, "there", "127.0.0.1:1", own.certificate, clock.now())
    assert found["primary_slot_name"] == f"'{peer.slot}'" == f"'{slot_of(own.id)}'"
    assert "host=''/tmp/it\\\\''s here''" in found["primary_conninfo"]
    assert 256 <= int(slot_limit(directory.path).strip("'MB")) <= 16384


def fetch_from(store: Store) -> Fetch:
    """What the channel does, without the channel."""

    @asynccontextmanager
    async def fetch(name: str, file: str) -> AsyncIterator[AsyncIterator[bytes] | None]:
        assert name == store.name
        content = await store.read(file)
        yield content.pieces if content else None

    return fetch


def files_in(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


async def stored(folder: Path, content: bytes) -> FileName:
    name = FileName(hashlib.sha256(content).digest(), "webp")
    await LocalFiles(folder).write(name, content)
    return name


async def test_missing_pictures_are_copied_and_each_is_verified(dsn: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    names = [await stored(theirs, f"picture {number}".encode() * 1000) for number in range(5)]
    await stored(ours, b"picture 0" * 1000)
    (theirs / names[1].path).write_bytes(b"damaged!!!" * 1000)
    (theirs / names[2].path).unlink()
    connection = await asyncpg.connect(dsn)
    await connection.executemany(
        "INSERT INTO media_files (sha256, extension, bytes, reference_count) VALUES ($1, $2, 10000, 1)",
        [(name.sha256, name.extension) for name in names],
    )
    copy = MediaCopy(ours, fetch_from(offered(theirs)), pause=0)
    with caplog.at_level(logging.WARNING):
        assert await copy.copy_all(connection, NoProgress()) == 2
    assert (copy.missing, copy.missing_bytes) == (1, 10000)  # the other one cannot be had
    assert "wrong content" in caplog.text
    assert files_in(ours) == {names[number].path for number in (0, 3, 4)}
    (theirs / names[1].path).write_bytes(b"picture 1" * 1000)
    await stored(theirs, b"picture 2" * 1000)
    assert await copy.copy_all(connection, NoProgress()) == 0
    assert (copy.missing, copy.missing_bytes) == (0, 0)
    await copy._remove_unneeded(connection)
    await connection.close()


async def test_what_has_come_stays_when_the_link_breaks(dsn: str, tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    names = [await stored(theirs, f"picture {number}".encode() * 100) for number in range(60)]
    connection = await asyncpg.connect(dsn)
    await connection.executemany(
        "INSERT INTO media_files (sha256, extension, bytes, reference_count) VALUES ($1, $2, 1000, 1)",
        [(name.sha256, name.extension) for name in names],
    )
    whole, asked = fetch_from(offered(theirs)), 0

    @asynccontextmanager
    async def breaking(store: str, file: str) -> AsyncIterator[AsyncIterator[bytes] | None]:
        nonlocal asked
        asked += 1
        if asked > 40:
            raise PeerUnreachable
        async with whole(store, file) as pieces:
            yield pieces

    with pytest.raises(PeerUnreachable):
        await MediaCopy(ours, breaking, at_once=1, pause=0).copy_all(connection, NoProgress())
    assert len(files_in(ours)) == 40, asked
    assert await MediaCopy(ours, whole, pause=0).copy_all(connection, NoProgress()) == 0
    assert files_in(ours) == {name.path for name in names}
    await connection.close()


@pytest.mark.parametrize("together", [True, False])
async def test_a_file_that_a_full_disk_refuses_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, together: bool) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    names = [await stored(theirs, f"picture {number}".encode()) for number in range(3)]

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(file_store, "_move_durably", full)
    with pytest.raises(OSError, match="no space left"):
        if together:
            await MediaCopy(ours, fetch_from(offered(theirs)), pause=0)._fetch_all([(name, 100) for name in names], NoProgress())
        else:
            await fetch_file(ours, fetch_from(offered(theirs)), names[0], 100)
    assert not files_in(ours)


def test_few_bytes_and_few_files_are_written_together() -> None:
    name = FileName(b"x" * 32, "webp")
    pages = list(_pages([(name, 1)] * 1100 + [(name, 300 * 2**20)] * 2 + [(name, 1)]))
    assert [len(page) for page in pages] == [500, 500, 101, 1, 1]


async def test_an_interrupted_or_endless_file_leaves_nothing(tmp_path: Path) -> None:
    name = FileName(hashlib.sha256(b"x").digest(), "webp")

    def fetches(pieces: AsyncIterator[bytes]) -> Fetch:
        @asynccontextmanager
        async def fetch(_store: str, _file: str) -> AsyncIterator[AsyncIterator[bytes] | None]:
            yield pieces

        return fetch

    async def interrupted() -> AsyncIterator[bytes]:
        yield b"x"
        raise PeerUnreachable

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1000

    for pieces, problem in ((interrupted(), PeerUnreachable), (endless(), WrongContent)):
        with pytest.raises(problem):
            await fetch_file(tmp_path, fetches(pieces), name, 10_000)
        assert not files_in(tmp_path)


async def test_only_files_of_pictures_are_offered(tmp_path: Path) -> None:
    name = await stored(tmp_path, b"a picture")
    store = offered(tmp_path)
    file = name.path.rpartition("/")[2]
    assert await store.read(file) is not None
    (tmp_path / "secret").write_text("x")
    for other in ("secret", "../secret", file.upper(), f"{name.sha256.hex()}.png", f".{file}", "", f"{'0' * 64}.webp", file + "\n"):
        assert await store.read(other) is None, other

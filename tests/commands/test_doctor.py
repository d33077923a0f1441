"""Each check of `moot doctor`: the thing is broken, and the doctor names it, why it matters and the remedy."""

import asyncio
import json
import os
import re
import resource
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from folkmoot import config
from folkmoot.base import clock
from folkmoot.base.database_facts import DatabaseFacts
from folkmoot.base.database_health import get_database_health
from folkmoot.base.db import Database
from folkmoot.base.migrate import known
from folkmoot.commands import doctor
from folkmoot.commands.checks import configuration, connections, database, machine, operation
from folkmoot.commands.checks.model import BROKEN, GOOD, WARNING, Finding
from folkmoot.config import Settings
from folkmoot.moderation.detection import versions
from folkmoot.network.sessions.model import Role
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.queries import insert_run
from folkmoot.portability.runs import BACKUP, DRILL, Run
from tests.api.test_accounts import picture
from tests.http.test_shortages import fill, small_disk  # noqa: F401 - a fixture
from tests.network_up import moot
from tests.village import Village, settle


def _states(findings: Iterable[Finding]) -> dict[str, str]:
    """The worst state of each check. Each finding that is not good says why it matters and what to do."""
    found: dict[str, str] = {}
    for finding in findings:
        assert finding.what
        assert finding.state == GOOD or (finding.why and finding.remedy), finding
        found[finding.check] = max(found.get(finding.check, ""), finding.state, key=["", GOOD, WARNING, BROKEN].index)
    return found


@pytest.fixture
def data(open_folder: Path) -> Path:
    """A complete data directory without a database."""
    directory = DataDirectory(open_folder / "data")
    directory.prepare()
    (directory.path / "postgres").mkdir(mode=0o700)
    directory.write(directory.path / "postgres" / "PG_VERSION", b"18")
    directory.set_owner(directory.path / "postgres")
    return directory.path


def _with(data: Path, text: str = "") -> Settings:
    (data / "folkmoot.toml").write_text(text)
    (data / "folkmoot.toml").chmod(0o644)
    return config.load(data)


def _old(path: Path) -> None:
    path.mkdir()
    os.utime(path, (0, time.time() - 90_000))


_MACHINE: dict[str, tuple[str, str, Callable[[Path], Any]]] = {
    "access.secrets": (GOOD, BROKEN, lambda data: (data / "secrets").chmod(0o755)),
    "access.postgres": (GOOD, BROKEN, lambda data: (data / "postgres").chmod(0o750)),
    "access.settings": ("", WARNING, lambda data: _with(data, '[mail]\npassword = "x"')),
    "data.parts": ("", BROKEN, lambda data: (data / "media").rmdir()),
    "data.postgres": ("", BROKEN, lambda data: (data / "postgres" / "PG_VERSION").unlink()),
    "data.host": ("", BROKEN, lambda data: (data / "host.json").write_text("{")),
    "data.leftovers": ("", WARNING, lambda data: _old(data / "restoring")),
    "postgres.log": ("", WARNING, lambda data: os.truncate(_log(data, ""), 300 * 2**20)),
    "postgres.panic": ("", WARNING, lambda data: _log(data, 'x [1] PANIC:  could not write to file "pg_wal/xlogtemp.1": No space left')),
}


def _log(data: Path, text: str) -> Path:
    (data / "postgres.log").write_text(text.replace("PANIC:  ", "PANIC: ") + "\n")
    return data / "postgres.log"


@pytest.mark.parametrize("name", _MACHINE)
def test_a_fault_of_the_machine_or_its_files_is_named(name: str, data: Path) -> None:
    before, after, harm = _MACHINE[name]
    assert _states(machine.check_machine(_with(data))).get(name, "") == before
    harm(data)
    assert _states(machine.check_machine(config.load(data)))[name] == after


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_full_disk_and_files_of_several_owners_are_named(data: Path, small_disk: Path) -> None:  # noqa: F811
    assert "data.owner" not in _states(machine.check_machine(_with(data)))
    os.chown(data / "media", 12345, 12345)
    assert _states(machine.check_machine(_with(data)))["data.owner"] == BROKEN
    assert _states(machine._disk(small_disk))["disk.writable"] == GOOD
    filler = fill(small_disk)
    full = _states([*machine._disk(small_disk), *machine._temporary(small_disk), *machine._memory(small_disk / "no", small_disk)])
    assert full == {"disk.writable": BROKEN, "disk.space": BROKEN, "disk.temporary": WARNING, "memory.shared": BROKEN}
    filler.unlink()
    for number in range(960):
        (small_disk / str(number)).touch()
    assert _states(machine._disk(small_disk)) == {"disk.writable": GOOD, "disk.space": GOOD, "disk.inodes": WARNING}


def test_little_memory_and_few_open_files_are_named(tmp_path: Path) -> None:
    table = tmp_path / "meminfo"
    for kilobytes, state in ((100_000, WARNING), (1_000_000, GOOD)):
        table.write_text(f"MemTotal: 9999999 kB\nMemAvailable: {kilobytes} kB\n")
        assert _states(machine._memory(table, tmp_path / "no"))["memory.available"] == state
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    try:
        assert _states(machine._open_files()) == {"files.limit": WARNING}
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


_HTTPS = '[server]\nbase_url = "https://moot.example.org"\n'


@pytest.mark.parametrize(("name", "state", "text"), [
    ("address.set", WARNING, ""),
    ("address.https", WARNING, '[server]\nbase_url = "http://moot.example.org"'),
    ("address.https", GOOD, _HTTPS),
    ("address.proxies", WARNING, _HTTPS),
    ("address.proxies", "", _HTTPS + 'trusted_proxies = ["127.0.0.1"]'),
    ("address.listens", WARNING, _HTTPS + 'host = "0.0.0.0"'),
    ("mail.set", WARNING, ""),
    ("mail.set", GOOD, '[mail]\nhost = "mail.example.org"'),
    ("mail.sender", WARNING, '[mail]\nhost = "mail.example.org"'),
    ("mail.sender", "", '[mail]\nhost = "mail.example.org"\nsender = "moot@example.org"'),
    ("mail.security", WARNING, '[mail]\nhost = "mail.example.org"\nsecurity = "none"\npassword = "x"'),
    ("network.contact", WARNING, ""),
    ("network.contact", "", '[network]\ncontact_email = "moot@example.org"'),
    ("network.description", WARNING, _HTTPS),
    ("network.source", WARNING, _HTTPS),
    ("limits.multiplier", WARNING, "[limits]\nmultiplier = 1000"),
    ("log.level", WARNING, '[log]\nlevel = "debug"'),
])
def test_a_setting_that_does_not_suit_a_public_network_is_named(name: str, state: str, text: str, data: Path) -> None:
    assert _states(configuration.check_settings(_with(data, text))).get(name, "") == state


async def _found(findings: AsyncIterator[Finding]) -> dict[str, str]:
    return _states([finding async for finding in findings])


async def test_a_web_process_that_is_missing_or_not_ready_is_named(data: Path) -> None:
    body: dict[str, Any] = {"ready": True, "reasons": []}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):  # the check of the mail server only connects
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 %d X\r\n\r\n" % (200 if body["ready"] else 503) + json.dumps(body).encode())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = _with(data, f"[server]\nport = {port}")
    assert await _found(connections.check_web(settings)) == {"web.answers": GOOD}
    body.update(ready=False, reasons=["the disk is full"])
    assert await _found(connections.check_web(settings)) == {"web.ready": BROKEN}
    mail = _with(data, f'[mail]\nhost = "127.0.0.1"\nport = {port}')
    assert await _found(connections.check_mail_server(mail)) == {"mail.answers": GOOD}
    server.close()
    assert await _found(connections.check_web(settings)) == {"web.answers": BROKEN}
    assert await _found(connections.check_mail_server(mail)) == {"mail.answers": BROKEN}


def _certificate(folder: Path, days: int) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(days + 1000)
    made = made.not_valid_before(now - timedelta(days=100)).not_valid_after(now + timedelta(days=days, hours=1))
    signed = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False).sign(key, hashes.SHA256())
    file = folder / f"{days}.pem"
    file.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return file


@pytest.mark.parametrize(("days", "trusted", "state"), [(100, True, GOOD), (5, True, WARNING), (-5, True, BROKEN), (100, False, BROKEN)])
async def test_a_certificate_that_ends_soon_or_is_refused_is_named(
    days: int, trusted: bool, state: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _certificate(data.parent, days)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "localhost", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    settings = _with(data, f'[server]\nbase_url = "https://localhost:{port}"')
    assert await _found(connections.check_public_address(settings)) == {"address.certificate": state}
    server.close()
    assert await _found(connections.check_public_address(settings)) == {"address.reached": WARNING}


async def test_an_unknown_name_is_named(data: Path) -> None:
    settings = _with(data, '[server]\nbase_url = "https://nowhere.invalid"')
    assert await _found(connections.check_public_address(settings)) == {"address.name": BROKEN}


@pytest.mark.parametrize(("schema", "is_standby", "state"), [
    (19, False, GOOD), (18, False, BROKEN), (20, False, BROKEN), (20, True, GOOD), (18, True, BROKEN),
])
def test_only_a_standby_may_have_a_newer_schema(schema: int, is_standby: bool, state: str) -> None:
    facts = DatabaseFacts(schema=schema, version="18.4", size_bytes=0, has_checksums=True)
    assert _states(database.check_facts(facts, 19, is_standby)) == {"database.schema": state, "database.checksums": GOOD}
    assert _states(database.check_facts(facts._replace(has_checksums=False), 19, is_standby))["database.checksums"] == WARNING


async def test_a_database_that_is_unsafe_or_badly_kept_is_named(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server of the tests runs without fsync and autovacuum, so these two are found as they are."""

    async def look(ahead: float = 0.0) -> dict[str, str]:
        async with db.read() as conn:
            return _states(database.check_health(await get_database_health(conn, clock.now().timestamp() + ahead)))

    first = await look()
    assert first == {"database.durability": BROKEN, "database.connections": GOOD, "database.autovacuum": WARNING}
    assert (await look(60))["clock.skew"] == WARNING
    async with db.write() as tx:
        await tx.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'jobs_due'::regclass")
        await tx.execute("INSERT INTO jobs (name, payload, queued_at) VALUES ('x', '{}', now() + interval '1 hour')")
    assert (await look()).items() >= {"database.indexes": BROKEN, "clock.back": WARNING}.items()
    monkeypatch.setattr(database, "_LONG_TRANSACTION", 0.01)
    monkeypatch.setattr(database, "_HELD", -1)
    async with db.write() as tx:
        await tx.fetchval("SELECT 1")
        await asyncio.sleep(0.05)
        assert (await look()).items() >= {"database.transactions": WARNING, "database.slots": WARNING}.items()


async def test_faults_of_a_database_that_no_test_can_cause_are_named(db: Database) -> None:
    async with db.read() as conn:
        health = await get_database_health(conn, clock.now().timestamp())
    for field, value, name in (
        ("version", 140_000, "database.version"), ("encoding", "SQL_ASCII", "database.encoding"),
        ("checksum_failures", 2, "database.damage"), ("used_connections", 190, "database.connections"),
        ("blocked", 3, "database.locks"), ("oldest_row", 1_500_000_000, "database.wraparound"),
    ):
        assert name not in _states(database.check_health(health)) or name == "database.connections"
        assert _states(database.check_health(health._replace(**{field: value})))[name] in (WARNING, BROKEN)
    assert _states(database.check_health(health._replace(unsafe=[])))["database.durability"] == GOOD


async def _ask(village: Village) -> dict[str, str]:
    async with village.database.read() as conn:
        return _states(await doctor._ask_database(village.settings, conn))


async def test_a_new_network_without_a_worker_people_or_backups_is_described(village: Village) -> None:
    found = await _ask(village)
    assert found.items() >= {
        "worker.runs": BROKEN, "people.operator": WARNING, "people.moderator": WARNING, "backup.recent": WARNING, "drill.recent": WARNING,
        "journal.sealed": GOOD, "cases.overdue": GOOD, "host.role": GOOD,
    }.items()
    await settle(village.database, "eva", Role.OPERATOR)
    assert not {"people.operator", "people.moderator", "queue.unknown"} & set(await _ask(village))


async def test_faults_of_jobs_are_named(village: Village) -> None:
    async with village.database.write() as tx:
        await tx.execute(
            "INSERT INTO jobs (name, payload, due_at, parked_at) VALUES ('gone.job', '{}', now() - interval '2 minutes', NULL),"
            " ('events.deliver', '{}', now(), now())"
        )
        await tx.execute(
            "INSERT INTO timed_jobs (name, last_run_at, failures, last_error) VALUES ('journal.seal', now(), 3, 'ValueError: x')"
            " ON CONFLICT (name) DO UPDATE SET failures = 3, last_error = 'ValueError: x'"
        )
    found = await _ask(village)
    assert found.items() >= {"queue.unknown": WARNING, "queue.age": WARNING, "queue.parked": WARNING, "worker.timed": WARNING}.items()
    ready = (await village.nobody().get("/readyz")).json
    assert "1 jobs gone.job wait because no worker of this release knows them" in ready["warnings"]
    assert b"folkmoot_jobs_unknown 1\n" in (await village.nobody().get("/metrics")).body


async def test_demo_members_on_a_public_network_and_waiting_sign_ups_are_named(village: Village, data: Path) -> None:
    await village.settle("jana", "josef", "hana")
    assert "people.demo" not in await _ask(village)
    village.settings = Settings(**{**_fields(village.settings), "server": config.Server(base_url="https://moot.example.org")})
    assert (await _ask(village))["people.demo"] == BROKEN
    async with village.database.write() as tx:
        await tx.execute("UPDATE logins SET approved_at = NULL WHERE email = 'josef@example.org'")
    assert (await _ask(village))["people.waiting"] == WARNING


def _fields(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in settings.__struct_fields__}


async def test_missing_pictures_are_named(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana", "read write")
    assert (await jana.upload("/api/v2/media", "file", picture())).status == 200
    assert (await _ask(village))["media.files"] == GOOD
    for file in (village.settings.data / "media").rglob("*.*"):
        file.unlink()
    assert (await _ask(village))["media.files"] == BROKEN


async def test_backups_that_are_old_failed_lost_or_on_the_same_disk_are_named(
    village: Village, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ran(kind: str, hours: float, is_good: bool = True) -> None:
        async with village.database.write() as tx:
            await insert_run(tx, Run(kind=kind, started_at=clock.now() - timedelta(hours=hours), seconds=1, is_good=is_good,
                                     said="" if is_good else "no room", repository=str(data / "repository")))

    await ran(BACKUP, 30)
    await ran(DRILL, 24 * 8)
    assert (await _ask(village)).items() >= {"backup.recent": WARNING, "drill.recent": WARNING, "backup.repository": WARNING}.items()
    await ran(BACKUP, 1)
    await ran(DRILL, 1)
    (data / "repository").mkdir()
    (data / "repository" / "config").touch()
    monkeypatch.setenv("PATH", "/nonexistent")
    found = await _ask(village)
    assert found.items() >= {"backup.recent": GOOD, "drill.recent": GOOD, "backup.program": WARNING}.items()
    same = os.stat(data).st_dev == os.stat(village.settings.data).st_dev
    assert found.get("backup.same_disk", "") == (WARNING if same else "")
    await ran(BACKUP, 0.5, is_good=False)
    assert (await _ask(village))["backup.recent"] == WARNING


async def test_a_host_with_another_role_or_epoch_is_named(village: Village, data: Path) -> None:
    for state, found in (("primary", ("host.epoch", BROKEN)), ("standby", ("host.role", WARNING))):
        (village.settings.data / "host.json").write_text(json.dumps({"role": state, "epoch": 7}))
        assert found in (await _ask(village)).items()


def test_faults_of_moderation_are_named(data: Path) -> None:
    from folkmoot.moderation.cases.model import Backlog
    from folkmoot.moderation.journal.model import SealState

    settings = _with(data)
    none = Backlog(open=0, late=0, overdue=0, next_due_at=None)
    late = Backlog(open=3, late=1, overdue=2, next_due_at=None)
    assert _states(operation.check_moderation(late, 1, SealState.SEALING, 4, settings)) == {
        "cases.overdue": WARNING, "cases.stuck": WARNING, "journal.sealed": WARNING,
    }
    found = _states(operation.check_moderation(none, 0, SealState.ENTRIES_MISSING, 0, settings))
    assert found == {"cases.overdue": GOOD, "journal.whole": BROKEN}


def test_a_missing_detector_is_named(data: Path) -> None:
    assert not list(operation.check_detector(_with(data)))
    current = versions.list_installed(data)
    assert not current
    (data / "detector").mkdir(exist_ok=True)
    (data / "detector" / "current").symlink_to("missing.bin")
    assert _states(operation.check_detector(_with(data))) == {"detector.usable": WARNING}


def test_the_cache_role_is_checked(data: Path) -> None:
    from folkmoot.portability.queries import DatabaseHost

    host = DatabaseHost(is_standby=True, epoch=1, has_cache_role=False)
    assert _states(database.check_host(_with(data), host)) == {"host.role": GOOD, "database.cache_role": WARNING}


async def test_an_older_schema_ends_the_questions(village: Village) -> None:
    async with village.database.write() as tx:
        await tx.execute("DELETE FROM migrations WHERE number = $1", known()[-1].number)
    assert set(await _ask(village)) == {"database.schema", "database.checksums"}


def test_settings_that_cannot_be_used_are_named(data: Path) -> None:
    (data / "folkmoot.toml").write_text("server = 3")
    answer = moot("doctor", "--json", data=data)
    assert answer.returncode == 1
    assert [(one["check"], one["state"]) for one in json.loads(answer.stdout)] == [("settings.valid", "broken")]


async def test_a_check_that_hangs_or_fails_does_not_stop_the_others(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(_settings: Settings) -> AsyncIterator[Finding]:
        await asyncio.sleep(60)
        yield Finding("x", GOOD, "x")

    def fail(_settings: Settings) -> Iterable[Finding]:
        raise ValueError("a bug")

    monkeypatch.setattr(doctor, "_SECONDS", 1.0)
    monkeypatch.setattr(connections, "check_web", hang)
    monkeypatch.setattr(machine, "check_machine", fail)
    findings = await doctor.examine(_with(data))
    states = _states(findings)
    assert (states["web.checks"], states["machine.checks"], states["mail.set"]) == (BROKEN, BROKEN, WARNING)
    assert states["database.answers"] == BROKEN


async def test_the_reason_why_the_database_ended_is_named(data: Path) -> None:
    _log(data, "2026 [1] PANIC:  could not write to file: No space left on device\n2026 [1] FATAL: terminating connection\n")
    found = [finding for finding in await doctor._examine_database(_with(data)) if finding.check == "database.answers"]
    assert "could not write to file: No space left on device" in found[0].what


async def test_a_damaged_host_file_is_not_taken_for_a_database_that_is_down(data: Path) -> None:
    (data / "host.json").write_text("{")
    states = _states(await doctor.examine(_with(data)))
    assert (states["data.host"], states.get("database.answers")) == (BROKEN, None)


def test_every_check_is_tested() -> None:
    folder = Path(doctor.__file__).parent
    source = "".join(file.read_text() for file in [*(folder / "checks").glob("*.py"), folder / "doctor.py"])
    names = set(re.findall(r'Finding\(\s*"([a-z_]+\.[a-z_]+)"', source)) | {"backup.recent", "drill.recent"}
    own = Path(__file__).read_text() + (Path(__file__).parent / "test_failures.py").read_text()
    assert not [name for name in sorted(names) if f'"{name}"' not in own]
    assert len(names) >= 60

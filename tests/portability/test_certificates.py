"""Certificates of HTTPS travel: what is taken from Caddy's storage, what is put there, and when.

`test_certificates_caddy.py`: what Caddy does with them. `test_certificates_moved.py`: a move of two networks.
"""

import asyncio
import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from folkmoot.config import Server, Settings
from folkmoot.portability.backup import Source, sealed_secrets
from folkmoot.portability.backup_key import BackupKey, unseal
from folkmoot.portability.certificates import keeper
from folkmoot.portability.certificates.exchange import exchange_certificates
from folkmoot.portability.certificates.model import FIXED, MOST_BYTES, SECRET, Bundle, Question, read_bundle
from folkmoot.portability.certificates.storage import certificates_of, merge, newest_for, read_storage
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import FENCED, PRIMARY, RETURNING, STANDBY, Host, HostState
from folkmoot.portability.hosts.identity import make_identity
from folkmoot.portability.hosts.peers import Peers
from folkmoot.portability.recovery_key import RecoveryKey
from folkmoot.portability.standby import answers as standby_answers
from folkmoot.portability.standby import upkeep
from folkmoot.portability.standby.model import Nothing
from tests.memory_files import MemoryFiles
from tests.network_up import ROOT
from tests.portability.stored_certificates import (
    ACCOUNT,
    AUTHORITY,
    BASE,
    DOMAIN,
    NOW,
    account,
    bundle,
    keeper_of,
    key_and_certificate,
    written,
)

WILDCARD = "wildcard_.moot.test"


def test_certificates_and_accounts_travel_and_nothing_else(tmp_path: Path) -> None:
    travels = {**bundle(), **account(), **bundle(name="*.moot.test", base=f"certificates/{AUTHORITY}/{WILDCARD}/{WILDCARD}")}
    stays = {
        **bundle(base=f"certificates/local/{DOMAIN}/{DOMAIN}"), "pki/authorities/local/root.key": b"secret", "instance.uuid": b"1",
        **bundle(base=f"certificates/{AUTHORITY}/old.test/old.test", days=-1), "locks/issue_cert_moot.test.lock": b"{}",
        f"certificates/{AUTHORITY}/half.test/half.test.crt": b"", f"acme/{AUTHORITY}/challenge_tokens/moot.test.json": b"{}",
    }
    folder = written(tmp_path, {**travels, **stays})
    (folder / f"acme/{AUTHORITY}/users/hana@example.org/link.key").symlink_to(folder / "pki/authorities/local/root.key")
    assert read_storage(folder, NOW) == travels


def test_of_two_certificates_the_one_that_ends_later_stays(tmp_path: Path) -> None:
    older, newer, others = bundle(10), bundle(60), account()
    merge(tmp_path, {**older, **others}, NOW)
    assert read_storage(tmp_path, NOW) == {**older, **others}
    assert {file.stat().st_mode & 0o777 for file in tmp_path.rglob("*") if file.is_file()} == {0o600}
    merge(tmp_path, {**newer, **account()}, NOW)
    assert read_storage(tmp_path, NOW) == {**newer, **others}  # an account that is there stays
    merge(tmp_path, older, NOW)
    assert read_storage(tmp_path, NOW) == {**newer, **others}


def test_what_must_not_be_installed_is_left_out(tmp_path: Path) -> None:
    """The sender may be a network that was broken into."""
    good, other_key = bundle(), key_and_certificate()[0]
    refused: list[Bundle] = [
        {**good, f"{BASE}.key": other_key},
        {**good, f"{BASE}.json": b"["},
        {**good, f"{BASE}.crt": b"no certificate"},
        {name: content for name, content in good.items() if not name.endswith(".json")},
        bundle(-1),
        bundle(begins=NOW + timedelta(days=1)),
        bundle(base=f"certificates/local/{DOMAIN}/{DOMAIN}"),
        bundle(base=f"certificates/../{DOMAIN}/{DOMAIN}"),
        bundle(base=f"certificates/{AUTHORITY}/{DOMAIN}/other"),
        bundle(base=f"/etc/{AUTHORITY}/{DOMAIN}/{DOMAIN}"),
        {f"{ACCOUNT}.key": b"no key", f"{ACCOUNT}.json": b"{}"},
        {f"{ACCOUNT}.json": b"{}"},
        {**account(), f"{ACCOUNT}.json": b'"' + b"a" * 100_000 + b'"'},
        {"../authorized_keys": b"ssh-ed25519"},
        {f"acme/{AUTHORITY}/users/../hana.key": other_key, f"acme/{AUTHORITY}/users/../hana.json": b"{}"},
    ]
    for one in refused:
        merge(tmp_path / "storage", one, NOW)
        assert list(tmp_path.rglob("*")) == [], one.keys()
    merge(tmp_path / "storage", good, NOW)
    assert read_storage(tmp_path / "storage", NOW) == good


@pytest.mark.parametrize(("name", "is_found"), [(DOMAIN, True), ("*.test", True), ("other.test", False), ("*.moot.test", False)])
def test_a_certificate_is_found_by_its_names(name: str, is_found: bool) -> None:
    assert (newest_for(DOMAIN, bundle(name=name), NOW) is not None) == is_found
    (found,) = certificates_of(bundle(name=name), NOW)
    assert found.names == {name}


@contextmanager
def answering(path: Path, text: bytes) -> Iterator[None]:
    """A keeper that somebody has replaced."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(text)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


def host(folder: Path, role: str, keeper: Path) -> tuple[Settings, DataDirectory]:
    directory = DataDirectory(folder)
    directory.prepare(HostState(role=role))
    return Settings(data=folder, server=Server(base_url=f"https://{DOMAIN}:8443", certificates=str(keeper))), directory


def test_a_primary_collects_and_its_standby_installs(open_folder: Path) -> None:
    collected, travelled = {**bundle(), **account()}, open_folder / "socket"
    written(open_folder / "caddy1" / keeper.STORAGE, collected)
    (open_folder / "caddy2").mkdir()
    settings, primary = host(open_folder / "one", PRIMARY, travelled)
    with keeper_of(open_folder / "caddy1", travelled):
        assert exchange_certificates(settings, primary)
    file = primary.path / "secrets" / SECRET
    assert read_bundle(file) == collected
    assert file.stat().st_mode & 0o777 == 0o600
    assert not (open_folder / "caddy1" / FIXED).exists()  # its Caddy renews
    changed_at = file.stat().st_mtime_ns
    with keeper_of(open_folder / "caddy1", travelled):
        assert exchange_certificates(settings, primary)
    assert file.stat().st_mtime_ns == changed_at
    settings, standby = host(open_folder / "two", STANDBY, travelled)
    shutil.copy(file, standby.path / "secrets" / SECRET)
    with keeper_of(open_folder / "caddy2", travelled):
        assert exchange_certificates(settings, standby)
    assert read_storage(open_folder / "caddy2" / keeper.STORAGE, NOW) == collected
    (part,) = (open_folder / "caddy2" / FIXED).glob("*.caddy")
    assert part.read_text().startswith(f"tls {open_folder / 'caddy2' / FIXED}/")


def test_without_a_keeper_nothing_happens(open_folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings, directory = host(open_folder / "one", PRIMARY, open_folder / "missing")
    assert not exchange_certificates(settings, directory)
    assert not caplog.records
    with socket.socket(socket.AF_UNIX) as nobody:
        nobody.bind(str(open_folder / "missing"))
    assert not exchange_certificates(settings, directory)  # an error there does not end the network
    (open_folder / "missing").unlink()
    with answering(open_folder / "missing", b" " * (MOST_BYTES + 1)):
        assert not exchange_certificates(settings, directory)
    assert "too long" in caplog.text
    assert "could not be exchanged" in caplog.text
    assert not directory.has_secret(SECRET)


@pytest.mark.parametrize("text", [b"", b"{}", b"[" * 100, b" " * (MOST_BYTES + 1)])
def test_the_keeper_refuses_what_is_no_question(tmp_path: Path, text: bytes) -> None:
    command = [sys.executable, "-P", "-m", "folkmoot.portability.certificates.keeper", str(tmp_path)]
    done = subprocess.run(command, input=text, capture_output=True, env={"PYTHONPATH": str(ROOT)})
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"The question ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("role", [STANDBY, FENCED, RETURNING])
def test_only_a_primary_asks_an_authority(open_folder: Path, monkeypatch: pytest.MonkeyPatch, role: str) -> None:
    questions: list[Question] = []

    def ask(_path: str, question: Question) -> keeper.Answer:
        questions.append(question)
        return keeper.Answer(bundle={"a": b"b"})

    monkeypatch.setattr("folkmoot.portability.certificates.exchange._ask", ask)
    (open_folder / "socket").touch()
    for number, one in enumerate((role, PRIMARY)):
        settings, directory = host(open_folder / str(number), one, open_folder / "socket")
        assert exchange_certificates(settings, directory)
        assert directory.has_secret(SECRET) == (one == PRIMARY)
    assert [(question.obtains, question.domain) for question in questions] == [(False, DOMAIN), (True, DOMAIN)]
    assert json.loads(msgspec.json.encode(questions[0])).keys() == {"domain", "obtains", "bundle"}


async def test_the_agent_tells_caddy_when_the_role_or_the_certificate_changes(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, directory = host(open_folder / "data", STANDBY, open_folder / "socket")
    make_identity(directory)
    told: list[str] = []
    valid = keeper.Answer(bundle={}, until=NOW)
    answers = iter([None, valid, keeper.Answer(bundle={}), valid, valid])

    def exchange() -> keeper.Answer | None:
        told.append(Host(directory.path).role)
        return next(answers)

    async def says(count: int) -> None:
        async with asyncio.timeout(60):
            while len(told) < count:
                await asyncio.sleep(0.01)

    monkeypatch.setattr(upkeep, "_STATE_EVERY", 0.01)
    monkeypatch.setattr(upkeep, "_CERTIFICATES_AGAIN", 0.01)
    work = asyncio.create_task(upkeep.Upkeep(directory, "", lambda _: pytest.fail("asked"), exchange)._keep_certificates())
    await says(2)  # again, because nobody answered the first time
    directory.write(directory.path / "secrets" / SECRET, b"{}")
    await says(3)
    directory.write(directory.host_file, msgspec.json.encode(HostState(role=PRIMARY, epoch=2)))
    await says(4)  # at once, as there was no certificate for visitors
    monkeypatch.setattr(upkeep, "_CALM", 1e9)
    directory.write(directory.host_file, msgspec.json.encode(HostState(role=FENCED, epoch=2)))
    await asyncio.sleep(0.1)
    work.cancel()
    assert told == [STANDBY, STANDBY, STANDBY, PRIMARY]  # there is one now, so nobody hurries


async def test_certificates_are_collected_before_secrets_are_shared_or_sealed(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, directory = host(open_folder / "data", PRIMARY, open_folder / "socket")
    directory.secret("network-secret")

    def collect(*_: object) -> None:
        directory.write(directory.path / "secrets" / SECRET, b"{}")

    monkeypatch.setattr(standby_answers, "exchange_certificates", collect)
    answers = standby_answers.Answers(msgspec.structs.replace(settings, secret=b"s" * 40), directory, Peers(directory))
    assert (await answers.share(Nothing())).secrets[SECRET] == b"{}"
    monkeypatch.setattr(standby_answers, "_CERTIFICATES_SECONDS", 0.01)
    hangs = threading.Event()
    monkeypatch.setattr(standby_answers, "exchange_certificates", lambda *_: hangs.wait(60))
    assert (await answers.share(Nothing())).secrets[SECRET] == b"{}"  # a keeper that hangs does not stop a move
    hangs.set()
    (directory.path / "secrets" / SECRET).unlink()
    recovery = RecoveryKey.new()
    source = Source(directory, MemoryFiles(), "", "", "", "", b"secret", b"", collect)
    sealed = unseal(recovery, sealed_secrets(source, BackupKey.new(recovery)))
    assert msgspec.json.decode(sealed, type=dict[str, bytes])[f"secrets/{SECRET}"] == b"{}"

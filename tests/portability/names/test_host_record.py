"""The host record: who may sign it, what is refused, and that a primary believes it more than itself."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from folkmoot.portability.backup_key import BackupKey, NotSigned
from folkmoot.portability.certificates import trust
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.failover.standing import confirm_at_start
from folkmoot.portability.host import FENCED, PRIMARY, STANDBY, Host, HostState
from folkmoot.portability.hosts.claims import find_refused_claim
from folkmoot.portability.hosts.identity import find_identity, get_identity
from folkmoot.portability.hosts.model import Member
from folkmoot.portability.hosts.peers import Peers
from folkmoot.portability.hosts.roster import Rosters, own_id
from folkmoot.portability.moving.this_host import ThisHost
from folkmoot.portability.names.lookup import resolve_unattended
from folkmoot.portability.names.model import Record, Statement
from folkmoot.portability.names.public import ask_name
from folkmoot.portability.names.record import Trusted, make_record, trusted_by, verify_record
from folkmoot.portability.names.witness import PublicWitness, Witness
from folkmoot.portability.recovery_key import RecoveryKey
from tests.commands.test_doctor_connections import certificate
from tests.portability.names.hosts import NAME, PublicName, become, make_host, pair, serving, settings_of_host

RECOVERY = RecoveryKey(bytes(range(32)))
NOBODY = Trusted(b"", frozenset())
NO_DATABASE = "postgresql://127.0.0.1:1/nothing"


def _record(data: DataDirectory) -> Record:
    made = make_record(settings_of_host(data, "https://moot.example.net/"), data, Host(data.path).state)
    assert made
    return made


def _verified(record: Record, trusted: Trusted) -> Statement:
    return verify_record(msgspec.json.encode(record), trusted)


def test_a_record_says_who_answers_and_under_which_names(open_folder: Path) -> None:
    data = make_host(open_folder / "one", HostState(STANDBY, 7), recovery=RECOVERY)
    stated = _verified(_record(data), trusted_by(data))
    assert (stated.domain, stated.names) == ("moot.example", [NAME, "https://moot.example.net"])
    assert (stated.host, stated.role, stated.epoch) == (get_identity(data).id, STANDBY, 7)


def test_either_key_is_enough_if_it_is_trusted(open_folder: Path) -> None:
    whole = make_host(open_folder / "whole", HostState(), recovery=RECOVERY)
    unpaired = make_host(open_folder / "unpaired", HostState(), recovery=RECOVERY, is_paired=False)
    without_backup = make_host(open_folder / "without", HostState())
    authority = Trusted(RECOVERY.authority.public_key().public_bytes_raw(), frozenset())
    assert _verified(_record(unpaired), authority).host == ""
    _verified(_record(whole), authority)
    for host, trusted in ((without_backup, authority), (whole, NOBODY), (whole, trusted_by(without_backup))):
        with pytest.raises(NotSigned):
            _verified(_record(host), trusted)
    pair(whole, without_backup)
    _verified(_record(whole), trusted_by(without_backup))
    _verified(_record(without_backup), trusted_by(whole))


def test_without_a_key_there_is_no_record(open_folder: Path) -> None:
    data = make_host(open_folder / "new", HostState(), is_paired=False)
    assert make_record(settings_of_host(data), data, HostState()) is None


def _with_higher_epoch(record: Record, _other: DataDirectory) -> Record:
    return msgspec.structs.replace(record, statement=record.statement.replace('"epoch":1', '"epoch":9'))


def _signed_as_a_manifest(record: Record, other: DataDirectory) -> Record:
    key = BackupKey.new(RECOVERY)
    return msgspec.structs.replace(record, network=key.sign(record.statement.encode()), host=None)


def _signed_by_a_stranger(record: Record, other: DataDirectory) -> Record:
    """A record of a stranger who claims to be the known host."""
    known = msgspec.json.decode(record.statement, type=Statement)
    strangers = _record(other)
    stranger = find_identity(other)
    assert stranger
    return msgspec.structs.replace(strangers, statement=strangers.statement.replace(stranger.id, known.host))


def _with_the_certificate_of_the_known(record: Record, other: DataDirectory) -> Record:
    strangers = _record(other)
    assert strangers.host
    assert record.host
    forged = msgspec.structs.replace(strangers.host, certificate=record.host.certificate)
    return msgspec.structs.replace(_signed_by_a_stranger(record, other), host=forged, network=None)


@pytest.mark.parametrize("forge", [_with_higher_epoch, _signed_as_a_manifest, _signed_by_a_stranger, _with_the_certificate_of_the_known])
def test_a_forged_record_is_refused(open_folder: Path, forge: Callable[[Record, DataDirectory], Record]) -> None:
    known = make_host(open_folder / "known", HostState(), recovery=RECOVERY)
    stranger = make_host(open_folder / "stranger", HostState(PRIMARY, 9), recovery=RecoveryKey.new())
    record, trusted = _record(known), trusted_by(known)
    _verified(record, trusted)
    with pytest.raises(NotSigned):
        _verified(forge(record, stranger), trusted)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"<html>", b'{"statement":"x"}', b'{"statement":"{}","host":{"certificate":"","signature":""}}']
)
def test_what_is_no_record_is_refused(open_folder: Path, body: bytes) -> None:
    data = make_host(open_folder / "one", HostState(), recovery=RECOVERY)
    with pytest.raises(NotSigned):
        verify_record(body, trusted_by(data))


def _witness(data: DataDirectory, name: PublicName) -> PublicWitness:
    return PublicWitness(settings_of_host(data), ThisHost(data, NO_DATABASE, own_id(data)), name.resolve, name.connect)


async def test_a_primary_stops_writing_when_its_name_leads_to_a_higher_epoch(open_folder: Path) -> None:
    old = make_host(open_folder / "old", HostState(PRIMARY, 3), recovery=RECOVERY)
    new = make_host(open_folder / "new", HostState(STANDBY, 3))
    pair(old, new)
    name = PublicName()
    witness = Witness(_witness(old, name))
    await witness.ask()  # nobody answers
    async with serving(settings_of_host(new)) as name.port:
        await witness.ask()  # the other host, in the same epoch
        assert Host(old.path).state == HostState(PRIMARY, 3)
        become(new, HostState(PRIMARY, 4))
        await witness.ask()
        assert Host(old.path).state == HostState(FENCED, 3, to=own_id(new), seen=4)
        asked = len(name.asked)
        await witness.ask()  # a host that does not write has nothing to ask
        assert len(name.asked) == asked


async def test_a_primary_believes_the_name_at_its_start_even_if_its_peer_does_not_know_yet(open_folder: Path) -> None:
    alone = make_host(open_folder / "alone", HostState(PRIMARY, 3), recovery=RECOVERY)
    restored = _restored(open_folder, 4)
    name = PublicName()
    assert await confirm_at_start(settings_of_host(alone), name.resolve, name.connect) == PRIMARY  # a silent name proves nothing
    async with serving(settings_of_host(restored)) as name.port:
        assert await confirm_at_start(settings_of_host(alone), name.resolve, name.connect) == FENCED


async def test_a_name_that_never_answers_does_not_keep_a_primary_without_a_peer_from_writing(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = make_host(open_folder / "alone", HostState(PRIMARY, 3), recovery=RECOVERY)
    monkeypatch.setattr("folkmoot.portability.failover.standing._FIRST_SECONDS", 0.05)

    async def never(_host: str, _port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    assert await confirm_at_start(settings_of_host(alone), never) == PRIMARY
    assert Host(alone.path).writing_epoch() == 3


def _restored(folder: Path, epoch: int) -> DataDirectory:
    """A host that was restored with the recovery key: it has signed a roster that names it alone."""
    restored = make_host(folder / "restored", HostState(PRIMARY, epoch), recovery=RECOVERY, is_paired=False)
    Rosters(restored).sign(RECOVERY, "restored", epoch)
    return restored


async def test_a_restored_host_ends_the_writing_of_the_old_ones_whatever_their_epochs(open_folder: Path) -> None:
    old = make_host(open_folder / "old", HostState(PRIMARY, 9), recovery=RECOVERY)
    other = make_host(open_folder / "other", HostState(STANDBY, 9), recovery=RECOVERY)
    pair(old, other)
    Rosters(old).sign(RECOVERY, "old")
    restored, name = _restored(open_folder, 4), PublicName()  # its copy was older than the last failover
    async with serving(settings_of_host(restored)) as name.port:
        await Witness(_witness(old, name)).ask()
    assert (Host(old.path).role, Host(old.path).writing_epoch()) == (FENCED, None)
    assert Rosters(old).excludes(own_id(old))
    assert Peers(old).list() == []


async def test_a_stolen_host_with_all_its_keys_cannot_end_the_writing_by_an_invented_epoch(
    open_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It has the key of the network and the roster that named it, and answers under a name of the network."""
    here = make_host(open_folder / "here", HostState(PRIMARY, 3), recovery=RECOVERY)
    stolen = make_host(open_folder / "stolen", HostState(PRIMARY, 1000))
    key = BackupKey.find(here)
    assert key
    key.keep(stolen)  # the hosts share it
    pair(here, stolen)
    Rosters(here).sign(RECOVERY, "here")
    with_both = Rosters(here).signed()
    assert with_both
    Rosters(stolen).take_over(with_both)
    Peers(here).remove("stolen")
    name = PublicName()
    for removes in (lambda: Rosters(here).remove(Member(own_id(stolen), "stolen")), lambda: Rosters(here).sign(RECOVERY, "here")):
        removes()
        (here.path / "run" / "refused-claim.json").unlink(missing_ok=True)
        caplog.clear()
        async with serving(settings_of_host(stolen)) as name.port:
            await Witness(_witness(here, name)).ask()
            assert await confirm_at_start(settings_of_host(here), name.resolve, name.connect) == PRIMARY
        assert Host(here.path).state == HostState(PRIMARY, 3)
        refused = find_refused_claim(here)
        assert refused
        assert (refused.host, refused.epoch, refused.where) == (own_id(stolen), 1000, NAME)
        assert caplog.text.count("claimed epoch 1000") == 1
    for file in (stolen.path / "secrets").glob("host-*"):
        file.unlink()
    async with serving(settings_of_host(stolen)) as name.port:  # a claim that only the shared key has signed
        await Witness(_witness(here, name)).ask()
    assert Host(here.path).state == HostState(PRIMARY, 3)
    refused = find_refused_claim(here)
    assert refused
    assert refused.why == "no host has signed it"


async def test_with_a_roster_the_key_of_the_network_alone_is_not_enough_to_be_listed(open_folder: Path) -> None:
    here = make_host(open_folder / "here", HostState(PRIMARY, 3), recovery=RECOVERY)
    other = make_host(open_folder / "other", HostState(PRIMARY, 3), recovery=RECOVERY, is_paired=False)
    record = _record(other)
    assert _verified(record, trusted_by(here)).host == ""
    Rosters(here).sign(RECOVERY, "here")
    _verified(_record(here), trusted_by(here))
    with pytest.raises(NotSigned):
        _verified(record, trusted_by(here))


async def test_a_stranger_under_the_public_name_proves_nothing(open_folder: Path) -> None:
    old = make_host(open_folder / "old", HostState(PRIMARY, 3), recovery=RECOVERY)
    stranger = make_host(open_folder / "stranger", HostState(PRIMARY, 99), recovery=RecoveryKey.new())
    Rosters(stranger).sign(RecoveryKey.new(), "stranger")
    name = PublicName()
    async with serving(settings_of_host(stranger)) as name.port:
        seen = await _witness(old, name).look()
    assert (seen.successor, seen.answers) == (None, {})
    assert Host(old.path).state == HostState(PRIMARY, 3)


async def test_a_primary_that_answers_under_its_name_is_alive(open_folder: Path) -> None:
    here = make_host(open_folder / "here", HostState(STANDBY, 3), recovery=RECOVERY)
    other = make_host(open_folder / "other", HostState(PRIMARY, 3))
    pair(here, other)
    name = PublicName()
    async with serving(settings_of_host(other)) as name.port:
        assert (await _witness(here, name).look()).life_sign(own_id(other)) == f"it answers as the primary under {NAME}"
        become(other, HostState(FENCED, 3))
        assert (await _witness(here, name).look()).life_sign(own_id(other)) == ""


async def test_a_name_is_asked_that_has_a_certificate_of_the_networks_own_authority(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 X\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    async def why() -> str:
        trusted = trusted_by(make_host(open_folder / "data", HostState()))
        return (await ask_name("https://moot.example", "moot.example", trusted, resolve=public.resolve, connect=public.connect)).why

    file, context, public = certificate(open_folder, 60, "moot.example"), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), PublicName()
    context.load_cert_chain(file)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    public.port = server.sockets[0].getsockname()[1]
    assert await why() == "its certificate is refused: self-signed certificate"
    monkeypatch.setattr(trust, "ACME_ROOT", file)  # moot install --acme-root
    assert await why() == "it answers 404"
    server.close()


async def test_the_witness_goes_on_when_something_fails(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = make_host(open_folder / "old", HostState(PRIMARY, 3), recovery=RECOVERY)
    monkeypatch.setattr("folkmoot.portability.names.witness.EVERY", 0.01)
    name = PublicName()
    (old.path / "hosts.json").write_text("{")
    watching = asyncio.create_task(Witness(_witness(old, name)).run())
    await asyncio.sleep(0.1)
    assert not watching.done()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_names_are_resolved_without_anybody_waiting_for_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {"127.0.0.1", "::1"} & set(await resolve_unattended("localhost", 80))
    for error in (socket.gaierror("unknown"), UnicodeError("no name")):

        def fail(*_: object, error: Exception = error, **__: object) -> None:
            raise error

        monkeypatch.setattr(socket, "getaddrinfo", fail)
        with pytest.raises(OSError):
            await resolve_unattended("moot.example", 80)

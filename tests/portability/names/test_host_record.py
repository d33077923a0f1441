"""The host record: who may sign it, what is refused, and that a primary believes it more than itself."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from folkmoot.portability.backup_key import BackupKey, NotSigned
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import FENCED, PRIMARY, STANDBY, Host, HostState
from folkmoot.portability.hosts.identity import find_identity, get_identity
from folkmoot.portability.names.model import Record, Statement
from folkmoot.portability.names.record import Trusted, make_record, trusted_by, verify_record
from folkmoot.portability.names.witness import Witness, ask_public_name
from folkmoot.portability.recovery_key import RecoveryKey
from tests.portability.names.hosts import NAME, PublicName, become, make_host, pair, serving, settings_of_host

RECOVERY = RecoveryKey(bytes(range(32)))
NOBODY = Trusted(b"", frozenset())


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


async def test_a_primary_stops_writing_when_its_name_leads_to_a_higher_epoch(open_folder: Path) -> None:
    old = make_host(open_folder / "old", HostState(PRIMARY, 3), recovery=RECOVERY)
    new = make_host(open_folder / "new", HostState(STANDBY, 3))
    pair(old, new)
    name, learnt = PublicName(), list[int]()
    witness = Witness(settings_of_host(old), learnt.append, name.resolve, name.connect)
    await witness.ask()  # nobody answers
    async with serving(settings_of_host(new)) as name.port:
        await witness.ask()  # the other host, in the same epoch
        assert learnt == []
        become(new, HostState(PRIMARY, 4))
        await witness.ask()
        assert learnt == [4]
        become(old, HostState(FENCED, 3))
        asked = len(name.asked)
        await witness.ask()  # a host that does not write has nothing to ask
        assert (learnt, len(name.asked)) == ([4], asked)


async def test_a_stranger_under_the_public_name_proves_nothing(open_folder: Path) -> None:
    old = make_host(open_folder / "old", HostState(PRIMARY, 3), recovery=RECOVERY)
    stranger = make_host(open_folder / "stranger", HostState(PRIMARY, 99), recovery=RecoveryKey.new())
    name = PublicName()
    async with serving(settings_of_host(stranger)) as name.port:
        assert await ask_public_name(settings_of_host(old), resolve=name.resolve, connect=name.connect) is None


async def test_the_witness_goes_on_when_something_fails(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = make_host(open_folder / "old", HostState(PRIMARY, 3), recovery=RECOVERY)
    monkeypatch.setattr("folkmoot.portability.names.witness.EVERY", 0.01)
    name = PublicName()
    (old.path / "hosts.json").write_text("{")
    watching = asyncio.create_task(Witness(settings_of_host(old), lambda _: None, name.resolve, name.connect).run())
    await asyncio.sleep(0.1)
    assert not watching.done()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)

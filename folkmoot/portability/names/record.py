"""Signs and verifies the host record, by which everybody can see which host has a name and in which epoch it is.

A record has two signatures if the host has both keys. That of the network is certified by the recovery key: it also
convinces hosts and browsers that have never seen this host. That of the host names the machine, so that a primary can
tell its own record from that of the host that took its place. One valid signature of a trusted key is enough to be shown.
But the hosts share the network's key, so a host with a roster asks for the signature of a host that the roster names.
"""

from dataclasses import dataclass

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from folkmoot.base import clock
from folkmoot.config import Settings
from folkmoot.portability.backup_key import BackupKey, NotSigned, verify
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import HostState, Role
from folkmoot.portability.hosts.identity import Identity, find_identity, fingerprint_of
from folkmoot.portability.hosts.peers import Peers
from folkmoot.portability.hosts.roster import Rosters, own_id
from folkmoot.portability.names.model import HostSignature, Record, Statement
from folkmoot.portability.names.paths import known_names

_PURPOSE = b"folkmoot host record 1\n"


class Trusted(msgspec.Struct, frozen=True):
    """Whose records are believed: those of the hosts with these ids, and of all hosts certified by the recovery key with
    `authority`, if that is not empty."""

    authority: bytes
    hosts: frozenset[str]


@dataclass(frozen=True)
class ReadRecord:
    """A record that nobody has believed yet. `is_by_host`: the host that the statement names has signed it."""

    statement: Statement
    record: Record
    is_by_host: bool


def make_record(settings: Settings, directory: DataDirectory, state: HostState) -> Record | None:
    """The record of this host now. None if it has no key to sign with: it was never paired, and there is no backup key."""
    identity, key = find_identity(directory), BackupKey.find(directory)
    if identity is None and key is None:
        return None
    statement = Statement(
        domain=settings.domain, names=known_names(settings), lifeboat=settings.names.lifeboat, host=identity.id if identity else "",
        role=Role(state.role), epoch=state.epoch, at=clock.now(),
    )
    text = msgspec.json.encode(statement)
    return Record(
        text.decode(), authority=key.authority if key else b"", network=key.sign(text, _PURPOSE) if key else None,
        host=_signed_by_host(identity, text) if identity else None, roster=Rosters(directory).signed(),
    )


def trusted_by(directory: DataDirectory) -> Trusted:
    """Whom this host believes: itself and the hosts of the roster. Without a roster: its peer, and every host of its recovery key."""
    rosters, key = Rosters(directory), BackupKey.find(directory)
    roster = rosters.find()
    known = [own_id(directory), *(peer.id for peer in Peers(directory).list()), *(host.id for host in (roster.hosts if roster else ()))]
    hosts = frozenset(host for host in known if host == own_id(directory) or not rosters.why_not(host))
    return Trusted(key.authority if key and roster is None else b"", hosts)


def read_record(body: bytes) -> ReadRecord:
    """What a record states, whoever signed it. Raises NotSigned if it is none."""
    try:
        record = msgspec.json.decode(body, type=Record)
        statement = msgspec.json.decode(record.statement, type=Statement)
    except (msgspec.DecodeError, ValueError) as error:
        raise NotSigned("it is not a host record") from error
    content = record.statement.encode()
    return ReadRecord(statement, record, record.host is not None and _is_by_host(record.host, statement.host, content))


def require_trusted(read: ReadRecord, trusted: Trusted) -> Statement:
    """The statement of a record with a valid signature of somebody trusted. Raises NotSigned."""
    if not (read.is_by_host and read.statement.host in trusted.hosts):
        if not trusted.authority or read.record.network is None:
            raise NotSigned("it has no signature of a known host")
        verify(trusted.authority, read.record.statement.encode(), read.record.network, _PURPOSE)
    return read.statement


def verify_record(body: bytes, trusted: Trusted) -> Statement:
    """The statement of a record with a valid signature of somebody trusted. Raises NotSigned."""
    return require_trusted(read_record(body), trusted)


def _signed_by_host(identity: Identity, content: bytes) -> HostSignature:
    key = load_pem_private_key(identity.key_file.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return HostSignature(identity.certificate, key.sign(_PURPOSE + content, ec.ECDSA(hashes.SHA256())))


def _is_by_host(signed: HostSignature, host: str, content: bytes) -> bool:
    try:
        key = x509.load_pem_x509_certificate(signed.certificate.encode()).public_key()
        if fingerprint_of(signed.certificate) != host or not isinstance(key, ec.EllipticCurvePublicKey):
            return False
        key.verify(signed.signature, _PURPOSE + content, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True

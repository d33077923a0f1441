"""The certificate of this host, by which the other host recognizes it.

Made once, self-signed, of no authority and without an end of validity: the other host pins its fingerprint. It belongs to
this machine only, so it is never copied to another host and never part of a backup.
"""

import hashlib
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from folkmoot.base.errors import Problem
from folkmoot.portability.data_directory import DataDirectory

KEY, CERTIFICATE = "host-key.pem", "host-certificate.pem"  # in DATA/secrets
_BEGINS, _ENDS = datetime(2020, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)  # valid by any clock: RFC 5280 4.1.2.5


class IdentityProblem(Problem):
    """The certificate of this host, or that of another one, cannot be used."""

    code = "host"


@dataclass(frozen=True)
class Identity:
    """The certificate and the files that TLS reads. `id`: its fingerprint."""

    certificate: str
    key_file: Path
    certificate_file: Path

    @property
    def id(self) -> str:
        return fingerprint_of(self.certificate)


def fingerprint_of(certificate: str) -> str:
    """The SHA-256 of a certificate, in hexadecimal digits: the id of a host. Raises IdentityProblem."""
    try:
        parsed = x509.load_pem_x509_certificate(certificate.encode())
    except ValueError as error:
        raise IdentityProblem("The certificate of the other host is damaged.") from error
    return hashlib.sha256(parsed.public_bytes(Encoding.DER)).hexdigest()


def fingerprint_of_der(certificate: bytes) -> str:
    return hashlib.sha256(certificate).hexdigest()


def make_identity(directory: DataDirectory) -> Identity:
    """The certificate of this host, made if there is none. The caller prevents that two processes make it at once."""
    key_file, certificate_file = _files(directory)
    if not certificate_file.exists():
        if not key_file.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            directory.write(key_file, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        directory.write(certificate_file, _certificate(key_file.read_bytes()))
    return get_identity(directory)


def get_identity(directory: DataDirectory) -> Identity:
    """The certificate of this host. Raises IdentityProblem if it has none, or if it does not fit its key."""
    key_file, certificate_file = _files(directory)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate_file, key_file)
        return Identity(certificate_file.read_text(), key_file, certificate_file)
    except FileNotFoundError:
        raise IdentityProblem("This host has no certificate yet: it was never paired. Start with: moot host add") from None
    except ssl.SSLError as error:
        raise IdentityProblem(
            "%(key)s and %(certificate)s do not fit each other. Remove both, then pair the hosts again.", key=key_file,
            certificate=certificate_file,
        ) from error


def find_identity(directory: DataDirectory) -> Identity | None:
    """The certificate of this host; None if it was never paired. Raises IdentityProblem if it does not fit its key."""
    return get_identity(directory) if all(file.exists() for file in _files(directory)) else None


def _certificate(pem: bytes) -> bytes:
    key = load_pem_private_key(pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "folkmoot host")])
    builder = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(_BEGINS).not_valid_after(_ENDS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)  # so it can certify no other key
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _files(directory: DataDirectory) -> tuple[Path, Path]:
    secrets = directory.path / "secrets"
    return secrets / KEY, secrets / CERTIFICATE

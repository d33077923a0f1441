"""The host's own key for backups: it can write backups and read them again, but not open what was sealed.

    repository   password of the host's own key of the repository
    signing      signs manifests; the certificate, made by the recovery key, says that it may
    authority    public part of the recovery key's certifying key
    sealing      public part of the recovery key's sealing key

So a night's backup and drill need nobody, and a thief who has this file and the repository still has no secret that a
backup carries. Who signs what, and why: decision 0021.
"""

from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.recovery_key import RecoveryKey

FILE = "backup-key"
_CERTIFIES = b"folkmoot backup certificate 1\n"
_SIGNS = b"folkmoot backup manifest 1\n"
_SEALS = b"folkmoot secrets 1"
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)  # RFC 9180, base mode


class NotSigned(Problem):
    """A manifest without a signature that leads to the recovery key, or a bundle that it does not open."""

    code = "not_signed"


class Signature(msgspec.Struct, frozen=True):
    """Who signed a manifest, who says that they may, and the signature itself."""

    signer: bytes
    certificate: bytes
    signature: bytes


class BackupKey(msgspec.Struct, frozen=True):
    """`DATA/secrets/backup-key`."""

    repository: str
    signing: bytes
    certificate: bytes
    authority: bytes
    sealing: bytes

    @classmethod
    def new(cls, recovery: RecoveryKey) -> "BackupKey":
        """A key for this host, certified by the recovery key."""
        signing = Ed25519PrivateKey.generate()
        return cls(
            repository=clock.token(32), signing=signing.private_bytes_raw(),
            certificate=recovery.authority.sign(_CERTIFIES + signing.public_key().public_bytes_raw()),
            authority=recovery.authority.public_key().public_bytes_raw(), sealing=recovery.sealing.public_key().public_bytes_raw(),
        )

    @classmethod
    def find(cls, data: DataDirectory) -> "BackupKey | None":
        file = _file(data)
        return msgspec.json.decode(file.read_bytes(), type=cls) if file.exists() else None

    def keep(self, data: DataDirectory) -> None:
        data.write(_file(data), msgspec.json.encode(self))

    def belongs_to(self, recovery: RecoveryKey) -> bool:
        return self.authority == recovery.authority.public_key().public_bytes_raw()

    def sign(self, content: bytes) -> Signature:
        key = Ed25519PrivateKey.from_private_bytes(self.signing)
        return Signature(key.public_key().public_bytes_raw(), self.certificate, key.sign(_SIGNS + content))

    def seal(self, content: bytes) -> bytes:
        """For the recovery key alone: this host cannot open it again."""
        return _SUITE.encrypt(content, X25519PublicKey.from_public_bytes(self.sealing), _SEALS)


def verify(authority: bytes, content: bytes, signature: Signature) -> None:
    """Raises NotSigned unless a host that the recovery key certified has signed this content."""
    try:
        Ed25519PublicKey.from_public_bytes(authority).verify(signature.certificate, _CERTIFIES + signature.signer)
        Ed25519PublicKey.from_public_bytes(signature.signer).verify(signature.signature, _SIGNS + content)
    except (InvalidSignature, ValueError) as error:
        raise NotSigned("its manifest was not signed by a host of this recovery key") from error


def unseal(recovery: RecoveryKey, sealed: bytes) -> bytes:
    """Raises NotSigned when these words do not open it."""
    try:
        return _SUITE.decrypt(sealed, recovery.sealing, _SEALS)
    except (InvalidTag, ValueError) as error:
        raise NotSigned("its secrets are not sealed to this recovery key") from error


def _file(data: DataDirectory) -> Path:
    return data.path / "secrets" / FILE

"""The host's own key for backups: it can write and read backups, but not open the sealed secrets.

    repository   password of the host's own key of the repository
    signing      signs manifests; the certificate, signed by the recovery key, authorizes it
    authority    public part of the recovery key's certification key
    sealing      public part of the recovery key's sealing key

So nightly backups and drills need no operator, and this file and the repository together do not reveal the secrets in
a backup. Who signs what, and why: decision 0021.
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
MANIFEST = b"folkmoot backup manifest 1\n"  # what a signature is for: it is valid for nothing else
_SEALS = b"folkmoot secrets 1"
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)  # RFC 9180, base mode


class NotSigned(Problem):
    """A manifest has no signature chain to the recovery key, or the recovery key does not open the sealed secrets."""

    code = "not_signed"


class Signature(msgspec.Struct, frozen=True):
    """The signer of a manifest, the certificate of the signer, and the signature."""

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

    def sign(self, content: bytes, purpose: bytes = MANIFEST) -> Signature:
        key = Ed25519PrivateKey.from_private_bytes(self.signing)
        return Signature(key.public_key().public_bytes_raw(), self.certificate, key.sign(purpose + content))

    def seal(self, content: bytes) -> bytes:
        """Encrypts for the recovery key; this host cannot decrypt it again."""
        return _SUITE.encrypt(content, X25519PublicKey.from_public_bytes(self.sealing), _SEALS)


def verify(authority: bytes, content: bytes, signature: Signature, purpose: bytes = MANIFEST) -> None:
    """Raises NotSigned unless a host certified by the recovery key has signed this content."""
    try:
        Ed25519PublicKey.from_public_bytes(authority).verify(signature.certificate, _CERTIFIES + signature.signer)
        Ed25519PublicKey.from_public_bytes(signature.signer).verify(signature.signature, purpose + content)
    except (InvalidSignature, ValueError) as error:
        raise NotSigned("it was not signed by a host of this recovery key") from error


def unseal(recovery: RecoveryKey, sealed: bytes) -> bytes:
    """Decrypts the secrets. Raises NotSigned if they were sealed for another recovery key."""
    try:
        return _SUITE.decrypt(sealed, recovery.sealing, _SEALS)
    except (InvalidTag, ValueError) as error:
        raise NotSigned("its secrets are not sealed to this recovery key") from error


def _file(data: DataDirectory) -> Path:
    return data.path / "secrets" / FILE

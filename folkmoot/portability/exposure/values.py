"""The values of the secrets now, as hashes: whether one was exchanged follows from comparing them with those of the removal."""

import hashlib

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from folkmoot.base import clock
from folkmoot.config import Settings
from folkmoot.portability.backup_key import BackupKey
from folkmoot.portability.certificates.model import SECRET, read_bundle
from folkmoot.portability.certificates.storage import newest_for
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.exposure.model import HTTPS, NETWORK, POSTGRES, REPLICATION, REPOSITORY
from folkmoot.portability.offsite.ssh_server import SSH_KEY
from folkmoot.portability.postgres_settings import REPLICATION_SECRET
from folkmoot.portability.secrets import dns_credentials, mail_password, mailbox_password, offsite_password


def hashes_of(settings: Settings, directory: DataDirectory) -> dict[str, str]:
    """Of each secret that this network has."""
    key = BackupKey.find(directory)
    values = {
        REPLICATION: _file(directory, REPLICATION_SECRET), POSTGRES: _file(directory, "postgres-password"),
        REPOSITORY: key.repository.encode() if key else b"", HTTPS: public_key_of(directory, settings.domain),
        "ssh-key": _file(directory, SSH_KEY), "offsite": offsite_password(settings, directory).encode(),
        "mail": mail_password(settings, directory).encode(), "mailbox": mailbox_password(settings, directory).encode(),
        "dns": dns_credentials(settings, directory).encode(), "webhook": settings.moderation.webhook_secret.encode(),
        NETWORK: settings.secret or _file(directory, "network-secret"),
    }
    return {name: hashlib.sha256(value).hexdigest() for name, value in values.items() if value}


def public_key_of(directory: DataDirectory, domain: str) -> bytes:
    """The public key of the certificate that Caddy shows for the domain; empty if there is none."""
    found = newest_for(domain.partition(":")[0], read_bundle(directory.path / "secrets" / SECRET), clock.now())
    if found is None:
        return b""
    leaf = x509.load_pem_x509_certificates(found.files[f"{found.base}.crt"])[0]
    return leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _file(directory: DataDirectory, name: str) -> bytes:
    file = directory.path / "secrets" / name
    return file.read_bytes() if file.exists() else b""

"""The key that this host uses at an SFTP server: created with the first backup there, one per network."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_ssh_private_key

from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.offsite.ssh_server import SSH_KEY


def ensure_ssh_key(data: DataDirectory) -> str:
    """The line for `authorized_keys` of the server. Creates the key if there is none."""
    file = data.path / "secrets" / SSH_KEY
    if not file.exists():
        made = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        data.write(file, made)
    public = load_ssh_private_key(file.read_bytes(), None).public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return f"{public.decode()} folkmoot"

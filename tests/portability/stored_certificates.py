"""Certificates as Caddy stores them, and the keeper that systemd starts, for tests of certificates that travel."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from folkmoot.base import clock
from folkmoot.portability.certificates.model import Bundle
from tests.network_up import ROOT

NOW = clock.now()
DOMAIN, AUTHORITY = "moot.test", "acme-v02.api.letsencrypt.org-directory"
BASE = f"certificates/{AUTHORITY}/{DOMAIN}/{DOMAIN}"
ACCOUNT = f"acme/{AUTHORITY}/users/hana@example.org/hana"


def key_and_certificate(name: str = DOMAIN, days: float = 60, begins: datetime = NOW - timedelta(days=30)) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a certificate of a test")])
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key()).serial_number(7)
        .not_valid_before(begins).not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False).sign(key, hashes.SHA256())
    )
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), made.public_bytes(Encoding.PEM)


def bundle(days: float = 60, name: str = DOMAIN, base: str = BASE, begins: datetime = NOW - timedelta(days=30)) -> Bundle:
    key, certificate = key_and_certificate(name, days, begins)
    return {f"{base}.crt": certificate, f"{base}.key": key, f"{base}.json": b'{"sans": []}'}


def account() -> Bundle:
    return {f"{ACCOUNT}.key": key_and_certificate()[0], f"{ACCOUNT}.json": b'{"status": "valid"}'}


def written(folder: Path, content: Bundle) -> Path:
    for name, text in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text)
    return folder


@contextmanager
def keeper_of(folder: Path, path: Path) -> Iterator[None]:
    """What systemd does: each connection starts the keeper, as its standard input and output."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    command = [sys.executable, "-P", "-m", "folkmoot.portability.certificates.keeper", str(folder)]

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                subprocess.run(command, stdin=connection.fileno(), stdout=connection.fileno(), stderr=subprocess.DEVNULL,
                               cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, check=False)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        path.unlink()

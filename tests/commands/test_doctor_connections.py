"""`moot doctor` tries the web processes, the mail server and the public address, and names what does not answer."""

import asyncio
import json
import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from folkmoot.commands.checks import connections, portability
from folkmoot.commands.checks.model import BROKEN, GOOD, WARNING
from folkmoot.portability.certificates import trust
from tests.base.test_http_client import FakeInternet
from tests.commands.findings import found_by, settings_with


async def test_a_web_process_that_is_missing_or_not_ready_is_named(data: Path) -> None:
    body: dict[str, Any] = {"ready": True, "reasons": []}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):  # the check of the mail server only connects
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 %d X\r\n\r\n" % (200 if body["ready"] else 503) + json.dumps(body).encode())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = settings_with(data, f"[server]\nport = {port}")
    assert await found_by(connections.check_web(settings)) == {"web.answers": GOOD}
    body.update(ready=False, reasons=["the disk is full"])
    assert await found_by(connections.check_web(settings)) == {"web.ready": BROKEN}
    mail = settings_with(data, f'[mail]\nhost = "127.0.0.1"\nport = {port}')
    assert await found_by(connections.check_mail_server(mail)) == {"mail.answers": GOOD}
    server.close()
    assert await found_by(connections.check_web(settings)) == {"web.answers": BROKEN}
    assert await found_by(connections.check_mail_server(mail)) == {"mail.answers": BROKEN}


async def test_a_webhook_that_cannot_be_called_is_named(data: Path) -> None:
    """Any answer shows that it can be reached: it is asked for nothing that would call somebody."""
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 405 X\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async def found(url: str) -> dict[str, str]:
        text = f'[moderation]\nwebhook_url = "{url}"\nwebhook_secret = "{"x" * 32}"'
        return await found_by(connections.check_webhook(settings_with(data, text), resolve=internet.resolve, connect=internet.connect))

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    internet = FakeInternet(server.sockets[0].getsockname()[1])
    assert await found("") == {}
    assert await found("http://duty.example.org/moot") == {"calls.webhook": GOOD}
    assert asked[0].startswith(b"HEAD /moot ")
    assert await found("http://duty.example.org:8080/moot") == {"calls.webhook": WARNING}
    server.close()
    assert await found("http://duty.example.org/moot") == {"calls.webhook": WARNING}


def certificate(folder: Path, days: int, host: str = "localhost") -> Path:
    """A file with a self-signed certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(days + 1000)
    made = made.not_valid_before(now - timedelta(days=100)).not_valid_after(now + timedelta(days=days, hours=1))
    signed = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False).sign(key, hashes.SHA256())
    file = folder / f"{days}.pem"
    file.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return file


@pytest.mark.parametrize(("days", "trusted_by", "state"), [
    (100, "system", GOOD), (5, "system", WARNING), (-5, "system", BROKEN), (100, "nobody", BROKEN),
    (100, "installation", GOOD), (-5, "installation", BROKEN),
])
async def test_a_certificate_that_ends_soon_or_is_refused_is_named(
    days: int, trusted_by: str, state: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = certificate(data.parent, days)
    if trusted_by == "system":
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
    elif trusted_by == "installation":  # moot install --acme-root
        monkeypatch.setattr(trust, "ACME_ROOT", file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "localhost", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    settings = settings_with(data, f'[server]\nbase_url = "https://localhost:{port}"')
    assert await found_by(connections.check_public_address(settings)) == {"address.certificate": state}
    seen = (await portability._certificate(settings, "localhost", port)).what
    assert ("cannot be seen" in seen) is (state == BROKEN)
    server.close()
    assert await found_by(connections.check_public_address(settings)) == {"address.reached": WARNING}


async def test_an_unknown_name_is_named(data: Path) -> None:
    settings = settings_with(data, '[server]\nbase_url = "https://nowhere.invalid"')
    assert await found_by(connections.check_public_address(settings)) == {"address.name": BROKEN}

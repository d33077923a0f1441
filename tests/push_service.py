"""A push service and devices for tests: a real HTTPS server, and receivers that decrypt as the standards say.

The receiver shares no code with the sender: HKDF is that of `cryptography`. Where the library http_ece is installed, which has no wheel
and so is no requirement, `tests/base/test_web_push.py` compares with it too.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpcore
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from folkmoot import app
from folkmoot.api.push_payloads import Payloads
from folkmoot.base.http_client import MOST_BYTES
from folkmoot.base.i18n import load
from folkmoot.base.queue.worker import Worker
from folkmoot.http.urls import Urls
from folkmoot.network.web_push.jobs import Sender
from folkmoot.network.web_push.services import Services
from tests.base.test_http_client import PUBLIC, SeenAsPublic
from tests.village import Village
from tests.waiting import SECONDS

HOST = "push.example.org"
CONTACT = "mailto:postmistress@example.org"


def text_of(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def bytes_of(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Device:
    """A browser or an app with its keys."""

    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    path: str = field(default_factory=lambda: f"/device/{secrets.token_hex(4)}")
    host: str = HOST

    @property
    def endpoint(self) -> str:
        return f"https://{self.host}{self.path}"

    @property
    def keys(self) -> dict[str, str]:
        public = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {"p256dh": text_of(public), "auth": text_of(self.auth)}

    def form(self, *alerts: str, standard: bool = False, policy: str = "all") -> dict[str, Any]:
        """The parameters of a subscription, as JSON."""
        return {
            "subscription": {"endpoint": self.endpoint, "keys": self.keys, "standard": standard},
            "data": {"alerts": dict.fromkeys(alerts, True), "policy": policy},
        }

    def read(self, sent: Sent) -> Any:
        """The decrypted message. Raises InvalidTag if it is for another device."""
        if sent.headers["content-encoding"] == "aes128gcm":
            salt, own, sealed = sent.body[:16], sent.body[21:86], sent.body[86:]
            assert int.from_bytes(sent.body[16:20]) >= len(sealed)
            secret = self._secret(own, b"WebPush: info\0" + bytes_of(self.keys["p256dh"]) + own)
            plain = self._open(sealed, salt, secret, b"Content-Encoding: aes128gcm\0", b"Content-Encoding: nonce\0").rstrip(b"\0")
            assert plain.endswith(b"\2")
            return json.loads(plain[:-1])
        salt = bytes_of(sent.headers["encryption"].removeprefix("salt="))
        own = bytes_of(sent.headers["crypto-key"].partition("dh=")[2].partition(";")[0])
        context = b"P-256\0\0A" + bytes_of(self.keys["p256dh"]) + b"\0A" + own
        secret = self._secret(own, b"Content-Encoding: auth\0")
        plain = self._open(sent.body, salt, secret, b"Content-Encoding: aesgcm\0" + context, b"Content-Encoding: nonce\0" + context)
        return json.loads(plain[2 + int.from_bytes(plain[:2]) :])

    def _secret(self, own: bytes, info: bytes) -> bytes:
        shared = self.private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), own))
        return HKDF(hashes.SHA256(), 32, salt=self.auth, info=info).derive(shared)

    def _open(self, sealed: bytes, salt: bytes, secret: bytes, key_info: bytes, nonce_info: bytes) -> bytes:
        key = HKDF(hashes.SHA256(), 16, salt=salt, info=key_info).derive(secret)
        nonce = HKDF(hashes.SHA256(), 12, salt=salt, info=nonce_info).derive(secret)
        return AESGCM(key).decrypt(nonce, sealed, None)


@dataclass
class Sent:
    """A message as the push service got it."""

    path: str
    headers: dict[str, str]
    body: bytes

    def verified_claims(self, public_key: str, host: str = HOST) -> dict[str, Any]:
        """The claims of the token, whose signature must be that of the network's key (RFC 8292)."""
        kind, _, rest = self.headers["authorization"].partition(" ")
        if kind == "vapid":
            parts = dict(part.strip().split("=", 1) for part in rest.split(","))
            token, key = parts["t"], parts["k"]
        else:
            assert kind == "WebPush"
            token, key = rest, self.headers["crypto-key"].partition("p256ecdsa=")[2]
        assert key == public_key
        signed, _, signature = token.rpartition(".")
        raw = bytes_of(signature)
        der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
        own = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes_of(key))
        own.verify(der, signed.encode(), ec.ECDSA(hashes.SHA256()))  # raises InvalidSignature
        claims: dict[str, Any] = json.loads(bytes_of(signed.partition(".")[2]))
        assert claims["aud"] == f"https://{host}"
        assert claims["sub"] == CONTACT
        return claims


@dataclass
class PushService:
    """Answers by path: /404 and other numbers with this status, /to redirects, /slow does not, /huge without end, others with 201."""

    port: int = 0
    sent: list[Sent] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)  # of each answer
    private_names: set[str] = field(default_factory=set)  # hosts that DNS leads to this machine
    resolved: list[str] = field(default_factory=list)
    gives_up: asyncio.Event = field(default_factory=asyncio.Event)  # until then /slow answers nothing; then it disconnects

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            path = first.split()[1]
            self.sent.append(Sent(path, headers, await reader.readexactly(int(headers.get("content-length", "0")))))
            await self._say(path, writer)
        writer.close()

    async def _say(self, path: str, writer: asyncio.StreamWriter) -> None:
        word = path.split("/")[1]
        if word == "slow":
            await self.gives_up.wait()
        elif word == "huge":
            writer.write(b"HTTP/1.1 201 Created\r\nConnection: close\r\n\r\n")
            for _ in range(MOST_BYTES // 65536 + 2):
                writer.write(b"x" * 65536)
                await writer.drain()
        else:
            status = "307" if word == "to" else word if word.isdigit() else "201"
            elsewhere = ["Location: https://push.example.org/stolen"] if word == "to" else []
            more = "".join(f"{line}\r\n" for line in [*self.headers, *elsewhere])
            writer.write(f"HTTP/1.1 {status} So\r\nContent-Length: 0\r\n{more}\r\n".encode())
        await writer.drain()

    async def resolve(self, host: str, _port: int) -> list[str]:
        self.resolved.append(host)
        return ["127.0.0.1"] if host in self.private_names else [PUBLIC]

    async def connect(self, _address: str, _port: int) -> httpcore.AsyncNetworkStream:
        return SeenAsPublic(await httpcore.AnyIOBackend().connect_tcp("127.0.0.1", self.port))  # type: ignore[return-value]

    def sender(self, village: Village) -> Sender:
        settings = village.settings
        compose = Payloads(Urls(settings.base_url, "", settings.secret), load("Europe/Prague")).compose
        services = Services()
        services.note_answer(HOST)
        return Sender(settings.secret, CONTACT, compose, services=services, seconds=SECONDS, resolve=self.resolve, connect=self.connect)

    async def work(self, village: Village, sender: Sender | None = None) -> None:
        """Runs all due jobs; messages go to this service."""
        own = (sender or self.sender(village)).job
        heard = app.subscriptions(village.settings)
        jobs = [own if job.name == own.name else job for job in app.jobs(village.settings)]
        await Worker(village.database, jobs, (), heard).run(until_empty=True)


@asynccontextmanager
async def push_service(folder: Path) -> AsyncIterator[PushService]:
    """The caller makes the machine trust `folder/service.pem`."""
    found = PushService()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "service.pem", folder / "service.key")
    busy: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        busy.add(task)
        await found.answer(reader, writer)

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    found.port = server.sockets[0].getsockname()[1]
    yield found
    server.close()
    for task in busy:
        task.cancel()
    await asyncio.gather(*busy, return_exceptions=True)


def write_certificate(folder: Path, *names: str) -> Path:
    """A certificate that signs itself, for the hosts of the tests."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names or (HOST, "*.example.org")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "service.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "service.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return folder / "service.pem"

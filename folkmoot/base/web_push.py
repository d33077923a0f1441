"""Web push: messages encrypted for one browser or app, and the key by which push services know this network.

Only the receiver can read a message (RFC 8291); the push service sees its length and its headers. Older apps expect the draft
of that standard, which is still the default of the client API. The key of the network (VAPID, RFC 8292) is derived from the network
secret, which never changes and is the same on all hosts: with another key all subscriptions would be void (decision 0105).
"""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from folkmoot.base import clock

AUTH_BYTES = 16
KEY_BYTES = 65  # an uncompressed point
MOST_BYTES = 3993  # of a message, RFC 8291 4
_PADDED_TO = 512  # bytes: so the length says little about the text
_RECORD = 4096
_TOKEN_LASTS = timedelta(hours=12)  # RFC 8292 2: 24 hours at most
_CURVE = ec.SECP256R1()
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True)
class Receiver:
    """The keys of a browser or an app. `is_standard`: RFC 8291, otherwise the draft (aesgcm). `is_padded`: the message may be padded,
    which some apps that decrypt by themselves do not understand."""

    public_key: bytes
    auth: bytes
    is_standard: bool
    is_padded: bool = False


class Encrypted(NamedTuple):
    body: bytes
    headers: dict[str, str]  # names in lower case


class VapidKey:
    """The key pair by which push services know this network."""

    def __init__(self, secret: bytes) -> None:
        material = HKDF(SHA256(), 48, salt=None, info=b"folkmoot web push 1").derive(secret)
        self._private = ec.derive_private_key(int.from_bytes(material) % (_ORDER - 1) + 1, _CURVE)

    @cached_property
    def public(self) -> str:
        """The public key as browsers and apps take it."""
        return encode(_point(self._private.public_key()))

    def token(self, origin: str, contact: str) -> str:
        """A signed token for one push service (RFC 8292 2). `contact`: a mailto: or https: address."""
        claims = {"aud": origin, "exp": int((clock.now() + _TOKEN_LASTS).timestamp()), "sub": contact}
        signed = f"{_json({'typ': 'JWT', 'alg': 'ES256'})}.{_json(claims)}"
        r, s = decode_dss_signature(self._private.sign(signed.encode(), ec.ECDSA(SHA256())))
        return f"{signed}.{encode(r.to_bytes(32) + s.to_bytes(32))}"


def is_key(public_key: bytes) -> bool:
    """Whether these bytes are an uncompressed point on the curve P-256."""
    try:
        return len(public_key) == KEY_BYTES and bool(ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, public_key))
    except ValueError:
        return False


def encrypt(message: bytes, receiver: Receiver, vapid: VapidKey, origin: str, contact: str) -> Encrypted:
    """The message for this receiver, with the headers of encryption and of the network's key. Each call uses a new key pair."""
    if len(message) > MOST_BYTES:
        raise ValueError(f"a message of {len(message)} bytes")
    own, salt = ec.generate_private_key(_CURVE), clock.random_bytes(16)
    token = vapid.token(origin, contact)
    if receiver.is_standard:
        body = seal_standard(message, receiver, own, salt)
        return Encrypted(body, {"content-encoding": "aes128gcm", "authorization": f"vapid t={token}, k={vapid.public}"})
    return Encrypted(seal_draft(message, receiver, own, salt), {
        "content-encoding": "aesgcm", "authorization": f"WebPush {token}", "encryption": f"salt={encode(salt)}",
        "crypto-key": f"dh={encode(_point(own.public_key()))};p256ecdsa={vapid.public}",
    })


def seal_standard(message: bytes, receiver: Receiver, own: ec.EllipticCurvePrivateKey, salt: bytes) -> bytes:
    """RFC 8291 3.4, in one record of RFC 8188 2."""
    public, shared = _agree(own, receiver)
    key = _derive(receiver.auth, shared, b"WebPush: info\0" + receiver.public_key + public, 32)
    length = min(MOST_BYTES, -(-len(message) // _PADDED_TO) * _PADDED_TO) if receiver.is_padded else len(message)
    padded = (message + b"\2").ljust(length + 1, b"\0")
    cipher = AESGCM(_derive(salt, key, b"Content-Encoding: aes128gcm\0", 16))
    sealed = cipher.encrypt(_derive(salt, key, b"Content-Encoding: nonce\0", 12), padded, None)
    return salt + _RECORD.to_bytes(4) + bytes([KEY_BYTES]) + public + sealed


def seal_draft(message: bytes, receiver: Receiver, own: ec.EllipticCurvePrivateKey, salt: bytes) -> bytes:
    """draft-ietf-webpush-encryption-04, in one record of draft-ietf-httpbis-encryption-encoding-03."""
    public, shared = _agree(own, receiver)
    key = _derive(receiver.auth, shared, b"Content-Encoding: auth\0", 32)
    context = b"P-256\0" + b"".join(KEY_BYTES.to_bytes(2) + point for point in (receiver.public_key, public))
    cipher = AESGCM(_derive(salt, key, b"Content-Encoding: aesgcm\0" + context, 16))
    return cipher.encrypt(_derive(salt, key, b"Content-Encoding: nonce\0" + context, 12), b"\0\0" + message, None)


def encode(content: bytes) -> str:
    """Base64 for URLs, without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decode(text: str) -> bytes | None:
    """The bytes of base64 in either alphabet, with or without padding; None if it is none."""
    try:
        plain = text.strip().rstrip("=").translate(str.maketrans("+/", "-_"))
        content = base64.urlsafe_b64decode(plain + "=" * (-len(plain) % 4))
    except (ValueError, UnicodeEncodeError):
        return None
    return content if encode(content) == plain else None


class Sealer:
    """Keeps secrets in the database that only this network can read. A sealed text is bound to the row that it belongs to."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        self._cipher = AESGCM(HKDF(SHA256(), 32, salt=None, info=f"folkmoot sealing 1: {purpose}".encode()).derive(secret))

    def seal(self, text: str, row_id: int) -> bytes:
        nonce = clock.random_bytes(12)
        return nonce + self._cipher.encrypt(nonce, text.encode(), str(row_id).encode())

    def open(self, sealed: bytes, row_id: int) -> str:
        """Raises InvalidTag if it was sealed for another row or with another secret."""
        return self._cipher.decrypt(sealed[:12], sealed[12:], str(row_id).encode()).decode()


def _agree(own: ec.EllipticCurvePrivateKey, receiver: Receiver) -> tuple[bytes, bytes]:
    other = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, receiver.public_key)
    return _point(own.public_key()), own.exchange(ec.ECDH(), other)


def _derive(salt: bytes, material: bytes, info: bytes, length: int) -> bytes:
    """HKDF with one block (RFC 5869)."""
    return hmac.digest(hmac.digest(salt, material, hashlib.sha256), info + b"\1", hashlib.sha256)[:length]


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _json(content: object) -> str:
    return encode(json.dumps(content, separators=(",", ":")).encode())

"""Verifies signed requests: HTTP Message Signatures (RFC 9421) with Ed25519, and digests of bodies (RFC 9530).

A profile: one signature, components without parameters, and a time (`created`) that is near ours. Which components must be
signed decides the caller. Whatever is not exactly of this form is refused.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from folkmoot.base.errors import Unauthorized

TOLERANCE = timedelta(minutes=5)  # between the clocks of both sides
_LABEL = r"([a-z*][a-z0-9_.*-]{0,63})"
_INPUT = re.compile(
    _LABEL + r'=(\(("[@a-z0-9-]+"(?: "[@a-z0-9-]+")*)\)((?:;[a-z]+=(?:[0-9]{1,15}|"[ !#-\[\]-~]{0,255}"))+))'
)
_VALUE = re.compile(_LABEL + r"=:([A-Za-z0-9+/=]{4,200}):")
_PARAMETER = re.compile(r';([a-z]+)=(?:([0-9]{1,15})|"([ !#-\[\]-~]{0,255})")')
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/=]{44}):")


class SignedRequest(NamedTuple):
    """What a signature can cover. `headers`: by name in lower case."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


class Signature(NamedTuple):
    key_id: str
    components: tuple[str, ...]
    parameters: str  # as sent: they are signed too
    created: int
    value: bytes


def read_signature(headers: Mapping[str, str]) -> Signature:
    """The signature of a request. Raises Unauthorized."""
    found = _INPUT.fullmatch(headers.get("signature-input", "").strip())
    sent = _VALUE.fullmatch(headers.get("signature", "").strip())
    if not found or not sent or found[1] != sent[1]:
        raise Unauthorized("The request needs one signature as in RFC 9421.")
    named = {name: number or text for name, number, text in _PARAMETER.findall(found[4])}
    components = tuple(found[3].replace('"', "").split(" "))
    if named.get("alg", "ed25519") != "ed25519" or not named.get("keyid") or not named.get("created", "").isdigit():
        raise Unauthorized("A signature needs the parameters created and keyid; the only algorithm is ed25519.")
    if len(set(components)) < len(components):
        raise Unauthorized("A signature names each component once.")
    try:
        value = base64.b64decode(sent[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unauthorized("The signature is not Base64.") from error
    return Signature(named["keyid"], components, found[2], int(named["created"]), value)


def require_valid(signature: Signature, request: SignedRequest, key: bytes, required: Collection[str], now: datetime) -> None:
    """Raises Unauthorized unless the key has signed this request, with these components at least, at about this time."""
    if missing := sorted(set(required) - set(signature.components)):
        raise Unauthorized("The signature must cover %(missing)s.", missing=", ".join(missing))
    if abs(now.timestamp() - signature.created) > TOLERANCE.total_seconds():
        raise Unauthorized("The signature is too old, or your clock is wrong.")
    if "content-digest" in signature.components and not has_digest(request.headers.get("content-digest", ""), request.body):
        raise Unauthorized("The body does not match its Content-Digest.")
    if not is_signed(signature, request, key):
        raise Unauthorized("The signature does not match the request.")


def is_signed(signature: Signature, request: SignedRequest, key: bytes) -> bool:
    """Whether the key has signed these components of a request."""
    from cryptography.exceptions import InvalidSignature  # a web process loads it with the first signature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature.value, signature_base(signature, request))
    except (InvalidSignature, ValueError, KeyError):
        return False
    return True


def signature_base(signature: Signature, request: SignedRequest) -> bytes:
    """The bytes that are signed (RFC 9421 2.5). Raises KeyError for a component that the request does not have."""
    lines = [f'"{name}": {_component(name, request)}' for name in signature.components]
    return "\n".join([*lines, f'"@signature-params": {signature.parameters}']).encode()


def digest_of(body: bytes) -> str:
    """The value of Content-Digest (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def has_digest(header: str, body: bytes) -> bool:
    """Whether a Content-Digest contains the SHA-256 of the body; other digests beside it do not matter."""
    return any(found[0] == digest_of(body) for found in _DIGEST.finditer(header))


def _component(name: str, request: SignedRequest) -> str:
    if not name.startswith("@"):
        return " ".join(request.headers[name].split())
    parts = urlsplit(request.url)
    return {
        "@method": request.method, "@target-uri": request.url, "@scheme": parts.scheme, "@authority": parts.netloc.lower(),
        "@path": parts.path or "/", "@query": f"?{parts.query}",
    }[name]

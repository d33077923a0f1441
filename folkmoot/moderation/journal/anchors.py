"""Anchors: heads of the journal that leave the network, signed with a key that others can check. No input or output.

An anchor covers the entries since the one before it: with the hash of the chain, and with a Merkle root (RFC 9162 2.1), by
which single entries are proven without showing the others. Ed25519, unlike the signatures of `base/signing.py`, can be
checked by anybody with the public key; it is derived from the network's secret, so it moves with the network.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

_TIME = "%Y-%m-%dT%H:%M:%SZ"
_LINE = re.compile(r"([0-9]{1,19}) ([0-9a-f]{64}) ([0-9a-f]{64}) ([0-9]{1,19}) (\S{20}) ([A-Za-z0-9+/=]{88})")
_KEY_LINE = re.compile(r"key ([A-Za-z0-9+/=]{44})")


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """It covers the entries `since` + 1 to `position`. `at` has whole seconds."""

    position: int
    since: int
    hash: bytes
    root: bytes
    at: datetime

    @property
    def text(self) -> str:
        """One line, as it is signed and published."""
        return f"{self.position} {self.hash.hex()} {self.root.hex()} {self.since} {self.at:{_TIME}}"


class NotPublished(ValueError):
    """A text is not a list of anchors, or a signature in it is wrong."""


class AnchorKey:
    """The network's key for anchors and evidence packages."""

    def __init__(self, secret: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # a web process loads it when it is needed

        self._key = Ed25519PrivateKey.from_private_bytes(hmac.digest(secret, b"anchors of the journal", "sha256"))

    @property
    def public(self) -> bytes:
        return self._key.public_key().public_bytes_raw()

    def sign(self, text: str) -> str:
        return base64.b64encode(self._key.sign(text.encode())).decode()


def is_signed(key: bytes, text: str, signature: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key).verify(base64.b64decode(signature, validate=True), text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def published(key: AnchorKey, anchors: Iterable[Anchor], network: str) -> str:
    """The public list of anchors, oldest first, so that an older copy is the beginning of a newer one."""
    lines = [
        f"# Heads of the moderation journal of {network}",
        "# position, hash of the chain, Merkle root of the entries since the line before, position of that line, time, Ed25519 signature",
        "# Keep a copy. With it, `moot journal verify --heads FILE` finds a journal that was cut off or rewritten since.",
        f"key {base64.b64encode(key.public).decode()}",
        *(f"{anchor.text} {key.sign(anchor.text)}" for anchor in anchors),
    ]
    return "\n".join(lines) + "\n"


def read_published(text: str, key: bytes | None = None) -> tuple[bytes, list[Anchor]]:
    """The key and the anchors of a published list. Every signature is checked, with `key` if it is given. Raises NotPublished."""
    anchors: list[Anchor] = []
    found = key
    for line in text.splitlines():
        if named := _KEY_LINE.fullmatch(line.strip()):
            found = found or _decoded(named[1])
        elif parts := _LINE.fullmatch(line.strip()):
            if found is None:
                raise NotPublished("the list has no line with the key")
            anchor = Anchor(
                position=int(parts[1]), hash=bytes.fromhex(parts[2]), root=bytes.fromhex(parts[3]), since=int(parts[4]),
                at=_time(parts[5]),
            )
            if not is_signed(found, anchor.text, parts[6]):
                raise NotPublished(f"the signature of the head at entry {anchor.position} is not valid")
            anchors.append(anchor)
        elif line.strip() and not line.startswith("#"):
            raise NotPublished(f"a line is not a head: {line[:60]!r}")
    if found is None or not anchors:
        raise NotPublished("there is no head in it")
    return found, anchors


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The root of a Merkle tree (RFC 9162 2.1.1). Level by level: an odd node moves up unchanged."""
    if not leaves:
        return hashlib.sha256().digest()
    level = [_leaf(leaf) for leaf in leaves]
    while len(level) > 1:
        level = _next_level(level)
    return level[0]


def merkle_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The nodes that lead from a leaf to the root (RFC 9162 2.1.3.1)."""
    level, path = [_leaf(leaf) for leaf in leaves], []
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        level, index = _next_level(level), index // 2
    return path


def root_of_path(leaf: bytes, index: int, count: int, path: Sequence[bytes]) -> bytes | None:
    """The root to which a path leads from a leaf, among `count` leaves; None if the path has another length."""
    node, rest = _leaf(leaf), list(path)
    if not 0 <= index < count:
        return None
    while count > 1:
        if index ^ 1 < count:
            if not rest:
                return None
            other = rest.pop(0)
            node = _node(other, node) if index & 1 else _node(node, other)
        index, count = index // 2, (count + 1) // 2
    return None if rest else node


def _next_level(level: Sequence[bytes]) -> list[bytes]:
    pairs = [_node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
    return pairs + ([level[-1]] if len(level) % 2 else [])


def _leaf(content: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + content).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise NotPublished("the key is not Base64") from error


def _time(text: str) -> datetime:
    try:
        return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
    except ValueError as error:
        raise NotPublished(f"{text!r} is not a time") from error

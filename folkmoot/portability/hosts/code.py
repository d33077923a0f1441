"""The one-time code that pairs two hosts: the fingerprint of the inviting host, a secret, and a checksum.

48 letters and digits in groups of four, to be copied or read aloud. The fingerprint lets the joining host recognize the
inviting one before it sends anything; the secret shows that it was invited. The checksum finds every wrong letter and
every two that were exchanged.
"""

import base64
import binascii
from dataclasses import dataclass

from folkmoot.base import clock
from folkmoot.base.errors import Problem

_FINGERPRINT, _SECRET, _CHECKSUM = 16, 12, 2  # bytes
_GROUP = 4


class MistypedCode(Problem):
    """The checksum of a code is wrong."""

    code = "mistyped_code"
    message = (
        "This code was mistyped: its checksum is wrong. Compare it with what was printed on the primary by moot host add, and try again."
    )


@dataclass(frozen=True)
class PairingCode:
    """The first 128 bits of the inviting host's fingerprint, and a secret of 96 bits."""

    fingerprint: bytes
    secret: bytes

    @classmethod
    def new(cls, host_id: str) -> "PairingCode":
        """`host_id`: the fingerprint in hexadecimal digits."""
        return cls(bytes.fromhex(host_id)[:_FINGERPRINT], clock.random_bytes(_SECRET))

    @classmethod
    def read(cls, text: str) -> "PairingCode":
        """Small letters, spaces and missing dashes are fine, and 0 and 1 are read as O and I. Raises MistypedCode."""
        letters = "".join(text.split()).replace("-", "").upper()
        try:
            content = base64.b32decode(letters, map01="I")
        except ValueError:  # also for letters that are not ASCII
            raise MistypedCode from None
        body = content[:-_CHECKSUM]
        if len(content) != _FINGERPRINT + _SECRET + _CHECKSUM or content != body + _checksum(body):
            raise MistypedCode
        return cls(body[:_FINGERPRINT], body[_FINGERPRINT:])

    @property
    def text(self) -> str:
        body = self.fingerprint + self.secret
        letters = base64.b32encode(body + _checksum(body)).decode()
        return "-".join(letters[start : start + _GROUP] for start in range(0, len(letters), _GROUP))

    def is_of(self, host_id: str) -> bool:
        return bytes.fromhex(host_id)[:_FINGERPRINT] == self.fingerprint


def _checksum(body: bytes) -> bytes:
    return binascii.crc_hqx(body, 0).to_bytes(_CHECKSUM, "big")

"""Receipts: the number of a notice, and the secrets that belong to it. No input or output.

Both secrets are signatures of the network over the number. So they need not be stored, and any later mail can contain the
link of the status page.
"""

import hmac

from folkmoot.base import clock
from folkmoot.base.signing import Signer

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # without characters that look like others
_LENGTH = 32  # of a secret


def make_number() -> str:
    """A number that nobody can guess from another one: N-4K7Q-9XMP-2T."""
    drawn = "".join(_ALPHABET[clock.draw(len(_ALPHABET))] for _ in range(10))
    return f"N-{drawn[:4]}-{drawn[4:8]}-{drawn[8:]}"


class Receipts:
    """Makes and checks the links of a receipt."""

    def __init__(self, secret: bytes) -> None:
        self._status = Signer(secret, "status of a notice")
        self._address = Signer(secret, "address of a notice")

    def key(self, number: str) -> str:
        """Shown on the receipt: whoever has it can read the status page."""
        return self._status.sign(number)[:_LENGTH]

    def is_key(self, number: str, key: str) -> bool:
        return hmac.compare_digest(self.key(number).encode(), key.encode())

    def code(self, number: str, email: str) -> str:
        """Mailed to this address only: whoever has it can read mail there."""
        return self._address.sign(f"{number}:{email}")[:_LENGTH]

    def is_code(self, number: str, email: str, code: str) -> bool:
        return bool(email) and hmac.compare_digest(self.code(number, email).encode(), code.encode())

    def path(self, number: str) -> str:
        """The path of the status page."""
        return f"/notice/{number}/{self.key(number)}"

    def confirmation_path(self, number: str, email: str) -> str:
        """The path of the page on which its owner confirms an address."""
        return f"/notice/{number}/confirm/{self.code(number, email)}"

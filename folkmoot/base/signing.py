"""Signed words: proof that we wrote something, without storing it.

HMAC-SHA256 under one secret of the network, with a purpose mixed in so that a word signed for one thing never passes
for another. Used for form tokens (CSRF) and for anything that must come back to us unchanged. Not for secrets:
whoever holds a signed word can read it.
"""

import hashlib
import hmac


class Signer:
    """Signs and checks for one purpose."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        self._key = hmac.digest(secret, purpose.encode(), "sha256")

    def sign(self, text: str) -> str:
        """A word of 43 characters that only we can make for `text`."""
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()[:43]

    def is_valid(self, text: str, signature: str) -> bool:
        """Compares in constant time."""
        return hmac.compare_digest(self.sign(text).encode(), signature.encode())

"""Signatures: proof that this network issued a text, without storing it.

HMAC-SHA256 with a secret of the network and a purpose, so that a signature for one purpose is not valid for another.
Used for form tokens (CSRF) and for values that clients must return unchanged. Not for secrets: the signed text is
readable.
"""

import hashlib
import hmac


class Signer:
    """Signs and checks for one purpose."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        self._key = hmac.digest(secret, purpose.encode(), "sha256")

    def sign(self, text: str) -> str:
        """A signature of `text`, 43 characters."""
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()[:43]

    def is_valid(self, text: str, signature: str) -> bool:
        """Compares in constant time."""
        return hmac.compare_digest(self.sign(text).encode(), signature.encode())

"""The recovery key: 24 words that an operator keeps on paper, and the keys derived from them.

The words are from BIP39's English list: 256 random bits and a checksum. HKDF (RFC 5869) with different labels derives
three keys from them: the password of the repository, the key that opens the sealed secrets, and the key that certifies
which host may sign backups. The words are never stored on the host.
"""

import difflib
import re
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from mnemonic import Mnemonic

from folkmoot.base import clock
from folkmoot.base.errors import Problem

WORDS = 24
_BYTES = 32


class WrongRecoveryKey(Problem):
    """The text is not a recovery key, or not the one of this repository."""

    code = "wrong_recovery_key"


class RecoveryKey:
    """The words, and the keys derived from them."""

    def __init__(self, entropy: bytes) -> None:
        assert len(entropy) == _BYTES
        self._entropy = entropy

    @classmethod
    def new(cls) -> "RecoveryKey":
        return cls(clock.random_bytes(_BYTES))

    @classmethod
    def read(cls, text: str) -> "RecoveryKey":
        """Reads typed words; ignores capitals, line ends and numbers before the words.

        Raises WrongRecoveryKey, which names a wrong word and similar words of the list.
        """
        words = re.findall(r"[^\W\d_]+", text.lower())
        known = _list().wordlist
        for number, word in enumerate(words, 1):
            if word not in known:
                near = difflib.get_close_matches(word, known, 3, 0.6)
                raise WrongRecoveryKey(
                    "Word %(number)d, “%(word)s”, is not a word of recovery keys.%(hint)s", number=number, word=word,
                    hint=f" Did you mean {' or '.join(near)}?" if near else " Compare it with the paper.",
                )
        if len(words) != WORDS:
            raise WrongRecoveryKey("A recovery key has %(wanted)d words, not %(given)d.", wanted=WORDS, given=len(words))
        if not _list().check(" ".join(words)):
            raise WrongRecoveryKey(
                "The checksum of these words is wrong: one word is another one of the list, or two are swapped. Compare them with"
                " the paper, one by one."
            )
        return cls(bytes(_list().to_entropy(words)))

    @property
    def words(self) -> list[str]:
        return _list().to_mnemonic(self._entropy).split()

    @property
    def repository_password(self) -> str:
        return self._derived("repository").hex()

    @property
    def sealing(self) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(self._derived("sealing"))

    @property
    def authority(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self._derived("authority"))

    def _derived(self, purpose: str) -> bytes:
        # The entropy is uniform and as long as the keys, so no key stretching is needed.
        return HKDF(hashes.SHA256(), 32, salt=None, info=f"folkmoot recovery key 1: {purpose}".encode()).derive(self._entropy)


@cache
def _list() -> Mnemonic:
    return Mnemonic("english")

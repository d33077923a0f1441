"""Signs the operator's letter for members, and verifies it.

The installed web app takes a letter only with a signature that leads to the recovery key of its network, so nobody who
gets hold of the place where it is published can write another one.
"""

import msgspec

from folkmoot.portability.backup_key import BackupKey, NotSigned, Signature, verify
from folkmoot.portability.names.letter import Letter

_PURPOSE = b"folkmoot lifeboat 1\n"
FILE = "lifeboat.json"


class SignedLetter(msgspec.Struct, frozen=True):
    """`lifeboat.json`. `letter` is the JSON text that was signed; `web/static/lifeboat/service-worker.js` reads it."""

    letter: str
    authority: bytes
    signature: Signature


def sign_letter(letter: Letter, key: BackupKey) -> bytes:
    text = msgspec.json.encode(letter)
    return msgspec.json.encode(SignedLetter(text.decode(), key.authority, key.sign(text, _PURPOSE)))


def verify_letter(body: bytes, authority: bytes) -> Letter:
    """The letter, signed by a host of the recovery key with this authority. Raises NotSigned."""
    try:
        signed = msgspec.json.decode(body, type=SignedLetter)
        letter = msgspec.json.decode(signed.letter, type=Letter)
    except (msgspec.DecodeError, ValueError) as error:
        raise NotSigned("it is not a letter") from error
    verify(authority, signed.letter.encode(), signed.signature, _PURPOSE)
    return letter

"""The signed end of the chain in a file outside of the database: `journal.end` in the data directory.

It detects the removal of entries from the end of the chain. Content that is not exactly what `write_end` writes counts as
damage.
"""

from pathlib import Path

import msgspec

from folkmoot.base.file_store import replace_durably
from folkmoot.base.signing import Signer
from folkmoot.moderation.journal.model import Head, SealState

_LONGEST = 1000  # bytes


class EndFileDamaged(Exception):
    """The file exists and does not contain a signed end. `state` is the kind of damage."""

    def __init__(self, state: SealState) -> None:
        super().__init__(state.reason)
        self.state = state


class _Noted(msgspec.Struct, forbid_unknown_fields=True):
    position: int
    hash: str
    signature: str


def read_end(file: Path, signer: Signer) -> Head | None:
    """The stored end; None without a file. Raises EndFileDamaged."""
    try:
        with file.open("rb") as stream:
            content = stream.read(_LONGEST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise EndFileDamaged(SealState.END_UNREADABLE) from error
    try:
        noted = msgspec.json.decode(content, type=_Noted)
        head = Head(position=noted.position, hash=bytes.fromhex(noted.hash), signature=noted.signature)
        is_ours = content == _encoded(head) and signer.is_valid(head.signed_text, head.signature)
    except ValueError as error:  # not JSON, not UTF-8, other fields, or not hexadecimal
        raise EndFileDamaged(SealState.END_DAMAGED) from error
    if not is_ours:
        raise EndFileDamaged(SealState.END_DAMAGED)
    return head


def write_end(file: Path, head: Head) -> None:
    """Replaces the file: a power failure leaves the old end or the new one."""
    replace_durably(file, file.with_suffix(".new"), _encoded(head))


def _encoded(head: Head) -> bytes:
    return msgspec.json.encode({"position": head.position, "hash": head.hash.hex(), "signature": head.signature})

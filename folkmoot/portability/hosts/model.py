"""Which hosts belong to a network, as its operator has signed it. No input or output, and no cryptography."""

from datetime import datetime

import msgspec


class Member(msgspec.Struct, frozen=True):
    """A host of the network. `id`: the SHA-256 of its certificate."""

    id: str
    name: str


class Roster(msgspec.Struct, frozen=True, kw_only=True):
    """The hosts that may write in `epoch` or a later one, until there is a roster with a higher number.

    `number`: milliseconds since 1970 when it was signed, or one more than that of the roster before, whichever is higher.
    """

    number: int
    epoch: int
    hosts: list[Member]
    signed_at: datetime

    def has(self, host: str) -> bool:
        return any(member.id == host for member in self.hosts)


class SignedRoster(msgspec.Struct, frozen=True):
    """A roster as it is kept and sent. `text` is the JSON that the recovery key has signed."""

    text: str
    signature: bytes

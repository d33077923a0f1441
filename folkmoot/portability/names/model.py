"""What a host states about itself under each of its names. No input or output."""

from datetime import datetime

import msgspec

from folkmoot.base.errors import Problem
from folkmoot.portability.backup_key import Signature
from folkmoot.portability.host import Role
from folkmoot.portability.hosts.model import SignedRoster


class NamesProblem(Problem):
    """The names of the network cannot be read or changed."""

    code = "names"


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a host record. `names`: all public addresses of the network, the one of its handles first. `host`: the id
    that other hosts know it by; "" for a host that was never paired. Unknown fields, of a newer release, are ignored."""

    domain: str
    names: list[str]
    lifeboat: str
    host: str
    role: Role
    epoch: int
    at: datetime


class HostSignature(msgspec.Struct, frozen=True):
    """The signature of a host by the key of its certificate, which the other host has pinned."""

    certificate: str
    signature: bytes


class Record(msgspec.Struct, frozen=True):
    """A host record as it is sent. `statement` is the JSON text that was signed.

    `network`: the signature of a host of the network, certified by the recovery key with this `authority`. `roster`: the hosts
    that belong to the network, as far as this one knows.
    """

    statement: str
    authority: bytes = b""
    network: Signature | None = None
    host: HostSignature | None = None
    roster: SignedRoster | None = None

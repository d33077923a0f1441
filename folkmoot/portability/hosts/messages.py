"""Messages between hosts: one asks by name with a struct, the other answers with a struct or with a problem.

A message is `POST /messages/NAME` with JSON, answered by 200 and JSON, or by 409 with `{"code", "sentence"}`. Each message
and each answer carries the epoch of its sender. Hosts of two releases understand each other: unknown fields are ignored,
new fields have defaults, and an unknown name is refused with a sentence.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import msgspec

from folkmoot.base.errors import Problem
from folkmoot.portability.hosts.model import SignedRoster

T = TypeVar("T", bound=msgspec.Struct)
EPOCH_HEADER = "folkmoot-epoch"
LARGEST_MESSAGE = 8 * 1024 * 1024
REFUSED = 409
UNKNOWN_MESSAGE = "unknown_message"


class PeerUnreachable(Problem):
    """There is no connection to the peer, or it did not answer in time."""

    code = "peer_unreachable"


class PeerRefused(Problem):
    """The peer answered with a problem. `code` and the sentence are the peer's."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__("%(sentence)s", sentence=sentence)
        self.code = code


class Refusal(msgspec.Struct, frozen=True):
    """The body of a refused message."""

    code: str
    sentence: str


class Ask(Protocol):
    """The asking side. Raises PeerUnreachable or PeerRefused."""

    async def __call__(self, name: str, content: msgspec.Struct, answer: type[T], *, seconds: float = 5) -> T: ...


@dataclass(frozen=True)
class Handler:
    """The answering side of one message. A Problem that `answer` raises is sent to the peer, with its sentence."""

    name: str
    content: type[msgspec.Struct]
    answer: Callable[[Any], Awaitable[msgspec.Struct]]


@dataclass(frozen=True)
class Content:
    """The content of a file, and its size in bytes."""

    size: int
    pieces: AsyncIterator[bytes]


@dataclass(frozen=True)
class Store:
    """Files that the peer may fetch: `GET /files/NAME/FILE`. `read` returns None if there is no such file."""

    name: str
    read: Callable[[str], Awaitable[Content | None]]


class Greeting(msgspec.Struct, frozen=True):
    """What hosts tell each other every few seconds, to know whether the channel works. The answer is a Greeting too.

    `address`: where the sender can be reached, if its operator has set it. `roster`: the one that it has.
    """

    name: str
    release: str
    address: str = ""
    roster: SignedRoster | None = None


GREETING = "hosts.greet"

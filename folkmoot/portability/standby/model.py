"""What the two hosts tell each other about the standby, and the state of the following. No input or output."""

from enum import StrEnum
from typing import Any

import msgspec

from folkmoot.portability.offsite.coming import Coming
from folkmoot.portability.synchronous import Mode

ALARM_SECONDS = 1.0  # a standby that is further behind is reported: so much would be lost with the primary


class Nothing(msgspec.Struct, frozen=True):
    """The content of a message that needs none."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a second host must know before it copies the primary. Sizes in bytes."""

    network: str
    address: str
    folkmoot: str
    schema: int
    postgresql: int  # the major version
    machine: str  # the architecture, as in `uname -m`
    epoch: int
    database_bytes: int
    media: int
    media_bytes: int


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """What the primary has prepared: a new slot, and the secrets and settings that both hosts need.

    `pictures`: after a restore of the primary, where those are that it still fetches.
    """

    slot: str
    secrets: dict[str, bytes]
    settings: dict[str, dict[str, Any]]
    pictures: Coming | None = None


class Stage(StrEnum):
    """How far a standby is."""

    NONE = "none"  # it has never been seeded
    SEEDING = "seeding"
    CATCHING_UP = "catching up"
    STREAMING = "streaming"
    AWAY = "away"  # it is not connected; the slot keeps what it needs
    LOST = "lost"  # the slot no longer has what it needs


CONNECTED = frozenset([Stage.CATCHING_UP, Stage.STREAMING])


class Following(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a standby, as one of the two hosts sees it. Times in seconds since 1970.

    `lag_seconds`: the age of the oldest write that the standby has not confirmed; 0 if it has everything.
    """

    role: str
    stage: Stage
    since: float
    measured_at: float
    lag_bytes: int = 0
    lag_seconds: float = 0.0
    media_missing: int = 0
    media_missing_bytes: int = 0
    wanted: Mode = Mode.NONE  # which writes the standby shall confirm, as the setting of the primary says
    active: Mode = Mode.NONE  # which writes wait for the standby now
    is_bound: bool = False  # whether the primary has promised the standby that no write is acknowledged without it
    is_logical: bool = False  # it receives rows instead of the log (decision 0079)
    is_replaced: bool = False  # this host took over from it by a failover, and it has not followed since

"""Which writes wait until the standby has them, as two files say: one on the primary, one on its standby (decision 0077).

`synchronous.json` on the primary says which standby must confirm what. PostgreSQL gets it as `synchronous.conf`, which is
written again at each start, so no other configuration can lose it. `bound.json` on the standby says that its primary has
promised to acknowledge no write without it. The promise is a fence: it ends only with the consent of the standby, or when
the operator of the primary says that the standby is off. Nothing here speaks with PostgreSQL or with the other host.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec

from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.hosts.peers import FILE as PEERS_FILE
from folkmoot.portability.hosts.peers import locked

CONFIGURATION = "synchronous.conf"  # in the folder of the server, included by its settings
_FILE, _BOUND = "synchronous.json", "bound.json"
_SIGNAL = "standby.signal"


class Mode(StrEnum):
    """Which writes the standby must confirm before they are acknowledged."""

    NONE = "none"
    CHOSEN = "chosen"  # accounts, log-in secrets, direct messages, all of moderation: tables that migration 0050 chooses
    ALL = "all"


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """On the primary: the standby with this slot must confirm. `number` grows with each change, so that an old message is known.

    `is_bound`: the standby may have been promised that nothing is acknowledged without it. `paused_until`: the operator is about to
    stop the standby, so that nothing is demanded before.
    """

    slot: str = ""
    mode: Mode = Mode.NONE
    number: int = 0
    is_bound: bool = False
    paused_until: datetime | None = None

    @property
    def settings(self) -> dict[str, str]:
        """For PostgreSQL. Where only chosen writes wait, their transactions say so themselves."""
        if not self.slot:
            return {}
        chosen = {"synchronous_commit": "local"} if self.mode is Mode.CHOSEN else {}
        return {"synchronous_standby_names": f"""'"{self.slot}"'""", **chosen}


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """On the standby: the last word of its primary, with the number of that. `epoch`: of this host at that time."""

    peer: str
    number: int
    epoch: int
    holds: bool


def find_demand(directory: DataDirectory) -> Demand:
    with suppress(FileNotFoundError):
        return msgspec.json.decode((directory.path / _FILE).read_bytes(), type=Demand)
    return Demand()


@contextmanager
def changing(directory: DataDirectory) -> Iterator[Demand]:
    """The demand, while no other process changes it."""
    with locked(directory, "synchronous.lock"):
        yield find_demand(directory)


def write_demand(directory: DataDirectory, demand: Demand) -> Demand:
    """Only inside `changing`. The file first: a server that starts in between knows the demand. Reloading is left to the caller."""
    demand = msgspec.structs.replace(demand, number=max(find_demand(directory).number + 1, time.time_ns() // 1_000_000))
    directory.write(directory.path / _FILE, msgspec.json.encode(demand))
    configure(directory)
    return demand


def end_demand(directory: DataDirectory, *, until: datetime | None = None) -> None:
    """No write waits for the standby any more, once PostgreSQL has read its settings again; with `until`, not before then either.
    Only if the standby does not rely on the promise, or is off for good."""
    with changing(directory) as demand:
        if demand.slot or until:
            write_demand(directory, Demand(paused_until=until))


def configure(directory: DataDirectory) -> None:
    """Writes the settings for PostgreSQL. A standby demands nothing, also when it is promoted, and nobody of a host that is no peer."""
    folder = directory.path / "postgres"
    demand = Demand() if (folder / _SIGNAL).exists() or not _is_paired(directory) else find_demand(directory)
    content = "".join(f"{name} = {value}\n" for name, value in demand.settings.items()).encode()
    file = folder / CONFIGURATION
    if not file.exists() or file.read_bytes() != content:
        directory.write(file, content)


def _is_paired(directory: DataDirectory) -> bool:
    """Whether there is a peer. Without one no agent runs that could end a wait, for example after a restore into this folder."""
    return (directory.path / PEERS_FILE).exists()


def find_bound(folder: Path) -> Bound | None:
    with suppress(FileNotFoundError):
        return msgspec.json.decode((folder / _BOUND).read_bytes(), type=Bound)
    return None


def note_bound(directory: DataDirectory, bound: Bound) -> bool:
    """Durable when this returns. Returns False for a message that is older than what is known of this peer."""
    before = find_bound(directory.path)
    if before and before.peer == bound.peer and before.number > bound.number:
        return False
    if before != bound:
        directory.write(directory.path / _BOUND, msgspec.json.encode(bound))
    return True


def forget_bound(directory: DataDirectory) -> None:
    """From now on this host does not rely on its primary. The number stays, so that an older promise is not taken for a new one."""
    if (bound := find_bound(directory.path)) and bound.holds:
        directory.write(directory.path / _BOUND, msgspec.json.encode(msgspec.structs.replace(bound, holds=False)))


def is_bound(folder: Path, peer: str, epoch: int) -> bool:
    """Whether the primary `peer` cannot have acknowledged a write that this standby does not have. `epoch`: of this host."""
    bound = find_bound(folder)
    return bound is not None and bound.holds and (bound.peer, bound.epoch) == (peer, epoch)

"""How `moot upgrade` and the running supervisor speak with each other: one file each, in `DATA/upgrade`.

The command writes an order, the supervisor writes what runs. Both survive a killed command; an order does not survive
the supervisor that it was meant for.
"""

from contextlib import suppress
from enum import StrEnum

import msgspec

from folkmoot.portability.data_directory import DataDirectory

FOLDER = "upgrade"
_ORDER, _RUNNING = "order.json", "running.json"


class Launch(msgspec.Struct, frozen=True):
    """How the code of a release is started by the user of the network. `code`: see `identity.code_of`."""

    code: str
    python: str
    variables: dict[str, str]


class Order(msgspec.Struct, frozen=True):
    """Replace the processes by those of this release, and watch them for so many seconds. Without a launch: by the supervisor's own."""

    id: str
    launch: Launch | None
    watch: float


class State(StrEnum):
    """`returned`: the new processes failed, and those before them run again."""

    STARTING = "starting"
    WATCHING = "watching"
    KEPT = "kept"
    RETURNED = "returned"


class Running(msgspec.Struct, frozen=True):
    """What runs. `code`: of the processes; `own`: of the supervisor, which also has PostgreSQL."""

    code: str
    own: str
    order: str = ""  # the last one that was carried out
    state: State = State.KEPT
    why: str = ""
    launch: Launch | None = None


def give_order(directory: DataDirectory, order: Order) -> None:
    make_folder(directory)
    directory.write(directory.path / FOLDER / _ORDER, msgspec.json.encode(order))


def find_order(directory: DataDirectory) -> Order | None:
    with suppress(FileNotFoundError, msgspec.DecodeError):
        return msgspec.json.decode((directory.path / FOLDER / _ORDER).read_bytes(), type=Order)
    return None


def forget_order(directory: DataDirectory) -> None:
    (directory.path / FOLDER / _ORDER).unlink(missing_ok=True)


def note_running(directory: DataDirectory, running: Running) -> None:
    make_folder(directory)
    directory.write(directory.path / FOLDER / _RUNNING, msgspec.json.encode(running))


def find_running(directory: DataDirectory) -> Running | None:
    with suppress(FileNotFoundError, msgspec.DecodeError):
        return msgspec.json.decode((directory.path / FOLDER / _RUNNING).read_bytes(), type=Running)
    return None


def make_folder(directory: DataDirectory) -> None:
    folder = directory.path / FOLDER
    if not folder.exists():
        folder.mkdir(mode=0o700, exist_ok=True)
        directory.set_owner(folder)

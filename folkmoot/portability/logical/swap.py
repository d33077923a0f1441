"""The order to put another server's folder in the place of the current one, carried out before PostgreSQL starts.

It is written after the old server was fenced, so it can be carried out at any later moment, also after a power failure.
"""

from contextlib import suppress
from pathlib import Path

import msgspec

from folkmoot.portability.data_directory import DataDirectory, sync_folder
from folkmoot.portability.host import Host

NEXT = "next"  # the data directory of the new server while it is made
_FILE = "swap.json"


class SwapOrder(msgspec.Struct, frozen=True):
    """`epoch`: of the new server. `kept`: the name that the old folder gets."""

    epoch: int
    kept: str


def order_swap(directory: DataDirectory, order: SwapOrder) -> None:
    directory.write(directory.path / _FILE, msgspec.json.encode(order))


def find_swap(directory: DataDirectory) -> SwapOrder | None:
    with suppress(FileNotFoundError):
        return msgspec.json.decode((directory.path / _FILE).read_bytes(), type=SwapOrder)
    return None


def swap_if_ordered(directory: DataDirectory) -> None:
    """Carries out the order, if there is one. No server may run. A killed one is repeated."""
    order = find_swap(directory)
    if order is None:
        return
    current, new, kept = directory.path / "postgres", directory.path / NEXT / "postgres", directory.path / order.kept
    if new.exists():
        if current.exists():
            _rename(current, kept)
        _rename(new, current)
    state = Host(directory.path).state
    if state.epoch < order.epoch:
        directory.write(directory.host_file, msgspec.json.encode(msgspec.structs.replace(state, epoch=order.epoch)))
    (directory.path / _FILE).unlink()


def _rename(old: Path, new: Path) -> None:
    old.rename(new)
    for folder in {old.parent, new.parent}:
        sync_folder(folder)

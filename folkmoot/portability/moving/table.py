"""The row of a table of steps: a move and a failover are one each. A driver takes the first step that is not done."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

W = TypeVar("W")  # what the driver knows


async def nothing(_work: Any) -> None:
    """A step without an action or an undo."""


@dataclass(frozen=True)
class Step(Generic[W]):
    """One row. `is_urgent`: writes are held meanwhile, so its lines in the journal are not synced one by one."""

    state: StrEnum
    sentence: str
    is_done: Callable[[W], bool]
    act: Callable[[W], Awaitable[None]]
    undo: Callable[[W], Awaitable[None]] = nothing
    is_urgent: bool = False

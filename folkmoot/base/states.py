"""Lifecycles as tables: the states of an object, and the allowed steps between them.

Declared once, in the noun's `model.py`, and checked at import. No other code assigns a state: an action calls `step`,
which refuses a step that is not in the table.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from folkmoot.base.errors import Conflict

S = TypeVar("S", bound=StrEnum)


class Lifecycle(Generic[S]):
    """The allowed steps. The first state of the table is the initial one."""

    def __init__(self, name: str, steps: Mapping[S, tuple[S, ...]]) -> None:
        """Raises ValueError for a table that lacks a state, or has one that cannot be reached."""
        self._name = name
        self._steps = dict(steps)
        self.first = next(iter(steps))
        states = set(type(self.first))
        if set(steps) != states:
            raise ValueError(f"the lifecycle of a {name} lacks {states - set(steps)}")
        reached, grown = {self.first}, True
        while grown:
            more = {after for state in reached for after in steps[state]} - reached
            reached |= more
            grown = bool(more)
        if reached != states:
            raise ValueError(f"a {name} cannot reach {states - reached}")

    def step(self, before: S, after: S) -> S:
        """The new state. Raises Conflict for a step that is not in the table."""
        if after not in self._steps[before]:
            raise Conflict(log_text=f"a {self._name} does not go from {before} to {after}")
        return after

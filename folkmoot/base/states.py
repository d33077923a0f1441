"""Lifecycles as tables: which states a thing has, and which steps lead from one to the next.

Declared once, in the noun's `model.py`, and checked when it is imported. No other code assigns a state: an action asks
for a step, and a step that is not in the table is refused.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from folkmoot.base.errors import Conflict

S = TypeVar("S", bound=StrEnum)


class Lifecycle(Generic[S]):
    """The allowed steps. The first state of the table is where a thing begins."""

    def __init__(self, name: str, steps: Mapping[S, tuple[S, ...]]) -> None:
        """Raises ValueError for a table that leaves a state out, or has one that nothing leads to."""
        self._name = name
        self._steps = dict(steps)
        self.first = next(iter(steps))
        states = set(type(self.first))
        if set(steps) != states:
            raise ValueError(f"the lifecycle of a {name} does not name {states - set(steps)}")
        reached, grown = {self.first}, True
        while grown:
            more = {after for state in reached for after in steps[state]} - reached
            reached |= more
            grown = bool(more)
        if reached != states:
            raise ValueError(f"nothing leads a {name} to {states - reached}")

    def step(self, before: S, after: S) -> S:
        """The new state. Raises Conflict for a step that is not in the table."""
        if after not in self._steps[before]:
            raise Conflict(log_text=f"a {self._name} does not go from {before} to {after}")
        return after

"""Where accounts stand on the axis of the two camps, and what follows for jurors and authors. Without numpy: whoever draws needs no fit."""

import hashlib
from collections.abc import Mapping

import msgspec

from folkmoot.moderation.jury.model import Camp

CLEARLY = 0.5  # of the typical distance from the middle: closer accounts have no side


class Positions(msgspec.Struct, frozen=True):
    """Beyond zero is Camp.TWO. Accounts without data have no position. The typical distance is 1."""

    of: Mapping[int, float]

    def camp(self, account_id: int, seed: str = "") -> Camp:
        """Of a juror, who always has one: without a position it is a random half, the same one at each call."""
        if account_id in self.of:
            return Camp.TWO if self.of[account_id] > 0 else Camp.ONE
        return Camp(hashlib.sha256(f"{seed} {account_id}".encode()).digest()[0] % 2)

    def side(self, account_id: int) -> Camp | None:
        """Of an author: None near the middle and without data."""
        place = self.of.get(account_id, 0.0)
        return None if abs(place) < CLEARLY else self.camp(account_id)

"""Pages of a list that is ordered by one indexed id, newest first.

`max_id` selects older items. `since_id` selects the newest items above a bound, `min_id` those directly after it; both
are returned newest first. Offsets are never used: new items would shift them.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from folkmoot.base.ids import MAX_ID

Row = TypeVar("Row", bound=Any)


class Page(msgspec.Struct, frozen=True):
    """The requested part of a list. All bounds are exclusive."""

    limit: int = 20
    max_id: int | None = None
    since_id: int | None = None
    min_id: int | None = None

    @property
    def below(self) -> int:
        return MAX_ID if self.max_id is None else self.max_id

    @property
    def above(self) -> int:
        bound = self.min_id if self.min_id is not None else self.since_id
        return 0 if bound is None else bound

    @property
    def order(self) -> str:
        """`DESC`, or `ASC` for the page directly after `min_id`. Safe to put into SQL."""
        return "DESC" if self.min_id is None else "ASC"

    def newest_first(self, rows: Sequence[Row]) -> list[Row]:
        """The rows of a query in this page's `order`, newest first."""
        return list(rows) if self.min_id is None else list(reversed(rows))

"""The texts of new posts, for those who examine them: the detector, the lists and the rules hear of a post one after the other, and
read it once.

An edited post is always read anew, whatever was read before.
"""

from collections.abc import Iterable
from typing import NamedTuple

from folkmoot.base import clock
from folkmoot.base.db import ReadConn
from folkmoot.moderation.detection.model import ExaminedText
from folkmoot.moderation.detection.queries import list_post_texts_unscoped

_KEPT_SECONDS = 1.0  # who hears of a post again later, after a failure, reads it again
_MOST_KEPT = 1000


class Wanted(NamedTuple):
    """A post to be examined. `is_edited`: a later version of it than the first."""

    post_id: int
    is_edited: bool = False


class NewTexts:
    """Texts that were read a moment ago, oldest first. None: there is nothing to examine."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[float, ExaminedText | None]] = {}

    async def read(self, conn: ReadConn, wanted: Iterable[Wanted]) -> list[ExaminedText]:
        """The texts of these posts, each once; without boosts, private messages and deleted posts."""
        is_edited: dict[int, bool] = {}
        for one in wanted:
            is_edited[one.post_id] = one.is_edited or is_edited.get(one.post_id, False)
        now = clock.monotonic()
        known = {
            post_id: self._kept[post_id][1] for post_id, edited in is_edited.items()
            if not edited and post_id in self._kept and now - self._kept[post_id][0] <= _KEPT_SECONDS
        }
        missing = [post_id for post_id in is_edited if post_id not in known]
        if missing:
            found = {text.subject_id: text for text in await list_post_texts_unscoped(conn, missing)}
            known |= {post_id: found.get(post_id) for post_id in missing}
            self._keep(missing, known, now)
        return [text for post_id in is_edited if (text := known[post_id])]

    def _keep(self, post_ids: list[int], texts: dict[int, ExaminedText | None], now: float) -> None:
        for post_id in post_ids:
            self._kept.pop(post_id, None)
            self._kept[post_id] = now, texts[post_id]
        while len(self._kept) > _MOST_KEPT:
            del self._kept[next(iter(self._kept))]

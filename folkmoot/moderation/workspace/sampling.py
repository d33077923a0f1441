"""What a moderator reads of the daily sample, for the page and the client API: one post at a time, without its author."""

from typing import NamedTuple

from folkmoot.base.db import ReadConn
from folkmoot.moderation.cases.policy import require_moderator
from folkmoot.moderation.detection.queries import list_post_texts_unscoped
from folkmoot.moderation.learning.model import Sample
from folkmoot.moderation.learning.queries import count_samples, find_waiting
from folkmoot.moderation.workspace.masking import Masks
from folkmoot.network.sessions.model import Viewer


class NextSample(NamedTuple):
    """`text`: with letters instead of names; `left`: how many wait for this moderator, with this one."""

    sample: Sample | None
    text: str
    left: int


async def read_sample(conn: ReadConn, moderator: Viewer) -> NextSample:
    """The oldest sample that waits. Moderators."""
    require_moderator(moderator)
    sample = await find_waiting(conn, moderator.id)
    if sample is None:
        return NextSample(None, "", 0)
    text = "\n".join(one.text for one in await list_post_texts_unscoped(conn, [sample.post_id]))
    return NextSample(sample, Masks("").mask(text), await count_samples(conn, moderator.id))

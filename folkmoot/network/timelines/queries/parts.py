"""What all statements of timelines have in common: the columns of a source, the page around it, and the timeline of its rows."""

from collections.abc import Sequence

from folkmoot.base.db import Row
from folkmoot.base.paging import Page
from folkmoot.network.posts.queries.quoting import may_quote_sql
from folkmoot.network.posts.visibility import visible_sql
from folkmoot.network.timelines.model import Entry, Timeline

ORDERS = ("ASC", "DESC")
# The columns of a source: a post `p`, and the shown post, which is the boosted one (`o`, outer joined) or `p` itself.
COLUMNS = """
    p.id, p.account_id, p.visibility, p.effect, p.boost_of_id, coalesce(o.id, p.id) AS shown_id,
    coalesce(o.version, p.version) AS shown_version, coalesce(o.account_id, p.account_id) AS shown_account_id,
    coalesce(o.visibility, p.visibility) AS shown_visibility, coalesce(o.effect, p.effect) AS shown_effect,
    coalesce(o.quote_policy, p.quote_policy) AS shown_quote_policy
"""
ORIGINAL = "LEFT JOIN posts AS o ON o.id = p.boost_of_id"
_entry = tuple.__new__  # takes half the time of Entry(*row), in the most frequent request


def page_sql(source: str, order: str, *, is_home: bool = False, floor: str = ", 0, 0", reader: str = "$1") -> str:
    """`source` selects `COLUMNS` in `order`, with $1 the viewer, $2 and $3 the bounds and $4 the limit.

    With `is_home`, the viewer follows the author or booster of each post, or is that account, or the source has checked that the
    author does not block the viewer. `floor`: the last two columns of an Entry, or what the caller does not add.
    """
    shown = visible_sql("s", "sa", reader, followed="p.boost_of_id IS NULL" if is_home else "")
    boost = visible_sql("p", "a", reader, followed="true" if is_home else "")
    return f"""
        SELECT p.id, coalesce(a.version, sa.version), s.id, s.version, sa.version,
               coalesce(c.replies, 0), coalesce(c.boosts, 0), coalesce(c.favourites, 0), coalesce(c.quotes, 0),
               coalesce(m.bits, 0) | {may_quote_sql("s", f"{reader}::bigint")}, m.choices,
               {shown} AND (p.boost_of_id IS NULL OR s.id <> p.id AND {boost}){floor}
        FROM ({source}) AS p
        CROSS JOIN LATERAL (
            SELECT p.shown_id AS id, p.shown_version AS version, p.shown_account_id AS account_id,
                   p.shown_visibility AS visibility, p.shown_effect AS effect, p.shown_quote_policy AS quote_policy) AS s
        JOIN accounts AS sa ON sa.id = s.account_id
        LEFT JOIN accounts AS a ON a.id = CASE WHEN p.boost_of_id IS NOT NULL THEN p.account_id END
        LEFT JOIN post_counts AS c ON c.post_id = s.id
        LEFT JOIN marks AS m ON m.account_id = {reader} AND m.post_id = s.id
        ORDER BY p.id {order}
    """


def timeline_of(rows: Sequence[Row], page: Page, *, is_partial: bool = False) -> Timeline:
    """The entries that the viewer may see, newest first; a post with several boosts appears once, at the newest."""
    kept: dict[int, Entry] = {}  # by the post that is shown
    ids: list[int] = []
    for row in page.newest_first(rows):
        ids.append(row[0])
        if row[11] and row[2] not in kept:
            kept[row[2]] = _entry(Entry, row)
    return Timeline(list(kept.values()), ids, is_partial)

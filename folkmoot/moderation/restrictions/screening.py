"""Holds posts that a hash list knows exactly, before anybody else sees them.

Called by `create_post` in its transaction (`network/posts/screening.py`). The post is stored and hidden, its case is opened
and its author gets a statement, so that a wrong list never silences anybody without a decision by people (decision 0086).
"""

from folkmoot.base.db import WriteTx
from folkmoot.moderation.clauses.published import clause_of
from folkmoot.moderation.detection.queries import list_post_texts_unscoped
from folkmoot.moderation.hash_lists.actions import raise_matches
from folkmoot.moderation.hash_lists.matching import find_matches, sought_in
from folkmoot.moderation.hash_lists.queries import MAY_HOLD, list_files_unscoped
from folkmoot.moderation.restrictions.actions import impose_restriction
from folkmoot.moderation.restrictions.model import Kind
from folkmoot.moderation.statements.actions import tell_statement
from folkmoot.network.posts.screening import Screener


async def _hold_known(tx: WriteTx, post_id: int) -> bool:
    """Hides a new post whose file, text or address is on a list that holds, until a moderator has decided. Private messages
    are never examined."""
    text = next(iter(await list_post_texts_unscoped(tx, [post_id])), None)
    if text is None:
        return False
    pictures = (await list_files_unscoped(tx, [post_id])).get(post_id, [])
    matches = [match for match in await find_matches(tx, sought_in(text, [one for hashes, _ in pictures for one in hashes]))
               if match.is_holding]
    case = await raise_matches(tx, text, matches)
    if case is None:
        return False
    statement = await impose_restriction(tx, case, Kind.HIDE, clause_of(matches[0].entry.clause))
    await tell_statement(tx, statement)
    return True


hold_known = Screener(MAY_HOLD, _hold_known)

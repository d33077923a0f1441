"""All SQL of conversations."""

from collections.abc import Mapping, Sequence

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.base.paging import Page
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.accounts.queries import list_accounts
from folkmoot.network.conversations.model import Conversation, ConversationLine
from folkmoot.network.notifications.model import Kind, Treatment
from folkmoot.network.notifications.queries.treatment import treatment_sql
from folkmoot.network.posts.model import PostView, Visibility
from folkmoot.network.posts.queries import list_post_views
from folkmoot.network.posts.visibility import visible_sql
from folkmoot.network.relations.queries import domain_blocked_sql

_TREATMENT = treatment_sql("np", "people.account_id", "sender", f"'{Kind.MENTION}'::text", "post")
COUNTED = 200  # conversations, the newest, among which unread ones are counted


# SQL: the unread conversations among the viewer's ($1) newest ones that the viewer has not muted, with a message that the
# viewer may see, of an account that the viewer has neither muted nor blocked.
UNREAD = f"""
    SELECT FROM (
        SELECT conversation_id, last_post_id, is_unread FROM conversations
        WHERE account_id = $1 AND NOT is_put_away ORDER BY last_post_id DESC LIMIT {COUNTED}) AS c
    WHERE c.is_unread
      AND NOT EXISTS (SELECT FROM muted_conversations AS m WHERE m.account_id = $1 AND m.conversation_id = c.conversation_id)
      AND EXISTS (
        SELECT FROM posts AS p JOIN accounts AS a ON a.id = p.account_id
        WHERE p.conversation_id = c.conversation_id AND p.id <= c.last_post_id AND p.visibility = {Visibility.DIRECT:d}
          AND p.account_id <> $1 AND {visible_sql("p", "a", "$1")}
          AND NOT EXISTS (SELECT FROM blocks WHERE blocks.account_id = $1 AND blocks.target_id = p.account_id)
          AND NOT {domain_blocked_sql("$1", "a.domain")}
          AND NOT EXISTS (SELECT FROM mutes WHERE mutes.account_id = $1 AND mutes.target_id = p.account_id
                          AND (mutes.expires_at IS NULL OR mutes.expires_at > now())))
"""


async def list_lines(conn: ReadConn, viewer_id: int, page: Page, *, is_put_away: bool = False) -> list[ConversationLine]:
    """The conversations in the list, or those that the viewer has put away; newest first. Uses the index conversations_newest.

    Conversations without a message that the viewer may see now are left out.
    """
    rows = await conn.fetch(
        f"""
        SELECT c.conversation_id, c.last_post_id,
            ARRAY(SELECT id FROM accounts WHERE id = ANY (c.participant_ids) AND effect < {AccountEffect.SUSPENDED:d} ORDER BY id),
            c.is_unread, shown.id
        FROM conversations AS c
        CROSS JOIN LATERAL (
            SELECT p.id FROM posts AS p JOIN accounts AS a ON a.id = p.account_id
            WHERE p.conversation_id = c.conversation_id AND p.id <= c.last_post_id AND p.visibility = {Visibility.DIRECT:d}
              AND {visible_sql("p", "a", "$1")}
            ORDER BY p.id DESC LIMIT 1
        ) AS shown
        WHERE c.account_id = $1 AND c.last_post_id < $2 AND c.last_post_id > $3 AND c.is_put_away = $5
        ORDER BY c.last_post_id {page.order} LIMIT $4
        """,
        viewer_id, page.below, page.above, page.limit, is_put_away,
    )
    return [ConversationLine(*row) for row in page.newest_first(rows)]


async def list_conversations(conn: ReadConn, viewer_id: int, page: Page) -> list[tuple[int, Conversation]]:
    """(id of the last post, conversation) of those in the list, newest first: four statements."""
    lines = await list_lines(conn, viewer_id, page)
    people = await list_accounts(conn, [id_ for line in lines for id_ in line.people_ids])
    return joined(lines, people, await list_post_views(conn, [line.shown_id for line in lines], viewer_id))


def joined(lines: Sequence[ConversationLine], people: Mapping[int, Account], views: Sequence[PostView]) -> list[tuple[int, Conversation]]:
    """(id of the last post, conversation) of the lines whose message is among these."""
    posts = {view.post.id: view for view in views}
    return [
        (line.last_post_id, Conversation(
            id=line.id,
            people=tuple(people[id_] for id_ in line.people_ids if id_ in people),
            last_post=posts[line.shown_id],
            is_unread=line.is_unread,
        ))
        for line in lines
        if line.shown_id in posts
    ]


async def get_conversation(conn: ReadConn, viewer_id: int, conversation_id: int) -> Conversation:
    """Raises NotFound unless it is in the viewer's list, and the viewer may see one of its posts."""
    last = await conn.fetchval(
        "SELECT last_post_id FROM conversations WHERE account_id = $1 AND conversation_id = $2", viewer_id, conversation_id
    )
    if last is None:
        raise NotFound
    found = await list_conversations(conn, viewer_id, Page(limit=1, max_id=last + 1, since_id=last - 1))
    if not found:  # between the two statements a post was added, or the last one deleted
        raise NotFound
    return found[0][1]


async def list_message_ids(conn: ReadConn, viewer_id: int, conversation_id: int, page: Page) -> list[int]:
    """The direct posts of a conversation that the viewer may see, newest first. Uses the index posts_conversation."""
    rows = await conn.fetch(
        f"""
        SELECT p.id FROM posts AS p JOIN accounts AS a ON a.id = p.account_id
        WHERE p.conversation_id = $2 AND p.visibility = {Visibility.DIRECT:d} AND p.id < $3 AND p.id > $4
          AND {visible_sql("p", "a", "$1")}
        ORDER BY p.id {page.order} LIMIT $5
        """,
        viewer_id, conversation_id, page.below, page.above, page.limit,
    )
    return page.newest_first([row["id"] for row in rows])


async def find_conversation_with(conn: ReadConn, viewer_id: int, account_id: int) -> int | None:
    """The viewer's newest conversation with this account alone, in the list or put away."""
    value = await conn.fetchval(
        "SELECT conversation_id FROM conversations WHERE account_id = $1 AND participant_ids = ARRAY[$2]::bigint[]"
        " ORDER BY last_post_id DESC LIMIT 1",
        viewer_id, account_id,
    )
    return int(value) if value else None


async def is_conversation_unread(conn: ReadConn, viewer_id: int, conversation_id: int) -> bool:
    return bool(await conn.fetchval(
        "SELECT is_unread FROM conversations WHERE account_id = $1 AND conversation_id = $2", viewer_id, conversation_id
    ))


async def update_unread(tx: WriteTx, viewer_id: int, conversation_id: int, is_unread: bool) -> bool:
    return bool(await tx.execute(
        "UPDATE conversations SET is_unread = $3 WHERE account_id = $1 AND conversation_id = $2 AND NOT is_put_away",
        viewer_id, conversation_id, is_unread,
    ))


async def is_conversation_put_away(conn: ReadConn, viewer_id: int, conversation_id: int) -> bool:
    return bool(await conn.fetchval(
        "SELECT is_put_away FROM conversations WHERE account_id = $1 AND conversation_id = $2", viewer_id, conversation_id
    ))


async def update_put_away(tx: WriteTx, viewer_id: int, conversation_id: int, is_put_away: bool) -> bool:
    """Puts a conversation away, which is then read, or back; returns False if there is none, or nothing changes."""
    return bool(await tx.execute(
        "UPDATE conversations SET is_put_away = $3, is_unread = is_unread AND NOT $3"
        " WHERE account_id = $1 AND conversation_id = $2 AND is_put_away <> $3",
        viewer_id, conversation_id, is_put_away,
    ))


async def refresh_after_post(tx: WriteTx, post_id: int, newcomer_ids: Sequence[int] | None = None) -> list[tuple[int, int]]:
    """Adds a direct post to the conversations of its author and of the mentioned accounts. Returns (account id, conversation
    id) of those in the list that have changed, for accounts that have neither muted nor blocked the author.

    A message whose notification is filtered or dropped for an account does not change that account's conversations.
    A new message brings back a conversation that was put away. With `newcomer_ids`, only these get the conversation if they do
    not have it. May run twice and in any order. The lock makes a deletion wait, so that its own job finds the rows written here.
    """
    rows = await tx.fetch(
        f"""
        WITH post AS (
            SELECT id, account_id, conversation_id, visibility FROM posts WHERE id = $1 AND visibility = {Visibility.DIRECT:d} FOR KEY SHARE
        ), people AS (
            SELECT account_id FROM post UNION SELECT mentions.account_id FROM mentions, post WHERE mentions.post_id = post.id
        ), changed AS (
        INSERT INTO conversations (account_id, conversation_id, last_post_id, participant_ids, is_unread)
        SELECT people.account_id, post.conversation_id, post.id,
            ARRAY(SELECT other.account_id FROM people AS other WHERE other.account_id <> people.account_id ORDER BY 1),
            people.account_id <> post.account_id
        FROM post JOIN accounts AS sender ON sender.id = post.account_id CROSS JOIN people
        JOIN logins ON logins.account_id = people.account_id
        LEFT JOIN notification_policies AS np ON np.account_id = people.account_id
        WHERE (people.account_id = post.account_id OR {_TREATMENT} = {Treatment.ACCEPT:d})
          AND ($2::bigint[] IS NULL OR people.account_id = ANY ($2) OR EXISTS (
            SELECT FROM conversations AS c WHERE c.account_id = people.account_id AND c.conversation_id = post.conversation_id))
        ON CONFLICT (account_id, conversation_id) DO UPDATE
            SET last_post_id = greatest(conversations.last_post_id, excluded.last_post_id),
                is_unread = CASE WHEN conversations.last_post_id < excluded.last_post_id THEN excluded.is_unread
                                 ELSE conversations.is_unread END,
                is_put_away = conversations.is_put_away AND conversations.last_post_id >= excluded.last_post_id,
                participant_ids = ARRAY(
                    SELECT DISTINCT id FROM unnest(conversations.participant_ids || excluded.participant_ids) AS id ORDER BY id)
            WHERE conversations.last_post_id < excluded.last_post_id
               OR NOT conversations.participant_ids @> excluded.participant_ids
        RETURNING account_id, conversation_id, is_put_away
        )
        SELECT changed.account_id, changed.conversation_id FROM changed, post JOIN accounts AS sender ON sender.id = post.account_id
        WHERE NOT changed.is_put_away AND NOT {domain_blocked_sql("changed.account_id", "sender.domain")}
          AND NOT EXISTS (SELECT FROM mutes WHERE mutes.account_id = changed.account_id AND mutes.target_id = post.account_id
                          AND (mutes.expires_at IS NULL OR mutes.expires_at > now()))
          AND NOT EXISTS (SELECT FROM blocks WHERE blocks.account_id = changed.account_id AND blocks.target_id = post.account_id)
        """,
        post_id, newcomer_ids if newcomer_ids is None else list(newcomer_ids),
    )
    return [(row["account_id"], row["conversation_id"]) for row in rows]


async def refresh_after_deletion(tx: WriteTx, post_ids: Sequence[int]) -> list[int]:
    """Sets the previous post as the last one of conversations that end with one of these deleted posts; deletes empty
    conversations. Returns the new last posts. Uses the index conversations_last_post."""
    rows = await tx.fetch(
        f"""
        WITH stale AS (
            SELECT c.account_id, c.conversation_id, (
                SELECT max(p.id) FROM posts AS p
                WHERE p.conversation_id = c.conversation_id AND p.visibility = {Visibility.DIRECT:d}
                  AND (p.account_id = c.account_id OR EXISTS (
                       SELECT FROM mentions WHERE mentions.account_id = c.account_id AND mentions.post_id = p.id))
            ) AS last_post_id
            FROM conversations AS c WHERE c.last_post_id = ANY ($1::bigint[])
        ), deleted AS (
            DELETE FROM conversations AS c USING stale
            WHERE stale.last_post_id IS NULL AND c.account_id = stale.account_id AND c.conversation_id = stale.conversation_id
        )
        UPDATE conversations AS c SET last_post_id = stale.last_post_id FROM stale
        WHERE stale.last_post_id IS NOT NULL AND c.account_id = stale.account_id AND c.conversation_id = stale.conversation_id
        RETURNING c.last_post_id
        """,
        list(post_ids),
    )
    return [row["last_post_id"] for row in rows]


async def list_deleted(tx: WriteTx, post_ids: Sequence[int]) -> list[int]:
    """Which of these posts have been deleted. The others are locked against deletion until the transaction ends."""
    rows = await tx.fetch("SELECT id FROM posts WHERE id = ANY ($1::bigint[]) ORDER BY id FOR KEY SHARE", list(post_ids))
    return sorted(set(post_ids) - {row["id"] for row in rows})


async def forget_participant(tx: WriteTx, account_id: int) -> None:
    """Deletes the conversations of an account that leaves, and removes it from those of others. Uses the index
    conversations_participants."""
    await tx.execute("DELETE FROM conversations WHERE account_id = $1", account_id)
    await tx.execute(
        "UPDATE conversations SET participant_ids = array_remove(participant_ids, $1::bigint) WHERE participant_ids @> ARRAY[$1::bigint]",
        account_id,
    )

"""Writing a post. The most frequent write of a network: one statement for the post and all that belongs to it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from folkmoot.base import clock, formatting, ids
from folkmoot.base.db import Database, ReadConn, WriteTx
from folkmoot.base.errors import Conflict, FieldError, Invalid
from folkmoot.base.text import clean, clean_line, search_words
from folkmoot.network.accounts.model import Account
from folkmoot.network.accounts.queries import list_accounts_by_name
from folkmoot.network.counters import Counter
from folkmoot.network.posts.model import (
    Mention,
    Picture,
    Poll,
    PollDraft,
    Post,
    PostCreated,
    PostDraft,
    PostView,
    Visibility,
)
from folkmoot.network.posts.policy import require_can_write
from folkmoot.network.posts.queries import get_post_view
from folkmoot.network.posts.screening import Screener, let_pass

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4})?")
_TRIES = 8
LONGEST_STORED = 50_000  # as the schema says: addresses count as 23 characters, but they are kept whole
LONGEST_COVER = 5_000


@dataclass(frozen=True)
class PostLimits:
    """How large a post may be. Times in seconds."""

    max_characters: int = 500
    max_pictures: int = 4
    max_options: int = 4
    max_option_characters: int = 50
    shortest_poll: int = 300
    longest_poll: int = 2_629_746
    base_url: str = ""


async def create_post(
    tx: WriteTx, author: Account, draft: PostDraft, limits: PostLimits, *, screener: Screener = let_pass, at: datetime | None = None
) -> PostView:
    """Publishes a post, at once or (`at`, for imports) dated back.

    An idempotency key that was used within the hour gives the post that it made. Tells post.created. Raises Invalid
    with every field that is wrong, NotFound when the answered post is not for the author, Forbidden.
    """
    require_can_write(author)
    draft = cleaned(draft)
    errors = draft_errors(draft, limits)
    if errors:
        raise Invalid(*errors)
    if draft.idempotency_key:
        earlier = await _find_earlier(tx, author, draft.idempotency_key)
        if earlier:
            return await get_post_view(tx, earlier, author.id)
    refusal = await screener(draft)
    if refusal:
        raise Invalid(FieldError("text", "refused", refusal))
    parent = (await get_post_view(tx, draft.reply_to_id, author.id)).shown if draft.reply_to_id else None
    people = await mentioned_people(tx, author, draft.text)
    pictures = await _own_pictures(tx, author, draft.media_ids)

    now = at or clock.now()
    post = _composed(author, draft, parent, people, pictures, limits, now)
    post = await _insert(tx, post, people, draft)
    if draft.media_ids:
        await tx.execute(
            "UPDATE media SET post_id = $1, position = array_position($2::bigint[], id) WHERE id = ANY ($2::bigint[])",
            post.id, list(draft.media_ids),
        )

    tx.tell(PostCreated(
        post_id=post.id, account_id=author.id, visibility=post.visibility, origin_id=author.id,
        reply_to_account_id=post.reply_to_account_id, mentioned_ids=tuple(account.id for account in people),
    ))
    return PostView(post=post)


def draft_errors(draft: PostDraft, limits: PostLimits) -> list[FieldError]:
    """What is wrong with a draft, as far as it can be seen without the database."""
    errors = []
    if not draft.text and not draft.media_ids and not draft.poll:
        errors.append(FieldError("text", "blank", "There is nothing to publish yet."))
    length = len(draft.text) + len(draft.cover)
    if len(draft.text) <= LONGEST_STORED:  # more is too long however it is counted
        length = formatting.count_characters(draft.text) + len(draft.cover)
    if length > limits.max_characters or len(draft.cover) > LONGEST_COVER:
        over = max(1, length - limits.max_characters)
        errors.append(FieldError("text", "too_long", "The text is too long by %(over)d.", {"over": over}))
    if len(draft.media_ids) > limits.max_pictures:
        errors.append(FieldError("media_ids", "too_many", "A post has at most %(limit)d pictures.", {"limit": limits.max_pictures}))
    if draft.media_ids and draft.poll:
        errors.append(FieldError("poll", "invalid", "A post has pictures or a poll, not both."))
    if draft.language and not _LANGUAGE.fullmatch(draft.language):
        errors.append(FieldError("language", "invalid", "This is not a language that we know."))
    if draft.idempotency_key and len(draft.idempotency_key) > 200:
        errors.append(FieldError("idempotency_key", "too_long", "The Idempotency-Key is too long."))
    return errors + (_poll_errors(draft.poll, limits) if draft.poll else [])


def _poll_errors(poll: PollDraft, limits: PostLimits) -> list[FieldError]:
    errors = []
    if len(poll.titles) < 2:
        errors.append(FieldError("poll", "too_few", "A poll has at least two answers."))
    if len(poll.titles) > limits.max_options:
        errors.append(FieldError("poll", "too_many", "A poll has at most %(limit)d answers.", {"limit": limits.max_options}))
    longest = limits.max_option_characters
    if any(len(title) > longest for title in poll.titles):
        errors.append(FieldError("poll", "too_long", "An answer has at most %(limit)d characters.", {"limit": longest}))
    if len(set(poll.titles)) < len(poll.titles) or not all(poll.titles):
        errors.append(FieldError("poll", "invalid", "The answers of a poll are all different, and none is empty."))
    if not limits.shortest_poll <= poll.expires_in <= limits.longest_poll:
        errors.append(FieldError("poll", "inclusion", "A poll lasts from five minutes to a month."))
    return errors


def cleaned(draft: PostDraft) -> PostDraft:
    poll = draft.poll
    if poll:
        poll = msgspec.structs.replace(poll, titles=tuple(clean_line(title) for title in poll.titles))
    return msgspec.structs.replace(
        draft, text=clean(draft.text), cover=clean_line(draft.cover), poll=poll, media_ids=tuple(dict.fromkeys(draft.media_ids))
    )


async def _find_earlier(tx: WriteTx, author: Account, key: str) -> int | None:
    """The post that this key made within the hour. Two requests at once wait for each other here."""
    await tx.fetchval("SELECT pg_advisory_xact_lock(hashtextextended($1, 7020))", f"{author.id}:{key}")
    value = await tx.fetchval(
        "SELECT post_id FROM idempotency_keys WHERE account_id = $1 AND key = $2 AND created_at > now() - interval '1 hour'",
        author.id, key,
    )
    return int(value) if value else None


async def forget_keys(database: Database) -> None:
    """Drops idempotency keys that are too old to matter. By the clock."""
    async with database.write() as tx:
        await tx.execute("DELETE FROM idempotency_keys WHERE created_at < now() - interval '1 day'")


async def mentioned_people(conn: ReadConn, author: Account, text: str) -> list[Account]:
    """Known accounts that the text names, without those that have blocked the author."""
    names = formatting.mentions_of(text) if "@" in text else []
    if not names:
        return []
    accounts = await list_accounts_by_name(conn, names[:100])
    blocking = await conn.fetch(
        "SELECT account_id FROM blocks WHERE target_id = $1 AND account_id = ANY ($2::bigint[])",
        author.id, [account.id for account in accounts],
    )
    unwilling = {row["account_id"] for row in blocking}
    return [account for account in accounts if account.id not in unwilling]


async def _own_pictures(conn: ReadConn, author: Account, media_ids: Sequence[int]) -> tuple[Picture, ...]:
    """The author's uploads that no post has yet. Raises Invalid when one is not."""
    if not media_ids:
        return ()
    rows = await conn.fetch(
        "SELECT id, key, kind, mime, description, focus_x, focus_y, blurhash, width, height, preview_width, preview_height"
        " FROM media WHERE id = ANY ($1::bigint[]) AND account_id = $2 AND post_id IS NULL AND purpose = 'attachment' FOR UPDATE",
        list(media_ids), author.id,
    )
    if len(rows) != len(media_ids):
        raise Invalid(FieldError("media_ids", "invalid", "One of the pictures is not there, or belongs to another post."))
    found = {row["id"]: Picture(**dict(row)) for row in rows}
    return tuple(found[id_] for id_ in media_ids)


def _composed(
    author: Account, draft: PostDraft, parent: Post | None, people: list[Account], pictures: tuple[Picture, ...],
    limits: PostLimits, now: datetime,
) -> Post:
    shard = ids.shard_of(author.id)
    id_ = ids.make_id(shard, now)
    return Post(
        id=id_, author=author, visibility=draft.visibility or Visibility.PUBLIC,
        reply_to_id=parent.id if parent else None, reply_to_account_id=parent.author.id if parent else None,
        conversation_id=parent.conversation_id if parent else id_,
        text=draft.text, html=rendered(draft.text, people, limits.base_url), cover=draft.cover,
        is_sensitive=draft.is_sensitive or bool(draft.cover), language=draft.language,
        mentions=tuple(Mention(account.id, account.username, account.domain) for account in people),
        hashtags=tuple(map(formatting.hashtag_key, formatting.hashtags_of(draft.text))), pictures=pictures,
        poll=new_poll(author, draft.poll, now) if draft.poll else None, created_at=now,
    )


def new_poll(author: Account, draft: PollDraft, now: datetime) -> Poll:
    """A poll without votes, under an id of its own."""
    return Poll(
        id=ids.make_id(ids.shard_of(author.id), now), titles=draft.titles, votes=(0,) * len(draft.titles), voters=0,
        is_multiple=draft.is_multiple, hides_totals=draft.hides_totals, expires_at=now + timedelta(seconds=draft.expires_in),
    )


def rendered(text: str, people: Sequence[Account], base_url: str) -> str:
    """The HTML of a post's text; `people` are those whose mentions become links."""
    known = {(account.username.lower(), account.domain): account.url or f"{base_url}/@{account.acct}" for account in people}
    return formatting.render(text, base_url=base_url, mention_url=lambda name, domain: known.get((name, domain)))


# One statement: the post, its mentions and hashtags, what it counts for, its poll, its key. Every part is a set, so
# that a plain post costs next to nothing more.
_INSERT = """
    WITH post AS (
        INSERT INTO posts (id, account_id, visibility, reply_to_id, reply_to_account_id, conversation_id, text, html, cover,
            is_sensitive, language, mentions, hashtags, media_count, poll_id, app_id, search, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, array_to_tsvector($17), $18)
        ON CONFLICT (id) DO NOTHING RETURNING id
    ), mentioned AS (
        INSERT INTO mentions (account_id, post_id) SELECT account_id, post.id FROM post, unnest($19::bigint[]) AS account_id
    ), known AS (
        INSERT INTO hashtags (key, name) SELECT t.key, t.name FROM post, unnest($13::text[], $20::text[]) AS t (key, name)
        ON CONFLICT DO NOTHING
    ), tagged AS (
        INSERT INTO post_hashtags (key, post_id) SELECT key, post.id FROM post, unnest($13::text[]) AS key
    ), counted AS (
        INSERT INTO counter_deltas (subject_id, counter, delta)
        SELECT t.subject, t.counter, 1 FROM post, unnest($21::bigint[], $22::smallint[]) AS t (subject, counter)
    ), remembered AS (
        INSERT INTO idempotency_keys (account_id, key, post_id, created_at)
        SELECT $2, $23, post.id, now() FROM post WHERE $23::text IS NOT NULL
        ON CONFLICT (account_id, key) DO UPDATE SET post_id = excluded.post_id, created_at = excluded.created_at
    )
    SELECT id FROM post
"""


async def _insert(tx: WriteTx, post: Post, people: Sequence[Account], draft: PostDraft) -> Post:
    """Stores a post; draws another id while its own is taken."""
    counted = [(post.author.id, Counter.ACCOUNT_POSTS)]
    if post.reply_to_id:
        counted.append((post.reply_to_id, Counter.POST_REPLIES))
    for _ in range(_TRIES):
        stored = await tx.fetchval(
            _INSERT, post.id, post.author.id, post.visibility, post.reply_to_id, post.reply_to_account_id, post.conversation_id,
            post.text, post.html, post.cover, post.is_sensitive, post.language, msgspec.json.encode(post.mentions).decode(),
            list(post.hashtags), len(post.pictures), post.poll.id if post.poll else None, draft.app_id, search_words_of(post),
            post.created_at, [account.id for account in people], formatting.hashtags_of(post.text),
            [subject for subject, _ in counted], [int(counter) for _, counter in counted], draft.idempotency_key,
        )
        if stored:
            if post.poll:
                await insert_poll(tx, post)
            return post
        other = ids.make_id(ids.shard_of(post.author.id), post.created_at)
        post = msgspec.structs.replace(post, id=other, conversation_id=post.conversation_id if post.reply_to_id else other)
    raise Conflict(log_text="no free id within the millisecond")


async def insert_poll(tx: WriteTx, post: Post) -> None:
    poll = post.poll
    assert poll is not None
    await tx.execute(
        "INSERT INTO polls (id, post_id, account_id, titles, votes, is_multiple, hides_totals, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        poll.id, post.id, post.author.id, list(poll.titles), list(poll.votes), poll.is_multiple, poll.hides_totals, poll.expires_at,
    )


def search_words_of(post: Post) -> list[str] | None:
    """What search finds a post by: folded words, cover and answers; direct posts are not searched."""
    if post.visibility == Visibility.DIRECT:
        return None
    titles = " ".join(post.poll.titles) if post.poll else ""
    described = " ".join(picture.description for picture in post.pictures)
    return search_words(f"{post.cover} {post.text} {titles} {described}")

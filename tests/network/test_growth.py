"""Reading a page of a larger network reads no more of its tables. Counted are blocks of the database, not time."""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from folkmoot.base.connections import ReadConn
from folkmoot.base.db import Database, Row
from folkmoot.base.paging import Page
from folkmoot.moderation.members.model import MemberFilter, Standing
from folkmoot.moderation.members.queries import list_members
from folkmoot.network.accounts.model import Account
from folkmoot.network.posts.queries import list_account_post_ids, of_account
from folkmoot.network.search import queries as search
from folkmoot.network.search.queries import search_accounts, search_posts
from folkmoot.network.sessions.model import Role
from folkmoot.network.timelines.queries import get_hashtag, get_public
from tests.village import settle, write

SMALL, LARGE = 4000, 16_000  # posts; a search looks through 3,000 of them at most
MOST_RATIO, FEW = 1.3, 24  # blocks more: an index may be one level deeper
PAGE = Page(limit=20)
_BLOCKS = ("Shared Hit Blocks", "Shared Read Blocks")


class _Counting(ReadConn):
    """Explains each statement before it runs it, and counts the blocks that it reads."""

    blocks = 0

    async def fetch(self, sql: str, *args: Any) -> Sequence[Row]:
        plan = json.loads((await super().fetch(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", *args))[0][0])[0]["Plan"]
        self.blocks += sum(plan[name] for name in _BLOCKS)
        return await super().fetch(sql, *args)


def _reads(author: Account, reader: Account) -> dict[str, Callable[[ReadConn], Awaitable[Sequence[Any]]]]:
    async def entries(timeline: Awaitable[Any]) -> Sequence[Any]:
        return (await timeline).ids

    def members(**wanted: Any) -> Callable[[ReadConn], Awaitable[Sequence[Any]]]:
        return lambda conn: list_members(conn, MemberFilter(**wanted), PAGE)

    return {
        "public timeline": lambda conn: entries(get_public(conn, reader.id, PAGE, is_local=True)),
        "hashtag": lambda conn: entries(get_hashtag(conn, reader.id, PAGE, ["kasna"])),
        "two hashtags": lambda conn: entries(get_hashtag(conn, reader.id, PAGE, ["kasna", "naves"])),
        "search, frequent word": lambda conn: search_posts(conn, reader.id, "voda", PAGE),
        "search, rare word": lambda conn: search_posts(conn, reader.id, "pramen", PAGE),
        "search, rare word of one author": lambda conn: search_posts(conn, reader.id, "pramen", PAGE, author_id=author.id),
        "search, beginning of all names": lambda conn: search_accounts(conn, reader.id, "m", own_domain="", limit=20),
        "profile": lambda conn: list_account_post_ids(conn, author.id, reader.id, PAGE),
        "profile, pinned": lambda conn: list_account_post_ids(conn, author.id, reader.id, PAGE, only_pinned=True),
        "profile, pictures": lambda conn: list_account_post_ids(conn, author.id, reader.id, PAGE, only_media=True),
        "profile, frequent hashtag": lambda conn: list_account_post_ids(conn, author.id, reader.id, PAGE, hashtag="kasna"),
        "profile, rare hashtag": lambda conn: list_account_post_ids(conn, author.id, reader.id, PAGE, hashtag="pramen"),
        "frequent hashtag with a rare one": lambda conn: entries(get_hashtag(conn, reader.id, PAGE, ["kasna"], all_of=["pramen"])),
        **{f"members, {standing}": members(standing=standing) for standing in (Standing.PENDING, Standing.DISABLED, Standing.SILENCED,
                                                                                Standing.SUSPENDED)},
        "members, by name": members(username="reader"), "members, by display name": members(display_name="Reader"),
        "members, by e-mail": members(email="reader@example.org"), "members, by address": members(address="192.0.2.1"),
        "members, staff": members(roles=(Role.MODERATOR,)), "members, elsewhere": members(is_local=False),
    }


async def _grow(db: Database, author: Account, first: int, last: int) -> None:
    """Adds posts of one author, and for each of them an account of a member."""
    async with db.write() as tx:
        await tx.execute("SET LOCAL session_replication_role = replica")
        await tx.execute(
            """INSERT INTO posts (id, account_id, visibility, conversation_id, text, hashtags, search, created_at)
            SELECT $1::bigint + n, $2, 0, $1::bigint + n, 'Voda', CASE n % 2 WHEN 0 THEN '{kasna,naves}' ELSE '{kasna}' END::text[],
                array_to_tsvector(CASE n % 160 WHEN 0 THEN '{voda,kasna,kamen}' ELSE '{voda,kasna}' END::text[]), now()
            FROM generate_series($3::int, $4::int) AS n""",
            author.id, author.id, first, last)
        await tx.execute("INSERT INTO post_hashtags SELECT key, id FROM posts, unnest(hashtags) AS key WHERE id BETWEEN $1 AND $2",
                         author.id + first, author.id + last)
        await tx.execute(
            """INSERT INTO accounts (id, username, username_key, display_name, search, created_at)
            SELECT $1::bigint - n, 'm' || n, 'm' || n, 'M' || n, array_to_tsvector(ARRAY['m' || n]), now()
            FROM generate_series($2::int, $3::int) AS n""", author.id, first, last)
        await tx.execute(
            """INSERT INTO logins (account_id, email, email_key, password_hash, confirmed_at, approved_at, created_at)
            SELECT $1::bigint - n, n || '@example.org', n || '@example.org', '', now(), now(), now()
            FROM generate_series($2::int, $3::int) AS n""", author.id, first, last)
        await tx.execute("INSERT INTO account_counts (account_id) SELECT $1::bigint - n FROM generate_series($2::int, $3::int) AS n",
                         author.id, first, last)
        await tx.execute("ANALYZE posts, post_hashtags, accounts, account_counts, logins, marks, sessions")


async def test_pages_of_a_larger_network_read_no_more(db: Database) -> None:
    author, reader = await settle(db, "author"), await settle(db, "reader", Role.MODERATOR)
    rare = (await write(db, author, "Pramen")).post.id
    async with db.write() as tx:  # in the middle of what is added: the author is older than its posts, and younger than the accounts
        await tx.execute("UPDATE posts SET id = $1, conversation_id = $1, media_count = 1, hashtags = '{kasna,pramen}' WHERE id = $2",
                         author.id + LARGE + 1, rare)
        await tx.execute("INSERT INTO post_hashtags SELECT unnest(hashtags), id FROM posts")
        await tx.execute("INSERT INTO marks (account_id, post_id, bits) VALUES ($1, $2, 16)", author.id, author.id + LARGE + 1)
    reads, blocks = _reads(author, reader), dict[str, list[int]]()
    for first, last in ((1, SMALL), (SMALL + 1, LARGE)):
        await _grow(db, author, first, last)
        async with db.read() as conn:
            for name, read in reads.items():
                counting = _Counting(conn._connection, db)
                found = await read(counting)
                blocks.setdefault(name, []).append(counting.blocks)
                assert len(found) == _expected(name), (name, len(found))
    async with db.read() as conn:
        before = db.statements
        assert len(await search.search_post_ids(conn, reader.id, "kamen", PAGE)) == 20
        assert db.statements - before == 2  # its 18 posts among those that are looked through at first say how many more to look through
    grown = {name: (few, many) for name, (few, many) in blocks.items() if many > MOST_RATIO * few + FEW}
    assert grown == {}


async def test_posts_of_an_account_with_a_hashtag_are_the_same_whichever_way_they_are_found(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    author, other = await settle(db, "author"), await settle(db, "other")
    tags = ["#a", "#b", "#a #b", ""]
    written = [(who, tags[n * 7 % 4], (await write(db, who, f"{n} {tags[n * 7 % 4]}")).post.id)
               for n, who in enumerate([author, other, author, author, other, other, author, author, author, other, author, author])]
    ids = [id_ for *_, id_ in written]
    bounds: list[dict[str, int]] = [{}, {"max_id": ids[8]}, {"min_id": ids[2]}, {"since_id": ids[5]}]
    pages = [Page(limit=limit, **one) for limit in (2, 20) for one in bounds]
    async with db.read() as conn:
        for tag in ("a", "b", "c"):
            having = sorted(id_ for who, text, id_ in written if who is author and f"#{tag}" in text)
            for page in pages:
                within = [id_ for id_ in having if page.above < id_ < page.below]
                expected = (within[: page.limit] if page.order == "ASC" else within[-page.limit :])[::-1]
                for few in (1, 3, 1000):
                    monkeypatch.setattr(of_account, "_FEW", few)
                    found = await list_account_post_ids(conn, author.id, other.id, page, hashtag=tag)
                    assert found == expected, (tag, page, few)
        for any_of, all_of in ((["a"], ["b"]), (["b"], ["a"]), (["a", "b"], ["b"]), (["c"], ["a"]), (["a", "c"], ["a", "b"])):
            timeline = await get_hashtag(conn, None, Page(limit=20), any_of, all_of=all_of)
            expected = [id_ for _, text, id_ in sorted(written, key=lambda one: -one[2])
                        if any(f"#{key}" in text for key in any_of) and all(f"#{key}" in text for key in all_of)]
            assert timeline.ids == expected, (any_of, all_of)


async def test_the_beginning_of_many_names_finds_the_same_accounts(db: Database) -> None:
    """Of 600 with few different numbers of followers, some followed, one limited, one suspended, one that blocks the viewer."""
    viewer, author = await settle(db, "viewer"), await settle(db, "author")
    async with db.write() as tx:
        await tx.execute("SET LOCAL session_replication_role = replica")
        await tx.execute(
            "INSERT INTO accounts (id, username, username_key, search, effect, created_at) SELECT $1::bigint + n, 'm' || n, 'm' || n,"
            " array_to_tsvector(ARRAY['m' || n]), CASE n WHEN 13 THEN 1 WHEN 14 THEN 3 ELSE 0 END, now() FROM generate_series(1, 600) AS n",
            author.id)
        await tx.execute("INSERT INTO account_counts (account_id, followers) SELECT $1::bigint + n, n * 7 % 41 FROM generate_series(1, 600)"
                         " AS n", author.id)
        await tx.execute("INSERT INTO follows (account_id, target_id, id) SELECT $1, $2::bigint + n, n FROM generate_series(1, 600, 50)"
                         " AS n", viewer.id, author.id)
        await tx.execute("INSERT INTO blocks (account_id, target_id, id) VALUES ($2::bigint + 40, $1, 1)", viewer.id, author.id)
    async with db.read() as conn:
        assert await conn.fetchval(search._ARE_MANY, "'m':*")
        for text, limit, offset in (("m", 20, 0), ("m", 20, 15), ("m", 80, 560), ("m7", 40, 0)):
            asked = viewer.id, f"'{text}':*", f"{text}%", "", limit, offset, False, text
            few, many = [[row["id"] for row in await conn.fetch(sql, *asked)] for sql in (search._NAME, search._FREQUENT_NAME)]
            assert few == many, (text, limit, offset)
            assert len(few) > 10, (text, limit, offset)


def _expected(name: str) -> int:
    """How many each of them finds."""
    if "rare hashtag" in name or "a rare one" in name:
        return 1
    if name in ("search, rare word", "search, rare word of one author", "profile, pinned", "profile, pictures") or name in (
        "members, by name", "members, by display name", "members, by e-mail", "members, staff"
    ):
        return 1
    return 0 if name.startswith("members") else 20

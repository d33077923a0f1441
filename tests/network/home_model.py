"""A plain model of the home, and random simulations to compare the code with it.

The model reads follows, mutes, blocks and posts as rows and decides in Python, one `if` at a time. It shares no code with
`network/timelines`, so that it does not repeat a fault there. `HomeSimulation` runs the real actions and delivers their
events late, out of order and twice, as a killed worker does.
"""

import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import strategies as st

from folkmoot.base import clock, ids
from folkmoot.base.db import Database
from folkmoot.base.errors import Conflict, Forbidden, Invalid, NotFound
from folkmoot.base.paging import Page
from folkmoot.network.accounts.model import Account
from folkmoot.network.followed_tags.actions import follow_hashtag, unfollow_hashtag
from folkmoot.network.posts import actions as posts
from folkmoot.network.posts.events import PostCreated, PostDeleted, PostEdited
from folkmoot.network.posts.model import PostDraft, PostEffect, Visibility
from folkmoot.network.posts.visibility import is_visible
from folkmoot.network.relations import actions as relations
from folkmoot.network.relations.model import FollowEnded, FollowStarted
from folkmoot.network.timelines import jobs
from folkmoot.network.timelines.queries import get_home, get_homes
from tests.village import LIMITS, settle

SUBSCRIBERS: list[tuple[type[Any], Callable[[Database, Any], Awaitable[None]]]] = [
    (PostCreated, jobs.push_to_homes), (PostEdited, jobs.push_edited), (PostDeleted, jobs.remove_deleted),
    (FollowStarted, jobs.merge_followed), (FollowEnded, jobs.remove_unfollowed),
]


@dataclass
class Facts:
    """The current rows of all tables that the home rule uses."""

    posts: dict[int, Any]
    follows: dict[tuple[int, int], Any]
    mutes: set[tuple[int, int]]
    blocks: set[tuple[int, int]]
    mentions: set[tuple[int, int]]
    effects: dict[int, int]
    tags: set[tuple[int, str]]  # (reader, key)

    @classmethod
    async def read(cls, database: Database) -> "Facts":
        async with database.read() as conn:
            return cls(
                posts={row["id"]: row for row in await conn.fetch("SELECT * FROM posts")},
                follows={(row["account_id"], row["target_id"]): row for row in await conn.fetch("SELECT * FROM follows")},
                mutes={(row[0], row[1]) for row in await conn.fetch(
                    "SELECT account_id, target_id FROM mutes WHERE expires_at IS NULL OR expires_at > now()")},
                blocks={(row[0], row[1]) for row in await conn.fetch("SELECT account_id, target_id FROM blocks")},
                mentions={(row[0], row[1]) for row in await conn.fetch("SELECT account_id, post_id FROM mentions")},
                effects={row[0]: row[1] for row in await conn.fetch("SELECT id, effect FROM accounts")},
                tags={(row[0], row[1]) for row in await conn.fetch("SELECT account_id, key FROM followed_hashtags")},
            )

    def sees(self, reader: int, post: Any) -> bool:
        return is_visible(
            visibility=post["visibility"], post_effect=post["effect"], author_effect=self.effects[post["account_id"]],
            is_own=post["account_id"] == reader, follows_author=(reader, post["account_id"]) in self.follows,
            is_mentioned=(reader, post["id"]) in self.mentions,
            is_blocked_by_author=(post["account_id"], reader) in self.blocks,
        )

    def avoids(self, reader: int, who: int) -> bool:
        return (reader, who) in self.mutes or (reader, who) in self.blocks or (who, reader) in self.blocks

    def wants(self, reader: int, post: Any) -> bool:
        """Whether a post belongs in the home, apart from its visibility."""
        return post["account_id"] == reader or self._wants_by_tag(reader, post) or self._wants_by_follow(reader, post)

    def _wants_by_tag(self, reader: int, post: Any) -> bool:
        if not any((reader, key) in self.tags for key in post["hashtags"]):
            return False
        if post["visibility"] != Visibility.PUBLIC or post["effect"] >= PostEffect.HIDDEN or self.avoids(reader, post["account_id"]):
            return False
        follow = self.follows.get((reader, post["account_id"]))
        return follow is None or follow["languages"] is None or post["language"] in (None, *follow["languages"])

    def _wants_by_follow(self, reader: int, post: Any) -> bool:
        author = post["account_id"]
        follow = self.follows.get((reader, author))
        if follow is None or self.avoids(reader, author) or post["effect"] >= PostEffect.HIDDEN:
            return False
        if follow["languages"] is not None and post["language"] is not None and post["language"] not in follow["languages"]:
            return False
        if post["visibility"] == Visibility.DIRECT and (reader, post["id"]) not in self.mentions:
            return False
        answered = post["reply_to_account_id"]
        if answered is not None and answered not in (author, reader) and (reader, answered) not in self.follows:
            return False
        if post["boost_of_id"] is None:
            return True
        if not follow["shows_boosts"] or self.avoids(reader, post["boost_of_account_id"]):
            return False
        original = self.posts[post["boost_of_id"]]
        is_fresh = ids.time_of(post["id"]) - ids.time_of(original["id"]) < timedelta(hours=12)
        return not (is_fresh and self.wants(reader, original))

    def home_of(self, reader: int) -> list[int]:
        """The ids of the home, newest first: each post once, at its latest boost."""
        shown: dict[int, int] = {}
        for id_ in sorted(self.posts, reverse=True):
            post = self.posts[id_]
            content = self.posts.get(post["boost_of_id"] or id_)
            if content is None:  # deleted while it was boosted
                continue
            if self.wants(reader, post) and self.sees(reader, post) and self.sees(reader, content):
                shown.setdefault(content["id"], id_)
        return list(shown.values())


PEOPLE = 5  # each follows the next two, and has written one post, in turn in Czech, in no language and in English
_person = st.integers(0, PEOPLE - 1)
_which = st.integers(0, 30)
_language = st.sampled_from([None, "cs", "en"])
_tags = st.sampled_from([(), ("oheň",), ("voda",), ("voda", "Ohen")])
_visibility = st.sampled_from([*Visibility, Visibility.PUBLIC, Visibility.PUBLIC])

ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), _person, _language, _visibility, st.sampled_from([None, 0, 1, 2, 3]), st.booleans()),
        st.tuples(st.just("write"), _person, _language, _visibility, st.none(), st.booleans(), _tags),
        st.tuples(st.just("follow_tag"), _person, st.sampled_from(["ohen", "voda"])),
        st.tuples(st.just("unfollow_tag"), _person, st.sampled_from(["ohen", "voda"])),
        st.tuples(st.just("answer"), _person, _which, _visibility),
        st.tuples(st.just("boost"), _person, _which),
        st.tuples(st.just("unboost"), _person, _which),
        st.tuples(st.just("delete"), _which),
        st.tuples(st.just("edit"), _which, _language, st.sampled_from([None, 0, 1, 2, 3])),
        st.tuples(st.just("edit"), _which, _language, st.none(), _tags),
        st.tuples(st.just("follow"), _person, _person, st.booleans(), st.sampled_from([None, None, ("cs",), ("en",)])),
        st.tuples(st.just("follow"), _person, _person, st.just(True), st.none()),
        st.tuples(st.just("unfollow"), _person, _person),
        st.tuples(st.just("mute"), _person, _person, st.sampled_from([0, 3600])),
        st.tuples(st.just("unmute"), _person, _person),
        st.tuples(st.just("expire_mutes"), _person),
        st.tuples(st.just("block"), _person, _person),
        st.tuples(st.just("unblock"), _person, _person),
        st.tuples(st.just("restrict_post"), _which, st.sampled_from(list(PostEffect))),
        st.tuples(st.just("restrict_account"), _person, st.sampled_from([0, 0, 2, 3])),
        st.tuples(st.just("become_star"), _person, st.booleans()),
        st.tuples(st.just("drop_home"), _person),
        st.tuples(st.just("rebuild"), _person),
        st.tuples(st.just("deliver"), st.integers(0, 99)),
    ),
    min_size=20, max_size=60,
)


class HomeSimulation:
    """Five accounts with warm homes; each follows two others and has written a post."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.people: list[Account] = []
        self.written: list[int] = []
        self._delivered: set[int] = set()

    async def open(self, prefix: str) -> None:
        async with self.database.write() as tx:
            for table in ("posts", "follows", "followers", "mutes", "blocks", "homes", "home_entries", "events"):
                await tx.execute(f"DELETE FROM {table}")
        self.people = [await settle(self.database, f"{prefix}_{number}") for number in range(PEOPLE)]
        for number in range(PEOPLE):
            await self.rebuild(number)
            for other in (number + 1, number + 2):
                await self.follow(number, other % PEOPLE, True, None)
        for number in range(PEOPLE):
            await self.write(number, ("cs", None, "en")[number % 3], Visibility.PUBLIC, None, number == 0)
        await self.deliver(0)

    def draw(self, dice: random.Random) -> tuple[Any, ...]:
        """A random action on follows, posts or stored homes."""
        one, other = dice.sample(range(PEOPLE), 2)
        which = dice.randrange(30)
        return dice.choice([
            ("write", one, None, Visibility.PUBLIC, None, False), ("write", one, "cs", Visibility.FOLLOWERS, None, False),
            ("write", one, None, Visibility.DIRECT, other, False), ("answer", one, which, Visibility.PUBLIC), ("boost", one, which),
            ("unboost", one, which), ("delete", which), ("edit", which, None, other), ("follow", one, other, True, None),
            ("follow", one, other, True, None), ("unfollow", one, other), ("unfollow", one, other), ("block", one, other),
            ("unblock", one, other), ("follow_tag", one, "voda"), ("unfollow_tag", one, "voda"),
            ("write", other, None, Visibility.PUBLIC, None, False, ("voda",)), ("rebuild", one), ("become_star", one, dice.random() < 0.5),
        ])

    async def play(self, act: tuple[Any, ...]) -> None:
        with suppress(Forbidden, NotFound, Invalid, Conflict):
            await getattr(self, act[0])(*act[1:])

    async def write(
        self, who: int, language: str | None, visibility: Visibility, names: int | None, is_old: bool, tags: tuple[str, ...] = ()
    ) -> None:
        text = f"slovo {len(self.written)}" + self._ending(names, tags)
        at = clock.now() - timedelta(hours=20) if is_old else None
        async with self.database.write() as tx:
            draft = PostDraft(text=text, language=language, visibility=visibility)
            self.written.append((await posts.create_post(tx, self.people[who], draft, LIMITS, at=at)).post.id)

    async def answer(self, who: int, which: int, visibility: Visibility) -> None:
        async with self.database.write() as tx:
            draft = PostDraft(text="odpověď", visibility=visibility, reply_to_id=self._post(which))
            self.written.append((await posts.create_post(tx, self.people[who], draft, LIMITS)).post.id)

    async def boost(self, who: int, which: int) -> None:
        async with self.database.write() as tx:
            await posts.boost_post(tx, self.people[who], self._post(which))

    async def unboost(self, who: int, which: int) -> None:
        async with self.database.write() as tx:
            await posts.unboost_post(tx, self.people[who], self._post(which))

    async def delete(self, which: int) -> None:
        id_ = self._post(which)
        async with self.database.write() as tx:
            await posts.delete_post(tx, await self._author(tx, id_), id_)

    def _ending(self, names: int | None, tags: tuple[str, ...]) -> str:
        return (f" @{self.people[names].username}" if names is not None else "") + "".join(f" #{tag}" for tag in tags)

    async def follow_tag(self, who: int, tag: str) -> None:
        async with self.database.write() as tx:
            await follow_hashtag(tx, self.people[who], tag)

    async def unfollow_tag(self, who: int, tag: str) -> None:
        async with self.database.write() as tx:
            await unfollow_hashtag(tx, self.people[who], tag)

    async def edit(self, which: int, language: str | None, names: int | None, tags: tuple[str, ...] = ()) -> None:
        id_ = self._post(which)
        async with self.database.write() as tx:
            text = "jinak" + self._ending(names, tags)
            await posts.edit_post(tx, await self._author(tx, id_), id_, PostDraft(text=text, language=language), LIMITS)

    async def follow(self, one: int, other: int, shows_boosts: bool, languages: tuple[str, ...] | None) -> None:
        async with self.database.write() as tx:
            await relations.follow(tx, self.people[one], self.people[other].id, shows_boosts=shows_boosts, languages=languages)

    async def unfollow(self, one: int, other: int) -> None:
        async with self.database.write() as tx:
            await relations.unfollow(tx, self.people[one], self.people[other].id)

    async def mute(self, one: int, other: int, seconds: int) -> None:
        async with self.database.write() as tx:
            await relations.mute(tx, self.people[one], self.people[other].id, seconds=seconds)

    async def unmute(self, one: int, other: int) -> None:
        async with self.database.write() as tx:
            await relations.unmute(tx, self.people[one], self.people[other].id)

    async def expire_mutes(self, one: int) -> None:
        async with self.database.write() as tx:
            await tx.execute(
                "UPDATE mutes SET expires_at = now() - interval '1 second' WHERE account_id = $1 AND expires_at IS NOT NULL",
                self.people[one].id,
            )

    async def block(self, one: int, other: int) -> None:
        async with self.database.write() as tx:
            await relations.block(tx, self.people[one], self.people[other].id)

    async def unblock(self, one: int, other: int) -> None:
        async with self.database.write() as tx:
            await relations.unblock(tx, self.people[one], self.people[other].id)

    async def restrict_post(self, which: int, effect: PostEffect) -> None:
        async with self.database.write() as tx:
            await posts.set_effect(tx, self._post(which), effect, None)

    async def restrict_account(self, who: int, effect: int) -> None:
        async with self.database.write() as tx:
            await tx.execute("UPDATE accounts SET effect = $2 WHERE id = $1", self.people[who].id, effect)

    async def become_star(self, who: int, is_star: bool) -> None:
        """Sets the followers above or below the limit for pulling, and runs the timed job."""
        async with self.database.write() as tx:
            await tx.execute(
                "INSERT INTO account_counts (account_id, followers) VALUES ($1, $2)"
                " ON CONFLICT (account_id) DO UPDATE SET followers = excluded.followers",
                self.people[who].id, 100_000 if is_star else 5,
            )
        await jobs.choose_push_or_pull(self.database)

    async def drop_home(self, who: int) -> None:
        async with self.database.cache() as cache:
            await cache.execute("DELETE FROM homes WHERE account_id = $1", self.people[who].id)
            await cache.execute("DELETE FROM home_entries WHERE account_id = $1", self.people[who].id)

    async def rebuild(self, who: int) -> None:
        await jobs.rebuild_when_idle(self.database, self.people[who].id)

    async def deliver(self, seed: int) -> None:
        """Delivers all new events to their subscribers: in random order, about a third of them twice."""
        async with self.database.read() as conn:
            rows = await conn.fetch("SELECT id, kind, payload FROM events WHERE id <> ALL ($1::bigint[])", list(self._delivered))
        self._delivered |= {row["id"] for row in rows}
        deliveries = [(row, type_, subscriber) for row in rows for type_, subscriber in SUBSCRIBERS if type_.kind == row["kind"]]
        dice = random.Random(seed)
        deliveries += [delivery for delivery in deliveries if dice.random() < 0.3]
        dice.shuffle(deliveries)
        for row, type_, subscriber in deliveries:
            await subscriber(self.database, msgspec.json.decode(row["payload"], type=type_))

    async def home(self, who: int, since: int | None = None) -> list[int]:
        """The ids of a home, read alone and, between two others, together with them."""
        page, other = Page(limit=1000, since_id=since), self.people[who - 1].id
        async with self.database.read() as conn:
            alone = await get_home(conn, self.people[who].id, page)
            several = [(other, Page(limit=3)), (self.people[who].id, page), (other, page)]
            together = await get_homes(conn, several)
        ids = [entry.id for entry in together[1].entries]
        assert (ids, together[1].ids) == ([entry.id for entry in alone.entries], alone.ids)
        return ids

    def _post(self, which: int) -> int:
        return self.written[which % len(self.written)]

    async def _author(self, conn: Any, post_id: int) -> Account:
        author_id = await conn.fetchval("SELECT account_id FROM posts WHERE id = $1", post_id)
        for account in self.people:
            if account.id == author_id:
                return account
        raise NotFound

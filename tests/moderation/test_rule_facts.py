"""The facts that rules ask for: each counts what its sentence says, and a batch costs a fixed number of statements."""

import io
from collections.abc import Iterator
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import Any

import msgspec
import pytest
from PIL import Image

from folkmoot.base import clock
from folkmoot.moderation.detection.queries import list_post_texts_unscoped
from folkmoot.moderation.detection.texts import Wanted
from folkmoot.moderation.rules.attributes import ATTRIBUTES, SAYS, Dear, Kind
from folkmoot.moderation.rules.evaluating import Evaluator
from folkmoot.moderation.rules.jobs import REMEMBER_JOB, Applied, Remember, RuleReader, forget_traces
from folkmoot.moderation.rules.material import material_of
from folkmoot.moderation.rules.model import Condition, Facts
from folkmoot.moderation.rules.published import replace_own, shipped
from folkmoot.moderation.rules.queries.facts import list_facts_unscoped
from folkmoot.network.accounts.model import Account
from folkmoot.network.folding import fold_counters
from folkmoot.network.posts.actions import create_post
from folkmoot.network.posts.events import PostCreated
from folkmoot.network.posts.model import PostDraft, PostView, Visibility
from folkmoot.network.posts.queries import get_post_view
from tests.moderation.court import Court
from tests.moderation.rule_sets import age, publish, rule_file
from tests.village import LIMITS, settle

_LONG = "Sejdeme se v neděli u kašny na náměstí"


@pytest.fixture(autouse=True)
def _own_rules_end_with_the_test() -> Iterator[None]:
    yield
    replace_own((), ())


async def _facts(court: Court, *views: PostView) -> list[Facts]:
    """After the posts were delivered to the reader of rules, which remembers them."""
    async with court.database.read() as conn:
        texts = await list_post_texts_unscoped(conn, [view.post.id for view in views])
        found = await list_facts_unscoped(conn, [material_of(text, "network.example") for text in texts])
    return [found[view.post.id][0] for view in views]


async def _write(court: Court, text: str, name: str = "author", **draft: Any) -> PostView:
    view = await court.village.write(name, text, **draft)
    reader = RuleReader("network.example")
    await reader.read_created(court.database, PostCreated(post_id=view.post.id, account_id=view.post.author.id))
    return view


async def _write_at(court: Court, author: Account, text: str, ago: timedelta) -> PostView:
    async with court.database.write() as tx:
        view = await create_post(tx, author, PostDraft(text=text), LIMITS, at=clock.now() - ago)
    await RuleReader("").read_created(court.database, PostCreated(post_id=view.post.id, account_id=author.id))
    return view


async def test_every_attribute_has_a_fact_of_its_type(court: Court) -> None:
    facts, = await _facts(court, await _write(court, _LONG, language="cs"))
    assert facts.keys() == ATTRIBUTES.keys() - {SAYS}
    types = {Kind.NUMBER: int, Kind.TIME: int, Kind.FLAG: bool, Kind.CHOICE: str}
    assert {name for name, value in facts.items() if type(value) is not types[ATTRIBUTES[name].kind]} == set()
    assert (facts["language"], facts["visibility"], facts["words"]) == ("cs", "public", 8)


async def test_the_age_of_an_author_is_that_at_the_post_and_imported_posts_are_old(court: Court) -> None:
    author = court.village.people["author"]
    imported = await _write_at(court, author, "Z roku dávno minulého", timedelta(days=300))
    await age(court.database, author, 10)
    new = await _write(court, "Dnes")
    old, young = await _facts(court, imported, new)
    assert old["account age"] > 365 * 86400
    assert 10 * 86400 <= young["account age"] < 10 * 86400 + 3600


async def test_posts_of_the_last_hour_are_counted_without_messages_and_boosts(court: Court) -> None:
    author = court.village.people["author"]
    await _write_at(court, author, "Předevčírem", timedelta(hours=2))
    first = await _write_at(court, author, "Před chvílí", timedelta(minutes=50))
    await _write(court, "@reader tajně", visibility=Visibility.DIRECT)
    await _write(court, "@reader a @reporter", visibility=Visibility.FOLLOWERS)
    last = await _write(court, "Teď")
    before, now = await _facts(court, first, last)
    assert (before["posts in the last hour"], now["posts in the last hour"]) == (1, 3)
    assert now["people addressed in the last hour"] == 2


async def test_links_are_counted_by_host_without_our_own_and_without_missing_spaces(court: Court) -> None:
    facts, = await _facts(court, await _write(
        court, "https://a.example/x https://a.example/y http://www.b.example www.c.example/z https://network.example/@jana konec.začátek"
    ))
    assert (facts["addresses"], facts["hosts"], facts["new hosts"]) == (4, 3, 3)


async def test_a_host_is_new_for_a_day(court: Court) -> None:
    author = court.village.people["author"]
    old = await _write_at(court, author, "https://a.example/1", timedelta(hours=25))
    again = await _write(court, "https://a.example/2")
    twice = await _write(court, "https://b.example/2")
    twice_again = await _write(court, "https://b.example/3")
    assert [facts["new hosts"] for facts in await _facts(court, old, again, twice, twice_again)] == [1, 0, 1, 1]


async def test_a_stranger_does_not_follow_and_takes_no_part(court: Court) -> None:
    await court.village.follow("reporter", "author")
    parent = await _write(court, "Kdo přijde? @other_reporter", "reader")
    facts, = await _facts(court, await _write(
        court, "@reader @reporter @other_reporter @moderator přijdu", reply_to_id=parent.post.id
    ))
    assert (facts["mentions"], facts["strangers mentioned"], facts["answers a stranger"]) == (4, 1, True)
    invited = await _write(court, "@author přijdeš?", "reader")
    facts, = await _facts(court, await _write(court, "@reader přijdu", reply_to_id=invited.post.id))
    assert (facts["strangers mentioned"], facts["answers a stranger"], facts["is a reply"]) == (0, False, True)


async def test_posts_and_accounts_at_one_person_are_counted(court: Court) -> None:
    for name in ("reporter", "other_reporter", "moderator"):
        await _write(court, "@reader styď se", name)
    await age(court.database, court.village.people["reporter"], 8)
    await _write(court, "@reader a podruhé", "author")
    await _write(court, "@reader odpovídá sám sobě", "reader")
    facts, other = await _facts(court, await _write(court, "@reader @reporter a potřetí"), await _write(court, "nikomu"))
    assert (facts["accounts at one person in the last hour"], facts["posts at one person in the last hour"]) == (4, 2)
    assert facts["new accounts at one person in the last hour"] == 3
    assert (other["accounts at one person in the last hour"], other["posts at one person in the last hour"]) == (0, 0)


async def test_equal_texts_are_counted_as_they_stood_at_the_time(court: Court) -> None:
    first = await _write(court, _LONG)
    same = await _write(court, f"{_LONG.upper()}!! @reader")
    by_other = await _write(court, _LONG, "reader")
    short = await _write(court, "Ano ano ano")
    again = await _write(court, "Ano ano ano")
    another_link = await _write(court, f"{_LONG} https://a.example")
    facts = await _facts(court, first, same, by_other, short, again, another_link)
    assert [one["same text by the author"] for one in facts] == [1, 2, 1, 1, 1, 1]
    assert [one["accounts with the same text"] for one in facts] == [1, 1, 2, 1, 1, 1]


async def test_an_edit_is_compared_with_what_stood_when_it_was_made(court: Court) -> None:
    edited = await _write(court, "Dobré ráno")
    await _write(court, _LONG, "reader")
    app = await court.village.by_app("author")
    assert (await app.send("PUT", f"/api/v1/statuses/{edited.post.id}", {"status": _LONG})).status == 200
    await court.village.work()
    facts, = await _facts(court, edited)
    assert (facts["accounts with the same text"], facts["was edited"]) == (2, True)
    assert (await app.send("PUT", f"/api/v1/statuses/{edited.post.id}", {"status": "Nic"})).status == 200
    await court.village.work()
    async with court.database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM post_traces WHERE post_id = $1", edited.post.id) == 0


async def test_sign_ups_around_a_young_account_are_counted(court: Court) -> None:
    crowd = [await settle(court.database, f"crowd{number}") for number in range(3)]
    facts, = await _facts(court, await _write(court, "Ahoj"))
    async with court.database.read() as conn:
        people = await conn.fetchval("SELECT count(*) FROM accounts WHERE domain = ''")
    assert facts["neighbouring sign-ups"] == people - 1 >= len(crowd)


async def test_what_is_older_than_an_hour_or_a_day_does_not_count(court: Court) -> None:
    people = court.village.people
    await _write_at(court, people["author"], _LONG, timedelta(hours=25))
    await _write_at(court, people["moderator"], _LONG, timedelta(hours=2))
    await _write_at(court, people["moderator"], "@reader styď se", timedelta(hours=2))
    same, at_one = await _facts(court, await _write(court, _LONG), await _write(court, "@reader ahoj"))
    assert (same["same text by the author"], same["accounts with the same text"]) == (1, 1)
    assert at_one["accounts at one person in the last hour"] == 1


async def test_boosts_and_messages_do_not_count_and_a_reply_addresses_without_a_mention(court: Court) -> None:
    parent = await _write(court, "Dobrý den", "reader")
    app = await court.village.by_app("author")
    assert (await app.post(f"/api/v1/statuses/{parent.post.id}/reblog")).status == 200
    await _write(court, "@reader tajně", "reporter", visibility=Visibility.DIRECT)
    await _write(court, "@reader veřejně", "moderator")
    facts, = await _facts(court, await _write(court, "nesouhlasím", reply_to_id=parent.post.id))
    assert (facts["posts in the last hour"], facts["accounts at one person in the last hour"]) == (1, 1)


async def test_only_what_was_removed_before_a_copy_was_written_is_repeated(court: Court) -> None:
    removed, earlier = await _write(court, _LONG), await _write(court, _LONG, "reader")
    await court.report("reporter", removed)
    case, = await court.queue()
    await court.decide("moderator", case, "remove")
    facts = await _facts(court, earlier, await _write(court, _LONG, "reader"))
    assert [one["repeats a removed post"] for one in facts] == [False, True]


async def test_what_a_post_has_and_how_many_follow_its_author(court: Court) -> None:
    app = await court.village.by_app("author")
    picture = io.BytesIO()
    Image.effect_noise((60, 40), 90).save(picture, "PNG")
    upload = (await app.upload("/api/v2/media", "file", picture.getvalue())).json["id"]
    await court.village.follow("reader", "author")
    await fold_counters(court.database)
    ids = [int((await app.post("/api/v1/statuses", form)).json["id"]) for form in (
        {"status": "Nic"}, {"status": "Foto #kašna #neděle", "media_ids[]": upload, "language": "en"},
        {"status": "Kdy?", "poll[options][]": ["v pět", "v šest"], "poll[expires_in]": 3600, "spoiler_text": "Pozor"},
    )]
    async with court.database.read() as conn:
        views = [await get_post_view(conn, id_, court.village.people["author"].id) for id_ in ids]
    facts = await _facts(court, *views)
    names = ("has a picture", "has a poll", "has a cover", "hashtags", "followers")
    assert [tuple(one[name] for name in names) for one in facts] == [
        (False, False, False, 0, 1), (True, False, False, 2, 1), (False, True, True, 0, 1)]
    assert facts[1]["language"] == "en"


async def test_who_answers_themselves_or_a_follower_answers_no_stranger(court: Court) -> None:
    await court.village.follow("reader", "author")
    own, of_follower = await _write(court, "Kdo přijde?"), await _write(court, "Nikdo", "reader")
    facts = await _facts(
        court, await _write(court, "@author nikdo", reply_to_id=own.post.id), await _write(court, "škoda", reply_to_id=of_follower.post.id))
    names = ("answers a stranger", "mentions", "strangers mentioned", "accounts at one person in the last hour")
    assert [tuple(one[name] for name in names) for one in facts] == [(False, 0, 0, 0)] * 2
    assert facts[0]["people addressed in the last hour"] == 0


async def test_sign_ups_are_counted_an_hour_before_and_after_until_the_post_and_for_a_week(court: Court) -> None:
    start = clock.now() + timedelta(days=2)
    found = {}
    for name, hours in (("early", -1.1), ("before", -0.5), ("elsewhere", -0.4), ("newcomer", 0.0), ("after", 0.5), ("late", 1.1)):
        with clock.stopped_at(start + timedelta(hours=hours)):
            found[name] = await settle(court.database, name)
    async with court.database.write() as tx:
        await tx.execute("UPDATE accounts SET domain = 'elsewhere.example' WHERE id = $1", found["elsewhere"].id)
    counts = []
    for days in (0.01, 0.03, 6.9, 7.1):  # the first post is older than one of the sign-ups
        with clock.stopped_at(start + timedelta(days=days)):
            async with court.database.write() as tx:
                view = await create_post(tx, found["newcomer"], PostDraft(text="Ahoj"), LIMITS)
            facts, = await _facts(court, view)
            counts.append(facts["neighbouring sign-ups"])
    assert counts == [1, 2, 2, 0]


async def test_a_batch_costs_as_many_statements_as_one_post(court: Court) -> None:
    """The texts, what is remembered, and the facts; these only if a rule could still be met by them."""
    async def count(number: int) -> int:
        views = [await court.village.write("author", f"{_LONG} a číslo {one} https://a.example/{one}") for one in range(number)]
        before = court.database.statements
        await RuleReader("")._read(court.database, [Wanted(view.post.id) for view in views])
        return court.database.statements - before

    await publish(court.database, rule_file("says: slovo"))
    assert await count(20) == 2
    await publish(court.database, rule_file("posts in the last hour >= 100", version="2030-01-11"))
    assert await count(1) == await count(20) == 3


def _easier(condition: Condition) -> Condition:
    return msgspec.structs.replace(condition, number=min(condition.number, 2)) if condition.sign == ">=" else condition


async def test_facts_that_are_not_counted_would_change_nothing(court: Court) -> None:
    """With the shipped rules, but so that two posts are enough to meet most of them."""
    rules = shipped()[-1].rules
    rules = msgspec.structs.replace(rules, rules=tuple(msgspec.structs.replace(rule, groups=tuple(
        msgspec.structs.replace(group, conditions=tuple(map(_easier, group.conditions))) for group in rule.groups
    )) for rule in rules.rules))
    parent = await _write(court, "Kdo přijde?", "reader")
    views = [await _write(court, text, **draft) for text, draft in (
        (_LONG, {}), (_LONG, {}), ("Ahoj", {}), ("Ano", {"reply_to_id": parent.post.id}), ("Ahoj @reporter", {}),
        (f"{_LONG} @reader @reporter", {}), (f"{_LONG} @reader @reporter", {}),
        (f"{_LONG} https://a.example https://b.example", {}), (f"{_LONG} https://a.example https://b.example", {}),
    )]
    evaluator, now = Evaluator(rules), clock.now()
    applied, asked = Applied(evaluator, now), []
    async with court.database.read() as conn:
        materials = [material_of(text, "") for text in await list_post_texts_unscoped(conn, [view.post.id for view in views])]
        materials.sort(key=lambda material: material.post_id)
        asked = [reduce(or_, applied.open(material)) for material in materials]
        some, everything = await list_facts_unscoped(conn, materials, asked), await list_facts_unscoped(conn, materials)
    met = [(material.post_id, met.rule.name) for material, met in applied.met(some)]
    assert met == [
        (one.post_id, met.rule.name) for one in materials for met in evaluator.evaluate(everything[one.post_id][0], one.words, now.date())
    ]
    assert len({name for _, name in met}) >= 5
    assert asked[0] == Dear.POSTS
    assert "same text by the author" not in some[materials[0].post_id][0]
    assert asked[-1] == Dear.POSTS | Dear.COPIES | Dear.SIGN_UPS


async def test_earlier_posts_are_remembered_by_a_job_and_texts_are_forgotten_after_30_days(court: Court) -> None:
    author = court.village.people["author"]
    async with court.database.write() as tx:
        for days in (1, 40):
            await create_post(tx, author, PostDraft(text=f"{_LONG} https://d{days}.example"), LIMITS, at=clock.now() - timedelta(days=days))
    await court.village.work()
    async with court.database.write() as tx:
        await tx.execute("DELETE FROM post_traces")
        await tx.execute("DELETE FROM seen_hosts")
        tx.enqueue(REMEMBER_JOB, Remember())
    await court.village.work()

    async def count() -> tuple[int, list[str]]:
        async with court.database.read() as conn:
            hosts = [row["host"] for row in await conn.fetch("SELECT host FROM seen_hosts ORDER BY host")]
            return await conn.fetchval("SELECT count(*) FROM post_traces"), hosts

    assert await count() == (1, ["d1.example", "d40.example"])
    with clock.stopped_at(clock.now() + timedelta(days=30)):
        await forget_traces(court.database)
    assert await count() == (0, ["d1.example", "d40.example"])


async def test_the_text_of_a_removed_post_is_not_forgotten(court: Court) -> None:
    view = await _write(court, _LONG)
    await court.report("reporter", view, clauses=("spam",))
    await court.decide("moderator", (await court.queue())[0], "remove", clause="spam")
    with clock.stopped_at(clock.now() + timedelta(days=40)):
        await forget_traces(court.database)
        again = await _write(court, _LONG, "reader")
        facts, = await _facts(court, again)
    assert facts["repeats a removed post"] is True


async def test_a_flood_of_one_text_costs_no_more_than_the_bound(court: Court) -> None:
    """Also while the tables have no statistics, as in a new network: the copies are read in the order of the index."""
    author = await settle(court.database, "flooder")
    async with court.database.write() as tx:
        newest = (await create_post(tx, author, PostDraft(text=_LONG), LIMITS)).post.id
        await tx.execute(
            "INSERT INTO posts (id, account_id, conversation_id, visibility, text, html, created_at)"
            " SELECT $1::bigint - n, $2, $1, 0, $3, '', now() FROM generate_series(1, 3000) AS n", newest, author.id, _LONG)
        await tx.execute("INSERT INTO post_traces (post_id, text_key) SELECT $1::bigint - n, 7 FROM generate_series(0, 3000) AS n", newest)
    async with court.database.read() as conn:
        before = await conn.fetchval(_READ)
        copies = [row[0] for row in await conn.fetch("SELECT * FROM list_copies(7, $1, $1, 200)", newest)]
        assert copies == [newest - n for n in range(1, 201)]
        await conn.fetchval("SELECT pg_stat_force_next_flush()")
        assert await conn.fetchval(_READ) - before <= 201


_READ = "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'post_traces_text'"

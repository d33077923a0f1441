"""Hash lists: an exact match is held before anybody sees it, a like picture is reported, and people decide about both."""

import hashlib
from typing import Any

import pytest
from PIL import ImageOps

from folkmoot.base import clock
from folkmoot.base.db import ReadConn
from folkmoot.base.errors import Conflict, Invalid, NotFound
from folkmoot.moderation.hash_lists.actions import REMOVED_HERE, SCAN_JOB, add_entries, create_list, recognise_post, remove_entry
from folkmoot.moderation.hash_lists.jobs import Scan
from folkmoot.moderation.hash_lists.model import Effect, Entry, Kind, normal_value, turned
from folkmoot.moderation.hash_lists.pdq import hash_picture
from folkmoot.moderation.hash_lists.queries import list_entries, list_near
from tests.moderation.court import Court
from tests.moderation.test_hash_values import drawing, encoded
from tests.village import Answer

_TEXT = "Kupte si levně následovníky, stačí napsat"


async def _list(court: Court, kind: Kind, *written: str, effect: Effect = Effect.HOLD, name: str = "known") -> None:
    async with court.database.write() as tx:
        await create_list(tx, name, effect)
        values = [normal_value(kind, one) for one in written]
        assert all(values)
        await add_entries(tx, [
            Entry(list=name, kind=kind, value=value or "", clause="spam", added_at=clock.now()) for value in values
        ])


async def _publish(court: Court, text: str = "", picture: bytes = b"", **fields: Any) -> Answer:
    """Through the client API, because only the two entry points ask the screener."""
    app = await court.village.by_app("author")
    media = []
    if picture:
        uploaded = await app.upload("/api/v2/media", "file", picture)
        assert uploaded.status == 200, uploaded.text
        media = [uploaded.json["id"]]
    return await app.post("/api/v1/statuses", {"status": text, "media_ids[]": media, **fields})


async def _is_seen(court: Court, answer: Answer) -> bool:
    reader = await court.village.by_app("reader")
    return (await reader.get(f"/api/v1/statuses/{answer.json['id']}")).status == 200


@pytest.mark.parametrize(("kind", "written", "text"), [
    (Kind.TEXT, _TEXT, "KUPTE SI LEVNĚ  následovníky, stačí napsat"),
    (Kind.ADDRESS, "bad.example", "Podívejte se na https://shop.bad.example/koupit?a=1"),
    (Kind.ADDRESS, "bad.example/koupit", "Podívejte se na bad.example/koupit"),
])
async def test_a_known_text_or_address_is_held_before_anybody_sees_it(court: Court, kind: Kind, written: str, text: str) -> None:
    await court.village.follow("reader", "author")
    await _list(court, kind, written)
    answer = await _publish(court, f"{text} @reader" if kind is Kind.ADDRESS else text)
    assert answer.status == 200
    assert not await _is_seen(court, answer), "before any job has run"
    await court.village.work()
    assert not await _is_seen(court, answer)
    reader = await court.village.by_app("reader")
    assert (await reader.get("/api/v1/timelines/home")).json == []
    assert (await reader.get("/api/v1/notifications")).json == []
    author = await court.village.by_app("author")
    assert "moderation_warning" in [one["type"] for one in (await author.get("/api/v1/notifications")).json]
    case, = await court.queue()
    assert case.clause == "spam"
    assert await court.journal(case) == ["case.opened", "signal.raised", "restriction.imposed", "statement.issued"]


async def test_a_kept_post_appears_and_the_same_version_is_not_held_again(court: Court) -> None:
    await _list(court, Kind.TEXT, _TEXT)
    answer = await _publish(court, _TEXT)
    await court.village.work()
    await court.decide("moderator", (await court.queue())[0], "keep")
    assert await _is_seen(court, answer)
    await court.village.work()
    assert await _is_seen(court, answer)
    assert await court.queue() == []


async def test_the_author_is_led_to_the_statement_on_the_pages(court: Court) -> None:
    await _list(court, Kind.TEXT, _TEXT)
    author = await court.village.by_browser("author")
    token = (await author.get("/posts/new")).text.partition('name="form_token" value="')[2].partition('"')[0]
    answer = await author.post("/posts", {"form_token": token, "text": _TEXT, "visibility": "0"})
    assert answer.status == 303, answer.text
    shown = await author.get((await author.get(answer.headers["location"])).headers["location"])
    assert "until people" in shown.text
    assert "Rule" in shown.text


async def test_a_known_file_is_held_also_if_only_its_uploaded_bytes_are_known(court: Court) -> None:
    content = encoded(drawing())
    await _list(court, Kind.FILE, hashlib.sha256(content).hexdigest())
    assert not await _is_seen(court, await _publish(court, "Obrázek", content))
    assert await _is_seen(court, await _publish(court, "Jiný obrázek", encoded(drawing(seed=2))))


async def test_a_like_picture_is_reported_and_stays_visible(court: Court) -> None:
    await _list(court, Kind.PICTURE, f"{hash_picture(encoded(drawing()))[0]:064x}")
    copy = ImageOps.mirror(drawing(extra=True).resize((450, 300)))
    answer = await _publish(court, "Obrázek", encoded(copy, "JPEG", quality=60))
    other = await _publish(court, "Jiný obrázek", encoded(drawing(seed=2)))
    await court.village.work()
    assert await _is_seen(court, answer)
    assert await _is_seen(court, other)
    case, = await court.queue()
    assert str(case.subject_id) == answer.json["id"]
    assert 0.5 < case.probability < 0.9


async def test_a_like_picture_among_very_many_is_found_by_the_index(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    values = [f"{clock.draw(2**256):064x}" for _ in range(3000)]
    await _list(court, Kind.PICTURE, *values)
    async with court.database.read() as conn:
        statements: list[tuple[str, Any]] = []
        fetch = ReadConn.fetch

        def record(self: ReadConn, sql: str, *args: Any) -> Any:
            statements.append((sql, args))
            return fetch(self, sql, *args)

        monkeypatch.setattr(ReadConn, "fetch", record)
        found = await list_near(conn, turned(int(values[7], 16))[5] ^ 0b111)
        monkeypatch.undo()
        assert [(match.entry.value, match.distance) for match in found] == [(values[7], 3)]
        (sql, args), = statements
        plan = "\n".join(row[0] for row in await conn.fetch("EXPLAIN " + sql, *args))
        assert "Index Scan on hash_entries_chunks" in plan, plan
        assert "Seq Scan on hash_entries" not in plan


async def test_a_list_of_signals_only_reports(court: Court) -> None:
    await _list(court, Kind.TEXT, _TEXT, effect=Effect.SIGNAL)
    answer = await _publish(court, _TEXT)
    await court.village.work()
    assert await _is_seen(court, answer)
    assert len(await court.queue()) == 1


async def test_an_edit_into_a_known_text_is_hidden(court: Court) -> None:
    await _list(court, Kind.TEXT, _TEXT)
    answer = await _publish(court, "Dobré ráno")
    await court.village.work()
    author = await court.village.by_app("author")
    assert (await author.send("PUT", f"/api/v1/statuses/{answer.json['id']}", {"status": _TEXT})).status == 200
    await court.village.work()
    assert not await _is_seen(court, answer)


@pytest.mark.parametrize("part", ["cover", "poll", "picture"])
async def test_covers_polls_and_descriptions_are_searched_for_addresses(court: Court, part: str) -> None:
    await _list(court, Kind.ADDRESS, "bad.example")
    if part == "cover":
        answer = await _publish(court, "Dobré ráno", spoiler_text="bad.example")
    elif part == "poll":
        answer = await _publish(court, "Kam?", **{"poll[options][]": ["bad.example", "nikam"], "poll[expires_in]": 3600})
    else:
        app = await court.village.by_app("author")
        media = (await app.upload("/api/v2/media", "file", encoded(drawing()), description="Viz bad.example")).json["id"]
        answer = await app.post("/api/v1/statuses", {"status": "Dobré ráno", "media_ids[]": [media]})
    assert answer.status == 200, answer.text
    assert not await _is_seen(court, answer)


async def test_a_profile_is_reported_but_never_hidden(court: Court) -> None:
    await _list(court, Kind.ADDRESS, "bad.example")
    author = await court.village.by_app("author")
    field = {"fields_attributes[0][name]": "Web", "fields_attributes[0][value]": "bad.example"}
    await author.send("PATCH", "/api/v1/accounts/update_credentials", field)
    await court.village.work()
    case, = await court.queue()
    assert (case.subject, case.clause) == ("account", "spam")
    assert (await (await court.village.by_app("reader")).get(f"/api/v1/accounts/{court.village.people['author'].id}")).status == 200


async def test_private_messages_are_never_compared(court: Court) -> None:
    await _list(court, Kind.TEXT, f"{_TEXT}")
    await _list(court, Kind.ADDRESS, "bad.example", name="addresses")
    answer = await _publish(court, "@reader https://bad.example/", visibility="direct")
    await court.village.work()
    assert await _is_seen(court, answer)
    assert await court.queue() == []


async def test_what_was_removed_is_recognised_from_then_on_and_among_earlier_posts(court: Court) -> None:
    copy = await _publish(court, f"{_TEXT}!!")
    content = encoded(drawing())
    first = await _publish(court, _TEXT, content)
    await court.village.work()
    view = await court.village.write("author", "jiný příspěvek, aby tu bylo víc než jeden")
    app = await court.village.by_app("reporter")
    await app.post("/api/v1/reports", {"account_id": str(view.post.author.id), "status_ids[]": first.json["id"], "rule_ids[]": "7"})
    case, = await court.queue()
    await court.decide("moderator", case, "remove", clause="spam")
    async with court.database.write() as tx:
        assert await recognise_post(tx, await court.viewer("moderator"), case, "spam") == 4  # text, two files, picture
        tx.enqueue(SCAN_JOB, Scan())
    async with court.database.write() as tx:
        assert await recognise_post(tx, await court.viewer("moderator"), case, "spam") == 0
    await court.village.work()
    assert not await _is_seen(court, copy)
    assert not await _is_seen(court, await _publish(court, "Jiná slova", content))
    waiting = {str(one.subject_id) for one in await court.queue()}
    assert copy.json["id"] in waiting
    assert str(view.post.id) not in waiting


async def test_a_post_without_anything_recognisable_is_refused(court: Court) -> None:
    view = await court.village.write("author", "Ano.")
    await court.report("reporter", view, clauses=("spam",))
    case, = await court.queue()
    async with court.database.write() as tx:
        with pytest.raises(Invalid):
            await recognise_post(tx, await court.viewer("moderator"), case, "spam")


async def test_changes_are_in_the_journal_and_mistakes_are_refused(court: Court) -> None:
    await _list(court, Kind.ADDRESS, "bad.example", "worse.example")
    async with court.database.write() as tx:
        with pytest.raises(Conflict):
            await create_list(tx, "known", Effect.HOLD)
    async with court.database.write() as tx:
        with pytest.raises(Invalid):
            await create_list(tx, "Not a name", Effect.HOLD)
    async with court.database.write() as tx:
        await remove_entry(tx, "known", Kind.ADDRESS, "bad.example")
        with pytest.raises(NotFound):
            await remove_entry(tx, "known", Kind.ADDRESS, "bad.example")
    async with court.database.read() as conn:
        assert [entry.value for entry in await list_entries(conn, "known", 10)] == ["worse.example"]
        facts = [row["facts"] for row in await conn.fetch("SELECT facts FROM journal WHERE kind = 'hash_list.changed' ORDER BY id")]
    assert facts == ['{"list":"known","made":"hold"}', '{"added":2,"list":"known"}', '{"list":"known","removed":1}']
    assert REMOVED_HERE not in str(facts)
    assert await _is_seen(court, await _publish(court, "https://bad.example/"))

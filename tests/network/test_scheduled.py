"""Scheduled posts: checked when they are written and again when they are published, once and only once, and never lost."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image

from folkmoot.base import clock
from folkmoot.base.db import Database, WriteTx
from folkmoot.base.errors import Forbidden, Invalid, NotFound, Unavailable
from folkmoot.base.paging import Page
from folkmoot.network.accounts.actions import set_effect
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.accounts.queries import get_account
from folkmoot.network.media.actions import clear_abandoned, remove_picture, upload_picture
from folkmoot.network.media.model import Upload
from folkmoot.network.media.store import media_store
from folkmoot.network.notifications.queries import list_notifications
from folkmoot.network.posts import actions as posts
from folkmoot.network.posts.model import PollDraft, PostDraft, PostEffect, PostView, Visibility
from folkmoot.network.posts.queries import get_post_view, list_account_post_ids
from folkmoot.network.posts.screening import Screener, let_pass
from folkmoot.network.scheduled import actions, queries
from folkmoot.network.scheduled import jobs as scheduled_jobs
from folkmoot.network.scheduled.jobs import publish_due
from folkmoot.network.scheduled.model import MOST_PER_DAY, MOST_SCHEDULED, MOST_TRIES, SOONEST, Failure, ScheduledPost
from tests.village import LIMITS, Village, settle, write

HOUR = timedelta(hours=1)


async def _schedule(db: Database, author: Account, text: str = "Zítra", due_at: datetime | None = None, **draft: object) -> ScheduledPost:
    async with db.write() as tx:
        made = await actions.schedule_post(tx, author, PostDraft(text=text, **draft), due_at or clock.now() + HOUR, LIMITS)  # type: ignore[arg-type]
    assert isinstance(made, ScheduledPost)
    return made


async def _publish(db: Database, after: timedelta = HOUR + timedelta(seconds=1)) -> None:
    with clock.stopped_at(clock.now() + after):
        await publish_due(db, LIMITS, let_pass)


async def _scheduled(db: Database, author: Account) -> list[ScheduledPost]:
    async with db.read() as conn:
        return await queries.list_all_scheduled(conn, author.id)


async def _written(db: Database, author: Account) -> list[PostView]:
    async with db.read() as conn:
        ids = await list_account_post_ids(conn, author.id, author.id, Page())
        return [await get_post_view(conn, id_, author.id) for id_ in ids]


async def _told(db: Database, author: Account) -> list[tuple[str, int | None]]:
    async with db.read() as conn:
        return [(one.kind, one.reference_id) for one in await list_notifications(conn, author.id, Page())]


async def _upload(village: Village, author: Account, colour: str = "red") -> Upload:
    out = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(out, "PNG")
    return await upload_picture(village.database, media_store(village.settings), author, out.getvalue(), description="Kašna")


async def test_a_post_is_published_at_its_time_as_any_other(db: Database) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    parent = await write(db, karel, "Kdy?", visibility=Visibility.UNLISTED)
    poll = PollDraft(titles=("ano", "ne"), expires_in=3600)
    due_at = clock.now() + HOUR
    made = await _schedule(db, jana, " @karel #zitra ", due_at, reply_to_id=parent.post.id, cover="Pozor", poll=poll, language="cs")
    assert made.draft.visibility is Visibility.UNLISTED  # decided now, so that the author sees it
    await _publish(db, HOUR - timedelta(seconds=5))
    assert await _written(db, jana) == []
    await _publish(db)
    [view] = await _written(db, jana)
    assert (view.post.text, view.post.cover, view.post.language) == ("@karel #zitra", "Pozor", "cs")
    assert (view.post.reply_to_id, view.post.visibility) == (parent.post.id, Visibility.UNLISTED)
    assert view.post.poll
    assert view.post.poll.expires_at
    assert view.post.poll.expires_at > due_at + HOUR  # an hour from the publication, not from the writing
    assert await _scheduled(db, jana) == []
    assert await _told(db, jana) == []
    async with db.read() as conn:
        events = [row["kind"] for row in await conn.fetch("SELECT kind FROM events WHERE kind LIKE 'post.%' ORDER BY id")]
    assert events == ["post.created", "post.created"]  # of the answered post, and of this one


async def test_a_post_is_published_once_however_often_and_by_whomever_the_job_runs(db: Database) -> None:
    jana = await settle(db, "jana")
    for number in range(5):
        await _schedule(db, jana, f"číslo {number}")
    with clock.stopped_at(clock.now() + 2 * HOUR):
        await asyncio.gather(*(publish_due(db, LIMITS, let_pass) for _ in range(4)))
    await _publish(db, timedelta(hours=3))
    await _publish(db, -HOUR)  # the clock was set back
    assert sorted(view.post.text for view in await _written(db, jana)) == [f"číslo {number}" for number in range(5)]


async def test_a_publication_that_is_interrupted_leaves_the_draft(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    jana = await settle(db, "jana")
    await _schedule(db, jana)

    async def end(_tx: WriteTx, _post_id: int) -> bool:
        raise Unavailable from OSError("the database is gone")

    with clock.stopped_at(clock.now() + 2 * HOUR), pytest.raises(Unavailable):  # the timed job is repeated
        await publish_due(db, LIMITS, Screener("true", end))
    assert (await _written(db, jana), [one.failure for one in await _scheduled(db, jana)]) == ([], [None])
    await _publish(db)
    assert len(await _written(db, jana)) == 1


@pytest.mark.parametrize(("minutes", "is_taken"), [(-60, False), (0, False), (4, False), (6, True)])
async def test_the_time_is_at_least_five_minutes_away(db: Database, minutes: int, is_taken: bool) -> None:
    jana = await settle(db, "jana")
    assert timedelta(minutes=4) < SOONEST < timedelta(minutes=6)
    with nullcontext() if is_taken else pytest.raises(Invalid, match="five minutes"):
        await _schedule(db, jana, due_at=clock.now() + timedelta(minutes=minutes))
    assert len(await _scheduled(db, jana)) == is_taken


async def test_the_numbers_are_limited_for_a_day_and_in_all(db: Database) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    noon = (clock.now() + timedelta(days=2)).astimezone(UTC).replace(hour=12)
    made = [await _schedule(db, jana, due_at=noon) for _ in range(MOST_PER_DAY)]
    for full in (noon, noon.replace(hour=0, minute=0, second=0), noon.replace(hour=23, minute=59)):
        with pytest.raises(Invalid, match="for one day"):
            await _schedule(db, jana, due_at=full)
    other = await _schedule(db, jana, due_at=noon + timedelta(days=1))
    async with db.write() as tx:
        await actions.reschedule_post(tx, jana, made[0].id, noon + HOUR)  # it is one of them
        with pytest.raises(Invalid, match="for one day"):
            await actions.reschedule_post(tx, jana, other.id, noon)
    await _schedule(db, karel, due_at=noon)  # another member
    async with db.write() as tx:
        await tx.execute(
            "INSERT INTO scheduled_posts (id, account_id, due_at, draft, created_at) SELECT n, $1, $2, '{}', now()"
            " FROM generate_series(1, $3::int) AS n",
            jana.id, noon + timedelta(days=9), MOST_SCHEDULED - MOST_PER_DAY - 1,
        )
    with pytest.raises(Invalid, match="300"):
        await _schedule(db, jana, due_at=noon + timedelta(days=3))


async def test_simultaneous_requests_do_not_pass_the_limit(db: Database) -> None:
    jana = await settle(db, "jana")
    noon = (clock.now() + timedelta(days=2)).astimezone(UTC).replace(hour=12)
    for _ in range(MOST_PER_DAY - 1):
        await _schedule(db, jana, due_at=noon)
    ends = await asyncio.gather(*(_schedule(db, jana, due_at=noon) for _ in range(4)), return_exceptions=True)
    assert sorted(isinstance(end, Invalid) for end in ends) == [False, True, True, True]


async def test_what_could_not_be_published_now_is_not_scheduled(db: Database) -> None:
    jana, eva = await settle(db, "jana"), await settle(db, "eva")
    hidden = await write(db, eva, "jen pro nás", visibility=Visibility.FOLLOWERS)
    wrong: list[tuple[type[Exception], dict[str, object]]] = [
        (Invalid, {"text": " "}), (Invalid, {"text": "x" * 501}), (Invalid, {"media_ids": (7,)}),
        (NotFound, {"reply_to_id": hidden.post.id}),
        (Invalid, {"visibility": Visibility.DIRECT}),
    ]
    for problem, draft in wrong:
        with pytest.raises(problem):
            await _schedule(db, jana, **{"text": "Zítra", **draft})  # type: ignore[arg-type]
    await _freeze(db, jana)
    async with db.write() as tx:
        jana = await get_account(tx, jana.id)
    with pytest.raises(Forbidden):
        await _schedule(db, jana)


async def _freeze(db: Database, account: Account, effect: AccountEffect = AccountEffect.FROZEN) -> None:
    async with db.write() as tx:
        await set_effect(tx, account.id, effect)


Spoil = Callable[[Database, Account, PostView], Awaitable[None]]


async def _delete_parent(db: Database, _jana: Account, parent: PostView) -> None:
    async with db.write() as tx:
        await posts.delete_post(tx, parent.post.author, parent.post.id)


async def _hide_parent(db: Database, _jana: Account, parent: PostView) -> None:
    async with db.write() as tx:
        await posts.set_effect(tx, parent.post.id, PostEffect.HIDDEN, None)


async def _freeze_author(db: Database, jana: Account, _parent: PostView) -> None:
    await _freeze(db, jana)


async def _suspend_author(db: Database, jana: Account, _parent: PostView) -> None:
    await _freeze(db, jana, AccountEffect.SUSPENDED)


async def _disable_log_in(db: Database, jana: Account, _parent: PostView) -> None:
    async with db.write() as tx:
        await tx.execute("UPDATE logins SET disabled_at = now() WHERE account_id = $1", jana.id)


async def _lose_picture(db: Database, jana: Account, _parent: PostView) -> None:
    async with db.write() as tx:
        await tx.execute("DELETE FROM media WHERE account_id = $1", jana.id)


@pytest.mark.parametrize(("spoil", "failure"), [
    (_delete_parent, Failure.REPLY), (_hide_parent, Failure.REPLY), (_freeze_author, Failure.FROZEN), (_suspend_author, Failure.FROZEN),
    (_disable_log_in, Failure.FROZEN), (_lose_picture, Failure.PICTURES),
])
async def test_what_cannot_be_published_any_more_is_kept_with_the_reason(village: Village, spoil: Spoil, failure: Failure) -> None:
    db = village.database
    jana, karel = await village.settle("jana", "karel")
    parent, picture = await village.write("karel", "Kdy?"), await _upload(village, jana)
    made = await _schedule(db, jana, "odpověď", reply_to_id=parent.post.id, media_ids=(picture.id,))
    other = await _schedule(db, karel, "něco jiného")
    await spoil(db, jana, parent)
    for _ in range(2):  # told once
        await _publish(db)
        [kept] = await _scheduled(db, jana)
        assert (kept.failure, kept.draft) == (failure, made.draft)
        assert await _told(db, jana) == [("unpublished", made.id)]
    assert other.draft.text in [view.post.text for view in await _written(db, karel)]  # one failure stops no other post


async def test_after_a_failure_the_member_publishes_it_in_another_way(db: Database) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    parent = await write(db, karel, "Kdy?")
    made = [await _schedule(db, jana, f"odpověď {number}", reply_to_id=parent.post.id) for number in range(3)]
    await _delete_parent(db, jana, parent)
    await _publish(db)
    assert len(await _told(db, jana)) == 3
    async with db.write() as tx:
        changed = await actions.change_scheduled(tx, jana, made[0].id, PostDraft(text="samostatně"), clock.now() + 2 * HOUR, LIMITS)
    assert changed.failure is None
    async with db.write() as tx:
        await actions.delete_scheduled(tx, jana, made[1].id)
    assert await _told(db, jana) == [("unpublished", made[2].id)]
    async with db.write() as tx:
        with pytest.raises(NotFound):
            await actions.publish_scheduled(tx, jana, await queries.lock_scheduled(tx, jana.id, made[2].id), LIMITS, let_pass)
    await _publish(db, 3 * HOUR)
    assert [view.post.text for view in await _written(db, jana)] == ["samostatně"]


async def test_an_error_of_ours_is_tried_again_and_then_kept(db: Database, caplog: pytest.LogCaptureFixture) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    await _schedule(db, jana, "rozbité")
    await _schedule(db, karel, "v pořádku")

    async def fail(tx: WriteTx, post_id: int) -> bool:
        if await tx.fetchval("SELECT text FROM posts WHERE id = $1", post_id) == "rozbité":
            raise ZeroDivisionError
        return False

    for turn in range(1, MOST_TRIES + 2):
        with clock.stopped_at(clock.now() + 2 * HOUR):
            await publish_due(db, LIMITS, Screener("true", fail))
        [kept] = await _scheduled(db, jana)
        assert (kept.failure, len(await _told(db, jana))) == ((Failure.ERROR, 1) if turn >= MOST_TRIES else (None, 0))
    assert [view.post.text for view in await _written(db, karel)] == ["v pořádku"]
    assert "ZeroDivisionError" in caplog.text
    assert "rozbité" not in caplog.text
    caplog.clear()


async def test_a_change_while_it_fails_is_not_overwritten(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    parent = await write(db, karel, "Kdy?")
    made = await _schedule(db, jana, reply_to_id=parent.post.id)
    await _delete_parent(db, jana, parent)
    remember = scheduled_jobs._remember

    async def change_before(database: Database, scheduled: ScheduledPost, error: Exception) -> None:
        async with database.write() as tx:
            await actions.change_scheduled(tx, jana, made.id, PostDraft(text="jinak"), clock.now() + HOUR, LIMITS)
        await remember(database, scheduled, error)

    monkeypatch.setattr(scheduled_jobs, "_remember", change_before)
    await _publish(db)
    assert [(one.failure, one.draft.text) for one in await _scheduled(db, jana)] == [(None, "jinak")]
    assert await _told(db, jana) == []


async def test_pictures_are_reserved(village: Village) -> None:
    db, store = village.database, media_store(village.settings)
    [jana] = await village.settle("jana")
    kept, swapped, lost = [await _upload(village, jana, colour) for colour in ("red", "blue", "green")]
    made = await _schedule(db, jana, media_ids=(kept.id, swapped.id))
    with pytest.raises(Invalid):
        await _schedule(db, jana, "druhý", media_ids=(kept.id,))
    async with db.write() as tx:
        with pytest.raises(Invalid):
            await posts.create_post(tx, jana, PostDraft(text="hned", media_ids=(kept.id,)), LIMITS)
    async with db.write() as tx:
        with pytest.raises(Invalid, match="part of a post"):
            await remove_picture(tx, store, jana, kept.id)
        await tx.execute("UPDATE media SET created_at = created_at - interval '2 days'")
    await clear_abandoned(db, store)
    async with db.read() as conn:
        assert {row["id"] for row in await conn.fetch("SELECT id FROM media")} == {kept.id, swapped.id}  # not the unused one
    assert lost
    async with db.write() as tx:
        changed = await actions.change_scheduled(tx, jana, made.id, PostDraft(text="Zítra", media_ids=(kept.id,)), made.due_at, LIMITS)
    assert changed.draft.media_ids == (kept.id,)
    await clear_abandoned(db, store)  # the other one can be used for another day
    await write(db, jana, "hned", media_ids=(swapped.id,))
    await _publish(db)
    assert [[picture.id for picture in view.post.pictures] for view in await _written(db, jana)] == [[kept.id], [swapped.id]]


async def test_pictures_of_a_deleted_draft_can_be_used_again(village: Village) -> None:
    db = village.database
    [jana] = await village.settle("jana")
    picture = await _upload(village, jana)
    made = await _schedule(db, jana, media_ids=(picture.id,))
    async with db.write() as tx:
        await actions.delete_scheduled(tx, jana, made.id)
    assert await _scheduled(db, jana) == []
    assert (await write(db, jana, "hned", media_ids=(picture.id,))).post.pictures[0].id == picture.id


async def test_nobody_reaches_the_posts_of_another_member(db: Database) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    made = await _schedule(db, jana)
    async with db.write() as tx:
        for act in (
            queries.get_scheduled(tx, karel.id, made.id), queries.lock_scheduled(tx, karel.id, made.id),
            actions.delete_scheduled(tx, karel, made.id), actions.reschedule_post(tx, karel, made.id, clock.now() + HOUR),
            actions.change_scheduled(tx, karel, made.id, PostDraft(text="x"), clock.now() + HOUR, LIMITS),
        ):
            with pytest.raises(NotFound):
                await act
    assert await _scheduled(db, karel) == []


async def test_a_repeated_request_schedules_once_and_never_publishes_a_second_post(db: Database) -> None:
    jana = await settle(db, "jana")
    due_at = clock.now() + timedelta(minutes=10)
    made = await _schedule(db, jana, due_at=due_at, idempotency_key="k")
    assert await _schedule(db, jana, due_at=due_at, idempotency_key="k") == made
    assert len(await _scheduled(db, jana)) == 1
    await _publish(db, timedelta(minutes=11))
    async with db.write() as tx:
        again = await actions.schedule_post(tx, jana, PostDraft(text="Zítra", idempotency_key="k"), due_at, LIMITS)
    assert isinstance(again, PostView)
    assert [view.post.id for view in await _written(db, jana)] == [again.post.id]

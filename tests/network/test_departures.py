"""Leaving: hidden at once, as before after a regret, and afterwards really gone, also when the removal is interrupted."""

import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from PIL import Image

from folkmoot.app import jobs
from folkmoot.base import clock
from folkmoot.base.db import CacheTx, Database, WriteTx
from folkmoot.base.errors import Conflict, Forbidden, Invalid, NotFound, TooMany
from folkmoot.network.accounts.actions import ProfileDraft, create_account, set_pictures, update_profile
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.accounts.queries import find_account_by_name, get_account, lock_account
from folkmoot.network.departures import actions, removal
from folkmoot.network.departures.model import Leaving
from folkmoot.network.domain_blocks.actions import block_domains
from folkmoot.network.endorsements.actions import endorse
from folkmoot.network.folding import fold_counters
from folkmoot.network.followed_tags.actions import follow_hashtag
from folkmoot.network.media.actions import upload_picture
from folkmoot.network.media.model import Purpose
from folkmoot.network.media.store import media_store
from folkmoot.network.notifications import actions as notifications
from folkmoot.network.notifications.model import Treatment
from folkmoot.network.posts import actions as posts
from folkmoot.network.posts.model import PollDraft, PostDraft, PostView, Visibility
from folkmoot.network.relations import actions as relations
from folkmoot.network.scheduled.actions import schedule_post
from folkmoot.network.sessions import queries as logins
from folkmoot.network.sessions.actions import start_session
from folkmoot.network.sessions.apps import issue_token, register_app
from folkmoot.network.sessions.invitations import invite
from folkmoot.network.sessions.mails import Mail, send_mail
from folkmoot.network.sessions.model import OUT_OF_BAND, Role, Viewer
from folkmoot.network.sessions.password_change import ask_for_reset
from folkmoot.network.sessions.passwords import hash_password
from folkmoot.network.suggestions.actions import dismiss_suggestion
from tests.dump import dump
from tests.invariants import list_broken
from tests.moderation.jury_box import JuryBox
from tests.village import LIMITS, Village

NAME, EMAIL, SECRET = "vilemina", "vilemina@example.org", "jahodovylouh"
# Tables in which the bare id may stay: records of moderation (decision 0046), and events, which are deleted after a month.
IDS_STAY = {"cases", "signals", "reports", "report_cases", "statements", "restrictions", "appeals", "verdicts", "journal", "events"}


def _picture(color: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (60, 40), color).save(out, "PNG")
    return out.getvalue()


async def _full_life(village: Village) -> Account:
    """An account with rows in every table that can hold some, beside two others who have to do with it."""
    db, store = village.database, media_store(village.settings)
    her, karel, eva = await village.settle(NAME, "karel", "eva")
    picture = await upload_picture(db, store, her, _picture("red"), description=SECRET)
    avatar = await upload_picture(db, store, her, _picture("blue"), purpose=Purpose.AVATAR)
    await upload_picture(db, store, her, _picture("green"), description=SECRET)  # never attached
    reserved = await upload_picture(db, store, her, _picture("pink"), description=SECRET)
    await upload_picture(db, store, karel, _picture("red"))  # the same file
    for one, other in ((NAME, "karel"), ("karel", NAME), ("eva", NAME), ("karel", "eva")):
        await village.follow(one, other)
    first = await village.write(NAME, f"{SECRET} #{SECRET} @karel", media_ids=(picture.id,))
    reply = await village.write("karel", f"Ahoj @{NAME} a @Vilemina!", reply_to_id=first.post.id)
    await village.write(NAME, f"odpověď {SECRET}", reply_to_id=reply.post.id)
    await village.write("eva", "mlčí o jménu", reply_to_id=first.post.id)
    gone = await village.write(NAME, f"dávno {SECRET}")
    await village.write("eva", "bez rodiče", reply_to_id=gone.post.id)
    direct = await village.write(NAME, f"@eva {SECRET}", visibility=Visibility.DIRECT)
    await village.write("eva", f"@{NAME} tajně", visibility=Visibility.DIRECT, reply_to_id=direct.post.id)
    await village.write("karel", "viz", quoted_id=first.post.id)
    await village.write(NAME, f"viz {SECRET}", quoted_id=reply.post.id)
    poll = await village.write("karel", "Kudy?", poll=PollDraft(titles=("tudy", "tamtudy"), expires_in=3600))
    own_poll = await village.write(NAME, SECRET, poll=PollDraft(titles=("ano", "ne"), expires_in=3600))
    async with db.write() as tx:
        await posts.delete_post(tx, her, gone.post.id)
        account = await update_profile(tx, await lock_account(tx, her.id), ProfileDraft(display_name="Vilemína", bio=SECRET), "http://x")
        await set_pictures(tx, account, avatar_key=avatar.key, header_key=None)
        await posts.edit_post(tx, karel, reply.post.id, PostDraft(text=f"Ahoj @{NAME}, opraveno"), LIMITS)
        for view in (reply, poll):
            await posts.favourite_post(tx, her, view.post.id)
            await posts.bookmark_post(tx, her, view.post.id)
        await posts.boost_post(tx, her, poll.post.id)
        await posts.boost_post(tx, eva, first.post.id)
        await posts.favourite_post(tx, karel, first.post.id)
        await posts.vote_in_poll(tx, her, _poll(poll), [0])
        await posts.vote_in_poll(tx, eva, _poll(poll), [1])
        await posts.vote_in_poll(tx, karel, _poll(own_poll), [1])
        await relations.mute(tx, her, eva.id)
        await relations.write_note(tx, karel, her.id, "starost")
        await relations.write_note(tx, her, eva.id, SECRET)
        await posts.mute_conversation(tx, her, reply.post.id)
        for account in (her, eva):
            await notifications.change_policy(tx, account.id, {"for_not_following": Treatment.FILTER})
        await block_domains(tx, her, ["daleko.example"], "localhost")
        for one, other in ((her, karel), (karel, her)):
            await endorse(tx, one, other.id)
        for one, other in ((her, eva), (eva, her)):
            await dismiss_suggestion(tx, one.id, other.id)
        login = await logins.get_login(tx, her.id)
        await start_session(tx, login, SECRET, "192.0.2.77")
        app = await register_app(tx, "Zvonek", [OUT_OF_BAND], "read")
        await issue_token(tx, app.id, her.id, "read")
        await invite(tx, Viewer(account=her, login=login))
        later = PostDraft(text=SECRET, media_ids=(reserved.id,))
        await schedule_post(tx, her, later, clock.now() + timedelta(days=1), LIMITS)
        await follow_hashtag(tx, her, SECRET)
        await tx.execute("UPDATE accounts SET created_at = created_at - interval '30 days' WHERE id = $1", her.id)
    box = JuryBox(village)
    await box.apply(NAME)
    await box.train(NAME, misses=1)
    await village.settle("adam")  # a stranger to her
    await village.write("adam", f"@{NAME} dobrý den")
    await village.work()
    async with db.write() as tx:
        assert await tx.fetchval("SELECT count(*) FROM notification_requests WHERE account_id = $1", her.id) == 1
        await tx.execute("INSERT INTO notification_requests (account_id, sender_id, id) VALUES ($1, $2, 1)", eva.id, her.id)
    return her


def _poll(view: PostView) -> int:
    assert view.post.poll
    return view.post.poll.id


async def _leave(village: Village, account: Account) -> None:
    """Leaves without time to regret, and removes the account."""
    async with village.database.write() as tx:
        await actions.begin_departure(tx, account.id, wait=timedelta(0))
    await village.work()


async def _require_gone(village: Village, her: Account) -> None:
    """No row and no file holds her name, address, texts or id, but for others' words and records of moderation."""
    async with village.database.write() as tx:
        await tx.execute("UPDATE hashtags SET created_at = created_at - interval '2 hours'")
    await posts.forget_hashtags(village.database)
    await fold_counters(village.database)
    for table, rows in (await dump(village.database)).items():
        for row in rows:
            assert EMAIL not in row, table
            assert SECRET not in row, table
            assert "Vilemína" not in row, table
            assert str(her.id) not in row or table in IDS_STAY, (table, row)
            if NAME in row.lower():
                assert table in ("posts", "post_edits"), (table, row)
                assert json.loads(row)["text"].lower().count(NAME) == json.loads(row)["html"].lower().count(NAME)
                assert f"/@{NAME}" not in row.lower()
    assert [file.name for file in village.settings.data.glob("outbox/*") if NAME in file.read_text()] == []
    async with village.database.read() as conn:
        known = {row[0].hex() for row in await conn.fetch("SELECT sha256 FROM media_files")}
        assert {file.stem for file in village.settings.data.glob("media/??/*")} == known
        assert len(known) == 1  # the picture that karel has too; small ones are their own preview
        assert not await list_broken(conn)


async def test_everything_is_gone_and_the_counts_are_right(village: Village) -> None:
    her = await _full_life(village)
    before = "".join(row for rows in (await dump(village.database)).values() for row in rows)
    assert all(part in before for part in (NAME, EMAIL, SECRET, "Vilemína", str(her.id)))
    await ask_for_reset(village.database, EMAIL, "http://x", address="192.0.2.77")
    await _leave(village, her)
    async with village.database.write() as tx:
        await tx.execute("UPDATE jobs SET due_at = now()")  # it waits if the mail to set a password is just being sent
    await village.work()
    await _require_gone(village, her)
    async with village.database.read() as conn:
        assert (await get_account(conn, village.people["karel"].id)).counts.followers == 0
        assert (await get_account(conn, village.people["karel"].id)).counts.following == 1
        assert await conn.fetchval("SELECT voters FROM polls") == 1


async def test_what_others_wrote_stays(village: Village) -> None:
    her = await _full_life(village)
    await _leave(village, her)
    async with village.database.read() as conn:
        rows = await conn.fetch("SELECT id, reply_to_id, reply_to_account_id FROM posts WHERE text = 'bez rodiče' OR text LIKE 'Ahoj%'")
        assert [(row[1], row[2]) for row in rows] == [(None, 0), (None, 0)]  # still replies, to nobody who is named
    answer = await (await village.by_app("eva")).get(f"/api/v1/statuses/{rows[0]['id']}")
    assert (answer.json["in_reply_to_id"], answer.json["in_reply_to_account_id"]) == (None, None)


class _Killed(Exception):
    """The process ends here."""


class _MortalDatabase:
    """A database whose process is killed after some writes: the last one before or after its commit."""

    def __init__(self, database: Database, writes: int, *, commits: bool) -> None:
        self._database, self._left, self._commits = database, writes, commits

    def __getattr__(self, name: str) -> object:
        return getattr(self._database, name)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[WriteTx]:
        self._left -= 1
        async with self._database.write() as tx:
            yield tx
            if self._left <= 0 and not self._commits:
                raise _Killed
        if self._left <= 0:
            raise _Killed


@pytest.mark.parametrize("commits", [False, True])
async def test_a_removal_can_be_killed_at_any_moment(village: Village, monkeypatch: pytest.MonkeyPatch, commits: bool) -> None:
    monkeypatch.setattr(removal, "POSTS_AT_ONCE", 2)
    monkeypatch.setattr(removal, "ROWS_AT_ONCE", 2)
    her = await _full_life(village)
    async with village.database.write() as tx:
        departure, _ = await actions.begin_departure(tx, her.id, wait=timedelta(0))
        await tx.execute("DELETE FROM jobs WHERE name = 'departures.remove'")
    remove = next(job.handler for job in jobs(village.settings) if job.name == "departures.remove")
    for writes in range(1, 40):
        try:
            await remove(_MortalDatabase(village.database, writes, commits=commits), Leaving(her.id, departure.asked_at))  # type: ignore[arg-type]
            break
        except _Killed:
            continue
    assert writes > 8
    await village.work()
    await _require_gone(village, her)
    async with village.database.read() as conn:
        told = [row[0] for row in await conn.fetch("SELECT kind || payload::text FROM events WHERE kind LIKE '%.deleted'")]
    assert len(told) == len(set(told))
    assert sum(one.startswith("account.deleted") for one in told) == 1


async def test_a_long_removal_lets_others_have_their_turn(village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "_LONGEST_RUN", -1.0)
    her = await _full_life(village)
    runs = 0
    count = removal.Remover.remove

    async def counted(self: removal.Remover, database: Database, wanted: Leaving) -> None:
        nonlocal runs
        runs += 1
        await count(self, database, wanted)

    monkeypatch.setattr(removal.Remover, "remove", counted)
    async with village.database.write() as tx:
        await actions.begin_departure(tx, her.id, wait=timedelta(0))
    for _ in range(5):
        await village.work()
    assert runs > 3


async def _effects(db: Database, *accounts: Account) -> list[tuple[AccountEffect, int]]:
    await fold_counters(db)
    async with db.read() as conn:
        found = [await get_account(conn, account.id) for account in accounts]
    return [(account.effect, account.counts.followers) for account in found]


async def test_a_regret_restores_everything_but_the_log_ins(village: Village) -> None:
    her = await _full_life(village)
    db, karel = village.database, village.people["karel"]
    before = await _effects(db, her, karel)
    browser = await village.by_browser(NAME)
    async with db.write() as tx:
        _, code = await actions.begin_departure(tx, her.id)
        assert tx.told == ["account.changed"]
    assert await _effects(db, her, karel) == [(AccountEffect.SUSPENDED, 0), (AccountEffect.NONE, 0)]
    assert (await village.nobody().get(f"/@{NAME}")).status == 404
    assert (await browser.get("/settings")).status == 303
    async with db.write() as tx:
        await actions.stay(tx, code)
        assert tx.told == ["account.changed"]
    assert await _effects(db, her, karel) == before
    assert (await village.nobody().get(f"/@{NAME}")).status == 200
    assert (await browser.get("/settings")).status == 303
    async with db.write() as tx:
        with pytest.raises(NotFound):
            await actions.stay(tx, code)
        await tx.execute("UPDATE jobs SET due_at = now()")
    await village.work()  # the job of the departure that was stopped
    assert await _effects(db, her, karel) == before
    async with db.read() as conn:
        assert not await list_broken(conn)


async def test_nobody_stays_once_the_removal_has_begun(village: Village) -> None:
    her, = await village.settle(NAME)
    async with village.database.write() as tx:
        await actions.begin_departure(tx, her.id)
        await tx.execute("UPDATE departures SET state = 'removing'")
    async with village.database.write() as tx:
        assert not await actions.keep_account(tx, her.id)
        with pytest.raises(Conflict):
            await actions.begin_departure(tx, her.id)


async def test_a_removal_waits_for_its_time(village: Village) -> None:
    """Also when the clock was set back since the member left, so that the job is due before the departure."""
    her, = await village.settle(NAME)
    async with village.database.write() as tx:
        await actions.begin_departure(tx, her.id)
    async with village.database.write() as tx:
        await tx.execute("UPDATE jobs SET due_at = now()")
    await village.work()
    async with village.database.write() as tx:
        assert await find_account_by_name(tx, NAME)
        await tx.execute("UPDATE departures SET due_at = now()")
        assert await tx.execute("UPDATE jobs SET due_at = now() WHERE name = 'departures.remove'") == 1
    await village.work()
    async with village.database.read() as conn:
        assert await find_account_by_name(conn, NAME) is None


async def test_the_only_operator_cannot_leave(village: Village) -> None:
    one, other = await village.settle("jana", "karel", role=Role.OPERATOR)
    async with village.database.write() as tx:
        await actions.begin_departure(tx, one.id)
    with pytest.raises(Forbidden):
        async with village.database.write() as tx:
            await actions.begin_departure(tx, other.id)
    async with village.database.write() as tx:
        await actions.keep_account(tx, one.id)
        await actions.begin_departure(tx, other.id)


async def test_a_decision_during_the_half_hour_applies_after_a_regret(village: Village) -> None:
    her = await _full_life(village)
    async with village.database.write() as tx:
        await actions.begin_departure(tx, her.id)
        assert not await posts.set_account_effect(tx, her.id, AccountEffect.FROZEN)
    assert (await _effects(village.database, her))[0][0] is AccountEffect.SUSPENDED
    async with village.database.write() as tx:
        await actions.keep_account(tx, her.id)
    assert await _effects(village.database, her) == [(AccountEffect.FROZEN, 2)]
    async with village.database.read() as conn:
        assert not await list_broken(conn)


@pytest.mark.parametrize("again", [NAME, NAME.upper()])
async def test_the_name_is_given_to_nobody_else(village: Village, again: str) -> None:
    her, = await village.settle(NAME)
    await _leave(village, her)
    with pytest.raises(Invalid):
        async with village.database.write() as tx:
            await create_account(tx, again)


async def test_mails_in_the_outbox_are_removed(village: Village) -> None:
    her, karel = await village.settle(NAME, "karel")
    async with village.database.write() as tx:
        for account in (her, karel):
            await actions.begin_departure(tx, account.id)
    await village.work()
    outbox = village.settings.data / "outbox"
    assert len(list(outbox.iterdir())) == 2
    async with village.database.write() as tx:
        await tx.execute("UPDATE departures SET due_at = now() WHERE account_id = $1", her.id)
        await tx.execute("UPDATE jobs SET due_at = now() WHERE name = 'departures.remove'")
    await village.work()
    [left] = outbox.iterdir()
    assert "karel@example.org" in left.read_text()


async def test_a_mention_at_the_last_moment_is_forgotten_too(village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody mentions the hidden account after its mentions were removed, and before its row is."""
    her, _ = await village.settle(NAME, "karel")
    last = removal.delete_home

    async def mentioned(cache: CacheTx, account_id: int) -> None:
        await village.write("karel", f"@{NAME} pozdě")
        await last(cache, account_id)

    monkeypatch.setattr(removal, "delete_home", mentioned)
    await _leave(village, her)
    await village.work()
    rows = [row for rows in (await dump(village.database)).values() for row in rows]
    rows = [row for row in rows if NAME in row or (str(her.id) in row and "kind" not in row)]
    assert [json.loads(row)["html"] for row in rows] == [f"<p>@{NAME} pozdě</p>"]


async def test_leaving_and_staying_again_and_again_is_limited(village: Village) -> None:
    her, = await village.settle(NAME)
    async with village.database.write() as tx:
        await logins.update_password(tx, her.id, await hash_password("tri hrusky ve stodole"))
        viewer = Viewer(account=her, login=await logins.get_login(tx, her.id))
    for _ in range(5):
        await actions.leave(village.database, viewer, "tri hrusky ve stodole")
        async with village.database.write() as tx:
            await actions.keep_account(tx, her.id)
    with pytest.raises(TooMany):
        await actions.leave(village.database, viewer, "tri hrusky ve stodole")
    async with village.database.read() as conn:
        assert (await get_account(conn, her.id)).effect is AccountEffect.NONE


async def test_a_removal_waits_for_a_mail_that_is_being_sent(village: Village) -> None:
    her, = await village.settle(NAME)
    async with village.database.write() as tx:
        departure, _ = await actions.begin_departure(tx, her.id, wait=timedelta(0))
        send_mail(tx, Mail("export", EMAIL, "en", "/settings/export"))
        await tx.flush()
        await tx.execute("DELETE FROM jobs WHERE name = 'departures.remove'")
        await tx.execute("UPDATE jobs SET worker = 1")
    remove = next(job.handler for job in jobs(village.settings) if job.name == "departures.remove")
    await remove(village.database, Leaving(her.id, departure.asked_at))
    async with village.database.write() as tx:
        assert (await logins.get_login(tx, her.id)).email == EMAIL
        await tx.execute("DELETE FROM jobs WHERE worker = 1")
        assert await tx.execute("UPDATE jobs SET due_at = now() WHERE name = 'departures.remove'") == 1
    await village.work()
    async with village.database.read() as conn:
        assert await find_account_by_name(conn, NAME) is None

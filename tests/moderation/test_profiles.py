"""Profiles are examined like posts, at sign-up and at each change. A profile is never hidden before a decision."""

import re

import pytest

from folkmoot.base.errors import Conflict
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.detection.jobs import Examiner
from folkmoot.moderation.detection.model import Finding
from folkmoot.moderation.detection.queries import list_post_texts_unscoped, list_profile_texts_unscoped
from folkmoot.moderation.verdicts.actions import decide_case
from folkmoot.moderation.verdicts.model import Decision
from folkmoot.network.accounts.actions import ProfileDraft, create_account, update_profile
from folkmoot.network.accounts.model import AccountEffect, AccountUpdated
from folkmoot.network.media.actions import upload_picture
from folkmoot.network.media.store import media_store
from folkmoot.network.posts.model import PollDraft
from tests.api.test_accounts import picture
from tests.moderation.court import Court
from tests.village import LIMITS
from tests.web.test_pages import form_token

_THREAT = "Zítra si na tebe počkám před školou a rozbiju ti hubu, zabiju tě."


class _KeywordDetector:
    """A detector whose finding is named in the text: `queue` or `hide`."""

    def score(self, texts: list[str], langs: list[str | None]) -> list[Finding]:
        return [
            Finding(score=0.9 if "hide" in text else 0.5, queue="queue" in text or "hide" in text, hide="hide" in text, reasons=("hide",),
                    detector="says", version="1")
            for text in texts
        ]


async def _describe(court: Court, **draft: object) -> None:
    async with court.database.write() as tx:
        await update_profile(tx, court.village.people["author"], ProfileDraft(**draft), LIMITS.base_url)  # type: ignore[arg-type]


async def _examine(court: Court) -> None:
    await Examiner(_KeywordDetector).examine_changed_profile(court.database, AccountUpdated(account_id=court.village.people["author"].id))


async def _effect(court: Court) -> AccountEffect:
    return (await court.viewer("author")).account.effect


@pytest.mark.parametrize("draft", [
    {"bio": _THREAT}, {"fields": [("Vzkaz", _THREAT)]}, {"fields": [(_THREAT, "ano")]}, {"bio": f"Vesnice.\n\n{_THREAT}\n\nPěkný den."},
])
async def test_a_threat_in_a_profile_becomes_a_case_of_the_account_by_the_worker(court: Court, draft: dict[str, object]) -> None:
    await court.village.work()
    assert not await court.queue()  # usernames alone get no signal
    await _describe(court, **draft)
    await court.village.work()
    case, = await court.queue()
    assert (case.subject, case.subject_id, case.clause) == (Subject.ACCOUNT, court.village.people["author"].id, "violence")
    assert await court.journal(case) == ["case.opened", "signal.raised"]
    assert await court.told("author") == []  # no measure before a decision
    assert await _effect(court) is AccountEffect.NONE


async def test_a_name_is_examined_at_sign_up(court: Court) -> None:
    async with court.database.write() as tx:
        account = await create_account(tx, "novacek", display_name="zabiju tě, ty svině")
    await court.village.work()
    case, = await court.queue()
    assert (case.subject, case.subject_id) == (Subject.ACCOUNT, account.id)


@pytest.mark.parametrize("draft", [{"display_name": "hide"}, {"bio": "hide"}, {"fields": [("hide", "")]}, {"fields": [("", "hide")]}])
async def test_every_field_of_a_profile_is_examined(court: Court, draft: dict[str, object]) -> None:
    await _describe(court, **draft)
    await _examine(court)
    assert len(await court.queue()) == 1
    async with court.database.read() as conn:
        words, = await list_profile_texts_unscoped(conn, [court.village.people["author"].id])
    assert "hide" in words.text


async def test_examining_twice_raises_one_signal_and_a_new_text_another(court: Court) -> None:
    await _describe(court, bio="queue")
    for _ in range(3):
        await _examine(court)
    case, = await court.queue()
    assert (await court.journal(case)).count("signal.raised") == 1
    await _describe(court, bio="queue jinak")
    await _examine(court)
    assert (await court.journal(case)).count("signal.raised") == 2


async def test_a_text_that_was_decided_keep_gets_no_new_signal(court: Court) -> None:
    await _describe(court, bio="queue")
    await _examine(court)
    case, = await court.queue()
    await court.decide("moderator", case, "keep")
    await _examine(court)
    assert not await court.queue()
    await _describe(court, bio="queue podruhé")
    await _examine(court)
    assert [one.id != case.id for one in await court.queue()] == [True]


async def test_the_case_shows_the_text_and_a_verdict_requires_the_same_text(court: Court) -> None:
    await _describe(court, display_name="Rváč", bio=_THREAT, fields=[("Odkud", "z hide kopce")])
    await court.village.work()
    case, = await court.queue()
    browser = await court.village.by_browser("moderator")
    page = (await browser.get(f"/moderate/cases/{case.id}")).text
    for words in ("Rváč", _THREAT, "Odkud", "z hide kopce", "A program"):
        assert words in page
    seen = re.search(r'name="seen_words" value="([0-9a-f]{32})"', page)
    assert seen
    await _describe(court, bio="Mám rád hrušky.")
    moderator = await court.viewer("moderator")
    with pytest.raises(Conflict):
        async with court.database.write() as tx:
            await decide_case(tx, moderator, case.id, Decision(action="suspend", clause="violence", seen_words=seen[1]))
    form = {"form_token": form_token(page), "seen_words": seen[1], "clause": "2", "action": "suspend", "days": "7"}
    answer = await browser.post(f"/moderate/cases/{case.id}/decide", form)
    assert answer.status == 409
    assert "This profile has been changed in the meantime." in answer.text
    seen = re.search(r'name="seen_words" value="([0-9a-f]{32})"', answer.text)
    assert seen
    assert (await browser.post(f"/moderate/cases/{case.id}/decide", {**form, "seen_words": seen[1], "action": "freeze"})).status == 303
    assert await _effect(court) is AccountEffect.FROZEN


async def test_poll_options_descriptions_and_covers_of_a_post_are_examined(court: Court) -> None:
    store, author = media_store(court.village.settings), court.village.people["author"]
    upload = await upload_picture(court.database, store, author, picture(), description="popis hide")
    for draft, word in (
        ({"cover": "výstraha hide"}, "výstraha"), ({"poll": PollDraft(titles=("ano", "možnost hide"), expires_in=3600)}, "možnost"),
        ({"media_ids": (upload.id,)}, "popis"),
    ):
        post = (await court.village.write("author", "klid", **draft)).post
        async with court.database.read() as conn:
            words, = await list_post_texts_unscoped(conn, [post.id])
        assert f"{word} hide" in words.text

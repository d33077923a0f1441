"""Who sent a notice can object to its outcome, without an account (DSA Art. 20(1))."""

from pathlib import Path

import pytest

from folkmoot.base.errors import Conflict, Forbidden, NotFound
from folkmoot.moderation.appeals.actions import lodge_objection
from folkmoot.moderation.appeals.model import Appeal, Side, State
from folkmoot.moderation.appeals.queries import list_objections
from folkmoot.moderation.cases.actions import claim_case
from folkmoot.moderation.cases.policy import Concerned
from folkmoot.moderation.notices.model import Notice
from folkmoot.moderation.verdicts.model import Verdict
from folkmoot.network.posts.actions import delete_post
from tests.moderation.court import Court
from tests.moderation.notices import Desk
from tests.web.test_pages import form_token


def _mails(court: Court) -> list[str]:
    """The kinds of the mails to senders of notices, oldest first."""
    outbox: Path = court.village.settings.data / "outbox"
    return [path.stem.rpartition("-")[2] for path in sorted(outbox.glob("*-notice_*.eml"))]


async def _object(court: Court, desk: Desk, notice: Notice, verdict: Verdict, reason: str = "") -> Appeal:
    async with court.database.write() as tx:
        return await lodge_objection(tx, await desk.again(notice), verdict.id, reason)


async def _kept(court: Court, desk: Desk) -> tuple[Notice, Verdict]:
    """A notice with a confirmed address, about a post that was kept."""
    notice = await desk.confirm(await desk.receive(await court.village.write("author", "Počkáme na něj")))
    return notice, await court.decide("moderator", (await court.queue())[0], "keep")


@pytest.mark.parametrize(("action", "state"), [("remove", State.OVERTURNED), ("keep", State.UPHELD)])
async def test_somebody_else_hears_the_objection_and_its_sender_gets_one_mail_about_it(
    court: Court, desk: Desk, action: str, state: State
) -> None:
    notice, verdict = await _kept(court, desk)
    appeal = await _object(court, desk, notice, verdict, "Je to výhrůžka.")
    assert (appeal.side, appeal.appellant_id, appeal.notice_id) == (Side.NOTIFIER, None, notice.id)
    [case] = await court.queue()
    assert case.appealed_verdict_id == verdict.id
    moderator = await court.viewer("moderator")
    with pytest.raises(Concerned):
        async with court.database.write() as tx:
            await claim_case(tx, moderator, case.id)
    page = await (await court.village.by_browser("other_moderator")).get(f"/moderate/cases/{case.id}")
    assert "Je to výhrůžka." in page.text
    receipt = desk.intake.receipts.path(notice.number)
    assert "Somebody else looks at it" in (await court.village.nobody().get(receipt)).text
    before = _mails(court)
    await court.decide("other_moderator", case, action)
    assert _mails(court)[len(before):] == ["notice_objection"]
    async with court.database.read() as conn:
        [objection] = await list_objections(conn, notice.id)
    assert objection.appeal.state is state
    assert [outcome.action for outcome in await desk.outcomes(notice)] == [action]
    assert "Somebody else looks at it" not in (await court.village.nobody().get(receipt)).text
    await court.village.work()
    assert _mails(court)[len(before):] == ["notice_objection"]


async def test_an_objection_whose_post_its_author_deletes_is_answered_too(court: Court, desk: Desk) -> None:
    notice = await desk.confirm(await desk.receive(view := await court.village.write("author", "Počkáme na něj")))
    verdict = await court.decide("moderator", (await court.queue())[0], "keep")
    await _object(court, desk, notice, verdict)
    async with court.database.write() as tx:
        await delete_post(tx, court.village.people["author"], view.post.id)
    await court.village.work()
    [case] = await court.queue()  # kept for those who decide
    await court.decide("other_moderator", case, "remove")
    assert _mails(court)[-1] == "notice_objection"


async def test_objecting_needs_a_confirmed_address_and_a_decision_to_keep(court: Court, desk: Desk) -> None:
    views = [await court.village.write("author", f"Počkáme na něj {number}") for number in range(2)]
    notice = await desk.receive(*views)
    kept, removed = [
        await court.decide("moderator", case, action) for case, action in zip(await court.queue(), ("keep", "remove"), strict=True)
    ]
    with pytest.raises(Forbidden):
        await _object(court, desk, notice, kept)
    await desk.confirm(notice)
    with pytest.raises(Forbidden):
        await _object(court, desk, notice, removed)
    other, _ = await _kept(court, desk)
    with pytest.raises(NotFound):
        await _object(court, desk, other, kept)
    await _object(court, desk, notice, kept)
    with pytest.raises(Conflict):
        await _object(court, desk, notice, kept)


async def test_a_member_who_sent_the_notice_never_decides_about_the_objection(court: Court, desk: Desk) -> None:
    email = (await court.viewer("other_moderator")).login.email
    notice = await desk.confirm(await desk.receive(await court.village.write("author", "a"), email=email))
    verdict = await court.decide("moderator", (await court.queue())[0], "keep")
    await _object(court, desk, notice, verdict)
    [case] = await court.queue()
    assert court.village.people["other_moderator"].id in case.barred_ids


async def test_the_sender_objects_on_the_receipt(court: Court, desk: Desk) -> None:
    views = [await court.village.write("author", f"Počkáme na něj {number}") for number in range(2)]
    notice = await desk.receive(*views)
    for case in await court.queue():
        await court.decide("moderator", case, "keep")
    path, sender = desk.intake.receipts.path(notice.number), court.village.nobody()
    assert "as soon as your address is confirmed" in (await sender.get(path)).text
    await desk.confirm(notice)
    page = (await sender.get(path)).text
    assert page.count('name="verdict"') == 2
    verdicts = [str(outcome.verdict_id) for outcome in await desk.outcomes(notice)]
    form = {"form_token": form_token(page), "reason": "Přečtěte si to."}
    nothing = await sender.post(f"{path}/appeal", form)
    assert nothing.status == 422
    assert "Přečtěte si to." in nothing.text
    long = await sender.post(f"{path}/appeal", {**form, "reason": "x" * 1001, "verdict": verdicts[0]})
    assert (long.status, "x" * 1001 in long.text) == (422, True)
    sent = await sender.post(f"{path}/appeal", {**form, "verdict": verdicts[0]})
    assert sent.headers["location"] == f"{path}?objected=1"
    page = (await sender.get(sent.headers["location"])).text
    assert "We have your objection." in page
    assert page.count("You objected ") == 1
    assert page.count('name="verdict"') == 1  # the other one
    wrong = await sender.post(f"/notice/{notice.number}/{'x' * 32}/appeal", {**form, "verdict": verdicts[1]})
    assert wrong.status == 404

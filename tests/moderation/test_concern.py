"""A moderator who is concerned by a case cannot see, claim or decide it, and gets an explanation.

Each kind of concern is tested with the queue, the page, the claim, the decision, an appeal, undoing, and the picture under
review. Another moderator who is not concerned succeeds each time, so that no refusal has another reason.
"""

from collections.abc import Awaitable, Callable

import pytest

from folkmoot.base import clock
from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.moderation.cases.model import Case, State
from folkmoot.moderation.cases.policy import Concerned
from folkmoot.moderation.cases.queries import count_stuck, holds_case_with_picture, list_queue
from folkmoot.moderation.verdicts.actions import decide_case, undo_verdict
from folkmoot.moderation.verdicts.model import Decision
from folkmoot.network.accounts.actions import ProfileDraft, update_profile
from folkmoot.network.media.actions import upload_picture
from folkmoot.network.media.store import media_store
from folkmoot.network.posts.actions import boost_post, edit_post, favourite_post
from folkmoot.network.posts.model import PostDraft, PostView, Visibility
from folkmoot.network.relations import actions as relations
from folkmoot.network.sessions.model import Role
from tests.api.test_accounts import picture
from tests.moderation.court import Court
from tests.village import LIMITS
from tests.web.test_pages import form_token

_TEXT = "Přijďte si pro ránu."
_EXPLANATION = "You know the people involved, so somebody else decides."
Later = Callable[[Court, str, PostView], Awaitable[None]]


async def _written(court: Court, kind: str, author: str) -> PostView:
    """Writes a post that concerns the moderator from the start."""
    village = court.village
    if kind == "wrote it":
        return await village.write("moderator", _TEXT)
    if kind == "named in it":
        return await village.write(author, f"@moderator {_TEXT}")
    if kind == "addressed by a private message":
        return await village.write(author, f"@moderator @reporter {_TEXT}", visibility=Visibility.DIRECT)
    if kind == "quoted by it":
        return await village.write(author, _TEXT, quoted_id=(await village.write("moderator", "Kdo přijde v pátek?")).post.id)
    own = await village.write("moderator" if kind != "named in the thread above" else "reader", "@moderator Kdo přijde?"
                              if kind == "named in the thread above" else "Kdo přijde v pátek?")
    if kind == "answered by it":
        return await village.write(author, _TEXT, reply_to_id=own.post.id)
    between = await village.write("reader", "Já ne.", reply_to_id=own.post.id)
    return await village.write(author, _TEXT, reply_to_id=between.post.id)


_FROM_THE_START = [
    "wrote it", "quoted by it", "named in it", "addressed by a private message", "answered by it", "wrote in the thread above",
    "named in the thread above",
]


def _relation(verb: Callable[..., Awaitable[object]], *, by_author: bool) -> Later:
    async def relate(court: Court, author: str, _view: PostView) -> None:
        one, other = (author, "moderator") if by_author else ("moderator", author)
        async with court.database.write() as tx:
            await verb(tx, court.village.people[one], court.village.people[other].id)

    return relate


def _request(*, by_author: bool) -> Later:
    async def ask(court: Court, author: str, _view: PostView) -> None:
        one, other = (author, "moderator") if by_author else ("moderator", author)
        async with court.database.write() as tx:
            await update_profile(tx, court.village.people[other], ProfileDraft(is_locked=True), LIMITS.base_url)
            await relations.follow(tx, court.village.people[one], court.village.people[other].id)
            await update_profile(tx, court.village.people[other], ProfileDraft(is_locked=False), LIMITS.base_url)

    return ask


async def _boosts(court: Court, _author: str, view: PostView) -> None:
    async with court.database.write() as tx:
        await boost_post(tx, court.village.people["moderator"], view.post.id)


async def _favourites(court: Court, _author: str, view: PostView) -> None:
    async with court.database.write() as tx:
        await favourite_post(tx, court.village.people["moderator"], view.post.id)


async def _answers(court: Court, _author: str, view: PostView) -> None:
    await court.village.write("moderator", "To snad ne.", reply_to_id=view.post.id)


async def _quotes(court: Court, _author: str, view: PostView) -> None:
    await court.village.write("moderator", "To snad ne.", quoted_id=view.post.id)


async def _is_named_by_an_edit(court: Court, author: str, view: PostView) -> None:
    async with court.database.write() as tx:
        await edit_post(tx, court.village.people[author], view.post.id, PostDraft(text=f"@moderator {_TEXT}"), LIMITS)


async def _reports(court: Court, author: str, view: PostView) -> None:
    await court.report("moderator", view, account=author, clauses=("violence",))


_LATER: dict[str, Later] = {
    "follows": _relation(relations.follow, by_author=False), "is followed": _relation(relations.follow, by_author=True),
    "asks to follow": _request(by_author=False), "is asked": _request(by_author=True),
    "mutes": _relation(relations.mute, by_author=False), "is muted": _relation(relations.mute, by_author=True),
    "blocks": _relation(relations.block, by_author=False), "is blocked": _relation(relations.block, by_author=True),
    "boosts": _boosts, "favourites": _favourites, "answers": _answers, "quotes": _quotes,
    "is named by an edit": _is_named_by_an_edit, "reports": _reports,
}


async def _reported(court: Court, view: PostView, author: str) -> Case:
    await court.report("reporter", view, account=author, clauses=("violence",))
    return next(case for case in await court.queue() if case.subject_id == view.post.id)


async def _sees_in_queue(court: Court, name: str, case: Case) -> bool:
    async with court.database.read() as conn:
        return case.id in [one.id for one in await list_queue(conn, clock.now(), 100, court.village.people[name].id)]


async def _refuses_everywhere(court: Court, case: Case, kind: str) -> None:
    """Queue, page and claim are refused to `moderator`, and allowed to `other_moderator`."""
    browser, other = await court.village.by_browser("moderator"), await court.village.by_browser("other_moderator")
    assert not await _sees_in_queue(court, "moderator", case), kind
    assert await _sees_in_queue(court, "other_moderator", case), kind
    page = await browser.get(f"/moderate/cases/{case.id}")
    assert page.status == 403, kind
    assert _EXPLANATION in page.text, kind
    assert _TEXT not in page.text, kind
    assert f"/moderate/cases/{case.id}" not in (await browser.get("/moderate")).text, kind
    claim = await browser.post(f"/moderate/cases/{case.id}/claim", {"form_token": form_token(page.text)})
    assert claim.status == 403, kind
    with pytest.raises(Concerned):
        await court.claim("moderator", case)
    page = await other.get(f"/moderate/cases/{case.id}")
    assert page.status == 200, kind
    assert _TEXT in page.text, kind


async def test_a_moderator_concerned_from_the_start_neither_sees_nor_claims_a_case(court: Court) -> None:
    for number, kind in enumerate(_FROM_THE_START):
        author = "moderator" if kind == "wrote it" else f"author_{number}"
        if kind != "wrote it":
            await court.village.settle(author)
        await _refuses_everywhere(court, await _reported(court, await _written(court, kind, author), author), kind)


async def test_a_moderator_who_becomes_concerned_neither_sees_nor_claims_a_case(court: Court) -> None:
    for number, (kind, happens) in enumerate(_LATER.items()):
        author = f"author_{number}"
        await court.village.settle(author)
        view = await court.village.write(author, _TEXT)
        case = await _reported(court, view, author)
        assert await _sees_in_queue(court, "moderator", case), kind
        await happens(court, author, view)
        await _refuses_everywhere(court, case, kind)


async def test_a_moderator_who_becomes_concerned_after_the_claim_does_not_decide(court: Court) -> None:
    browser = await court.village.by_browser("moderator")
    store = media_store(court.village.settings)
    moderator_id = court.village.people["moderator"].id
    for number, (kind, happens) in enumerate(_LATER.items()):
        author = f"author_{number}"
        await court.village.settle(author)
        upload = await upload_picture(court.database, store, court.village.people[author], picture())
        view = await court.village.write(author, _TEXT, media_ids=(upload.id,))
        case = await _reported(court, view, author)
        page = (await browser.get(f"/moderate/cases/{case.id}")).text
        async with court.database.read() as conn:
            assert await holds_case_with_picture(conn, moderator_id, upload.key, clock.now()), kind
        await happens(court, author, view)
        with pytest.raises(Concerned):
            async with court.database.write() as tx:
                await decide_case(tx, await court.viewer("moderator"), case.id, Decision(action="keep"))
        answer = await browser.post(f"/moderate/cases/{case.id}/decide", {
            "form_token": form_token(page), "seen_edited_at": "", "clause": "0", "action": "keep", "explanation": "", "days": "7"})
        assert answer.status == 403, kind
        assert _EXPLANATION in answer.text, kind
        assert _TEXT not in answer.text, kind
        async with court.database.read() as conn:
            assert not await holds_case_with_picture(conn, moderator_id, upload.key, clock.now()), kind
        assert (await court.case(case.id)).state is State.OPEN, kind
        async with court.database.write() as tx:  # the lease expires, and another moderator decides
            await tx.execute("UPDATE case_seats SET leased_until = now() - interval '1 second' WHERE case_id = $1", case.id)
            edited_at = await tx.fetchval("SELECT edited_at FROM posts WHERE id = $1", view.post.id)
        await court.decide("other_moderator", case, "keep", seen_edited_at=edited_at)


async def test_a_reply_to_a_deleted_post_still_concerns_its_author(court: Court) -> None:
    from folkmoot.network.posts.actions import delete_post

    own = await court.village.write("moderator", "Kdo přijde v pátek?")
    view = await court.village.write("author", _TEXT, reply_to_id=own.post.id)
    async with court.database.write() as tx:
        await delete_post(tx, court.village.people["moderator"], own.post.id)
    await _refuses_everywhere(court, await _reported(court, view, "author"), "answered by it, and deleted what was answered")


async def test_an_appeal_is_refused_to_deciders_appellants_reporters_and_concerned_moderators(court: Court) -> None:
    await court.village.settle("third", "fourth", role=Role.MODERATOR)
    view = await court.village.write("author", _TEXT)
    await court.report("third", view, clauses=("violence",))
    case = await _reported(court, view, "author")
    verdict = await court.decide("other_moderator", case, "keep")
    async with court.database.write() as tx:
        appeal = await lodge_appeal(tx, court.village.people["third"], verdict.id, "Myslí to vážně.")
    second = await court.case(appeal.case_id)
    assert [name for name in ("moderator", "other_moderator", "third", "fourth") if await _sees_in_queue(court, name, second)] == [
        "moderator", "fourth"]
    await _reports(court, "author", view)  # by the moderator: opens another case about the same post
    for name in ("other_moderator", "third", "moderator"):
        with pytest.raises(Concerned):
            await court.claim(name, second)
        page = await (await court.village.by_browser(name)).get(f"/moderate/cases/{second.id}")
        assert (page.status, _EXPLANATION in page.text, "Myslí to vážně." in page.text) == (403, True, False)
    assert await court.claim("fourth", second)


async def test_a_moderator_who_has_become_concerned_may_undo_but_not_decide_again(court: Court) -> None:
    view = await court.village.write("author", _TEXT)
    case = await _reported(court, view, "author")
    await court.claim("moderator", case)
    moderator = await court.viewer("moderator")
    async with court.database.write() as tx:
        verdict = await decide_case(tx, moderator, case.id, Decision(action="remove", clause="violence"))
    await court.village.follow("author", "moderator")
    browser = await court.village.by_browser("moderator")
    page = await browser.get(f"/moderate/cases/{case.id}")
    assert page.status == 200  # the decider may read the case
    async with court.database.write() as tx:
        await undo_verdict(tx, moderator, verdict.id)
    assert await court.sees("reader", view)
    await _refuses_everywhere(court, await court.case(case.id), "decided, then followed")


async def test_a_case_about_an_account_is_refused_to_a_moderator_named_in_its_profile(court: Court) -> None:
    async with court.database.write() as tx:
        await update_profile(
            tx, court.village.people["author"], ProfileDraft(fields=[("Nepřítel", "@Moderator, ten zmetek")]), LIMITS.base_url)
    await court.report("reporter", clauses=("harassment",))
    case, = await court.queue()
    with pytest.raises(Concerned):
        await court.claim("moderator", case)
    assert not await _sees_in_queue(court, "moderator", case)
    assert await court.claim("other_moderator", case)


async def test_the_next_case_skips_those_that_concern_the_moderator(court: Court) -> None:
    await _reported(court, await court.village.write("author", f"@moderator {_TEXT}"), "author")
    browser = await court.village.by_browser("moderator")
    assert (await browser.get("/moderate/next")).headers["location"] == "/moderate?done=1"


async def test_a_case_that_concerns_every_moderator_is_stuck(court: Court) -> None:
    async def stuck() -> int:
        async with court.database.read() as conn:
            return await count_stuck(conn)

    await _reported(court, await court.village.write("author", _TEXT), "author")
    assert await stuck() == 0
    await court.village.follow("moderator", "author")
    assert await stuck() == 0
    async with court.database.write() as tx:
        await relations.block(tx, court.village.people["author"], court.village.people["other_moderator"].id)
    assert await stuck() == 1
    await court.village.settle("third", role=Role.OPERATOR)
    assert await stuck() == 0


async def test_an_unknown_case_is_not_found(court: Court) -> None:
    assert (await (await court.village.by_browser("moderator")).get("/moderate/cases/123")).status == 404

"""Each new or edited post is examined at once; over a threshold it gets a case, or is hidden until a decision."""

import asyncio

import pytest

from folkmoot.moderation.detection import texts
from folkmoot.moderation.detection.jobs import Examiner
from folkmoot.moderation.detection.model import Finding
from folkmoot.moderation.detection.texts import Wanted
from folkmoot.network.posts.actions import edit_post
from folkmoot.network.posts.events import PostCreated, PostEdited
from folkmoot.network.posts.model import PostDraft, Visibility
from tests.moderation.court import Court
from tests.village import LIMITS

# The packaged detector is tested through the worker; the thresholds with a detector whose findings the test chooses.
_THREAT = "Zítra si na tebe počkám před školou a rozbiju ti hubu, zabiju tě."


class _KeywordDetector:
    """A detector whose finding is named in the text: `queue` or `hide`."""

    def score(self, texts: list[str], langs: list[str | None]) -> list[Finding]:
        return [
            Finding(score=0.9 if "hide" in text else 0.5 if "queue" in text else 0.1, queue="queue" in text or "hide" in text,
                    hide="hide" in text, reasons=("hide",), detector="says", version="1")
            for text in texts
        ]


async def _examined(court: Court, text: str, **draft: object) -> int:
    post = (await court.village.write("author", text, **draft)).post
    await Examiner(_KeywordDetector).examine_created(court.database, PostCreated(
        post_id=post.id, account_id=post.author.id, visibility=post.visibility, origin_id=post.author.id))
    await court.village.work()
    return post.id


async def _is_seen(court: Court, post_id: int, name: str = "reader") -> bool:
    return (await (await court.village.by_app(name)).get(f"/api/v1/statuses/{post_id}")).status == 200


async def test_a_threat_is_hidden_by_the_worker_and_its_author_is_told(court: Court) -> None:
    post = await court.village.write("author", _THREAT, language="cs")
    await court.village.work()
    assert not await court.sees("reader", post)
    assert await court.sees("author", post)
    (case,) = await court.queue()
    assert (case.clause, case.subject_id) == ("violence", post.post.id)
    assert [kind for kind, _ in await court.told("author")] == ["statement"]
    assert await court.journal(case) == ["case.opened", "signal.raised", "restriction.imposed", "statement.issued"]


async def test_a_post_over_the_queue_threshold_gets_a_case_and_stays_visible(court: Court) -> None:
    post_id = await _examined(court, "queue")
    (case,) = await court.queue()
    assert (case.subject_id, case.probability) == (post_id, pytest.approx(0.5))
    assert await _is_seen(court, post_id)
    assert not await court.told("author")


async def test_a_harmless_post_leaves_no_trace(court: Court) -> None:
    await _examined(court, "dobrý den")
    assert not await court.queue()
    async with court.database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM journal") == 0


async def test_examining_twice_raises_one_signal(court: Court) -> None:
    post_id = await _examined(court, "hide")
    for _ in range(2):
        await Examiner(_KeywordDetector).examine_edited(court.database, PostEdited(post_id=post_id, account_id=1))
        await court.village.work()
    (case,) = await court.queue()
    assert (await court.journal(case)).count("signal.raised") == 1
    assert (await court.journal(case)).count("restriction.imposed") == 1


async def test_the_cover_is_examined_too(court: Court) -> None:
    post_id = await _examined(court, "klid", cover="hide")
    assert not await _is_seen(court, post_id)


async def test_an_edited_post_is_examined_anew(court: Court) -> None:
    post_id = await _examined(court, "dobrý den")
    author = court.village.people["author"]
    async with court.database.write() as tx:
        await edit_post(tx, author, post_id, PostDraft(text="hide"), LIMITS)
    await Examiner(_KeywordDetector).examine_edited(court.database, PostEdited(post_id=post_id, account_id=author.id))
    await court.village.work()
    assert not await _is_seen(court, post_id)


async def test_a_text_that_was_decided_keep_is_not_hidden_again(court: Court) -> None:
    post_id = await _examined(court, "hide")
    await court.decide("moderator", (await court.queue())[0], "keep")
    assert await _is_seen(court, post_id)
    assert [kind for kind, _ in await court.told("author")] == ["statement", "lifted"]
    await Examiner(_KeywordDetector).examine_edited(court.database, PostEdited(post_id=post_id, account_id=1))
    await court.village.work()
    assert await _is_seen(court, post_id)
    assert not await court.queue()


async def test_a_report_and_a_signal_join_one_case_and_add_up(court: Court) -> None:
    post_id = await _examined(court, "queue")
    before = (await court.queue())[0]
    async with court.database.read() as conn:
        from folkmoot.network.posts.queries import get_post_view

        view = await get_post_view(conn, post_id, court.village.people["reporter"].id)
    await court.report("reporter", view, clauses=("violence",))
    (case,) = await court.queue()
    assert case.id == before.id
    assert case.probability > before.probability


async def test_concurrent_signals_open_one_case_for_each_post(court: Court) -> None:
    posts = [await court.village.write("author", f"hide {number}") for number in range(6)]
    examiner = Examiner(_KeywordDetector)
    events = [PostEdited(post_id=view.post.id, account_id=1) for view in posts]
    await asyncio.gather(*(examiner.examine_edited(court.database, event) for event in events * 3))
    assert len(await court.queue()) == 6


async def test_a_new_post_is_read_once_for_all_who_examine_it_and_an_edited_one_anew(
    court: Court, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "_KEPT_SECONDS", 600.0)
    author, new_texts = court.village.people["author"], texts.NewTexts()
    posts = [await court.village.write("author", text, visibility=visibility) for text, visibility in (
        ("before", Visibility.PUBLIC), ("@reader a secret", Visibility.DIRECT))]
    new = [Wanted(view.post.id) for view in posts]

    async def read(*wanted: Wanted) -> tuple[list[str], int]:
        before = court.database.statements
        async with court.database.read() as conn:
            found = [text.text for text in await new_texts.read(conn, wanted)]
        return found, court.database.statements - before

    assert [await read(*new) for _ in range(3)] == [(["before"], 1), (["before"], 0), (["before"], 0)]
    async with court.database.write() as tx:
        await edit_post(tx, author, new[0].post_id, PostDraft(text="after"), LIMITS)
    for _ in range(2):
        assert await read(new[0], new[0]._replace(is_edited=True)) == (["after"], 1)
    monkeypatch.setattr(texts, "_KEPT_SECONDS", -1.0)
    assert await read(*new) == (["after"], 1), "what is delivered again later is read again"

"""The daily sample: which posts are drawn, what moderators answer, and that the answers teach."""

import re

import msgspec
import pytest

from folkmoot.base import clock
from folkmoot.base.errors import Conflict
from folkmoot.config import DetectorSettings
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.detection.model import ExaminedText, Finding
from folkmoot.moderation.learning.actions import answer_sample, choose
from folkmoot.moderation.learning.examples import list_own_examples
from folkmoot.moderation.learning.jobs import Drawing
from folkmoot.moderation.learning.model import Answer
from folkmoot.moderation.learning.queries import count_samples, find_waiting
from folkmoot.network.posts.actions import edit_post
from folkmoot.network.posts.model import PostDraft, Visibility
from tests.moderation.court import Court
from tests.village import LIMITS
from tests.web.test_pages import form_token


class _Lengths:
    """A detector whose score is the number in the text."""

    def __call__(self) -> "_Lengths":
        return self

    async def refresh(self, _conn: object) -> None: ...

    def score(self, texts: list[str], langs: list[str | None]) -> list[Finding]:
        return [Finding(float(re.findall(r"0\.\d+", text)[0]), False, False, (), "x", "1") for text in texts]


async def _draw(court: Court, count: int) -> int:
    settings = msgspec.structs.replace(court.village.settings, detector=DetectorSettings(samples_a_day=count))
    return await Drawing(settings, lambda _data: _Lengths())(court.database)


async def _drawn(court: Court) -> dict[str, bool]:
    async with court.database.read() as conn:
        rows = await conn.fetch("SELECT p.text, s.is_unsure FROM samples AS s JOIN posts AS p ON p.id = s.post_id")
    return {row["text"]: row["is_unsure"] for row in rows}


def test_half_of_the_sample_is_where_the_detector_is_unsure() -> None:
    texts = [ExaminedText(subject=Subject.POST, subject_id=number, account_id=1, language="cs", text="x") for number in range(100)]
    chosen = choose(texts, [number / 100 for number in range(100)], 10, clock.now())
    assert {one.post_id for one in chosen if one.is_unsure} == {48, 49, 50, 51, 52}
    assert [one.post_id for one in chosen if not one.is_unsure] == [0, 1, 2, 3, 4]
    assert len({one.post_id for one in choose(texts[:3], [0.1, 0.2, 0.3], 10, clock.now())}) == 3
    assert choose([], [], 10, clock.now()) == []


async def test_only_public_posts_without_a_case_are_drawn_and_each_once(court: Court) -> None:
    write = court.village.write
    await write("author", "veřejný 0.5")
    await write("author", "nelistovaný 0.1", visibility=Visibility.UNLISTED)
    await write("author", "jen pro sledující 0.5", visibility=Visibility.FOLLOWERS)
    await write("author", "@reader soukromý 0.5", visibility=Visibility.DIRECT)
    await court.report("reporter", await write("author", "nahlášený 0.5"), clauses=("violence",))
    assert await _draw(court, 0) == 0
    assert await _draw(court, 10) == 2
    assert set(await _drawn(court)) == {"veřejný 0.5", "nelistovaný 0.1"}
    assert await _draw(court, 10) == 0


async def test_answers_become_rows_and_a_threat_becomes_a_case(court: Court) -> None:
    for text in ("vlídný 0.4", "zlý 0.5", "nejasný 0.6"):
        await court.village.write("author", text, language="cs")
    assert await _draw(court, 3) == 3
    browser = await court.village.by_browser("moderator")
    answers = {"vlídný 0.4": "harmless", "zlý 0.5": "threat", "nejasný 0.6": "unclear"}
    for _ in range(3):
        page = (await browser.get("/moderate/samples")).text
        text = next(one for one in answers if one in page)
        assert "author" not in page[page.index("<blockquote"):page.index("</blockquote>")]
        action = re.findall(r'action="(/moderate/samples/\d+)"', page)[0]
        assert (await browser.post(action, {"form_token": form_token(page), "answer": "maybe"})).status == 422
        assert (await browser.post(action, {"form_token": form_token(page), "answer": answers[text]})).status == 303
    assert "Nothing waits." in (await browser.get("/moderate/samples")).text
    async with court.database.read() as conn:
        assert {one.text: one.threat for one in await list_own_examples(conn)} == {"vlídný 0.4": 0, "zlý 0.5": 1}
        kinds = await conn.fetch("SELECT facts FROM journal WHERE kind = 'sample.reviewed'")
    assert len(kinds) == 3
    (case,) = await court.queue()
    assert (case.clause, case.probability) == ("violence", pytest.approx(0.9))
    page = (await (await court.village.by_browser("other_moderator")).get(f"/moderate/cases/{case.id}")).text
    assert "A moderator who looked at posts drawn at random saw a breach of rule 2 here." in page


async def test_an_own_post_an_edited_one_and_a_second_answer_are_left_out(court: Court) -> None:
    mine = await court.village.write("moderator", "vlastní 0.5")
    await _draw(court, 10)
    moderator, other = await court.viewer("moderator"), await court.viewer("other_moderator")
    async with court.database.read() as conn:
        assert await find_waiting(conn, moderator.id) is None
        assert await count_samples(conn, moderator.id) == 0
        assert await find_waiting(conn, other.id) is not None
    with pytest.raises(Conflict):
        async with court.database.write() as tx:
            await answer_sample(tx, moderator, mine.post.id, None, Answer.HARMLESS)
    async with court.database.write() as tx:
        assert await answer_sample(tx, other, mine.post.id, None, Answer.HARMLESS) is None
    with pytest.raises(Conflict):
        async with court.database.write() as tx:
            await answer_sample(tx, other, mine.post.id, None, Answer.THREAT)
    view = await court.village.write("author", "než se změní 0.5")
    await _draw(court, 10)
    async with court.database.write() as tx:
        await edit_post(tx, court.village.people["author"], view.post.id, PostDraft(text="změněno 0.5"), LIMITS)
    async with court.database.read() as conn:
        assert await find_waiting(conn, other.id) is None


async def test_members_do_not_see_the_sample(court: Court) -> None:
    assert (await (await court.village.by_browser("reader")).get("/moderate/samples")).status in (403, 404)

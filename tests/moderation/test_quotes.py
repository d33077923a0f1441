"""What those who decide see of a post that quotes another one, and what is kept of it."""

import pytest

from folkmoot.moderation.evidence.queries import list_evidence
from folkmoot.moderation.verdicts.queries import count_alike
from folkmoot.network.posts.actions import delete_post, edit_post
from folkmoot.network.posts.model import PostDraft
from folkmoot.network.posts.versions import PostVersion
from tests.moderation.court import Court
from tests.village import LIMITS, Village


@pytest.fixture
async def court(village: Village) -> Court:
    return await Court(village).open()


async def _kept(court: Court, case_id: int) -> list[PostVersion]:
    async with court.database.read() as conn:
        return [one.version for one in await list_evidence(conn, case_id) if isinstance(one.version, PostVersion)]


async def test_the_quoted_words_are_context_and_evidence(court: Court) -> None:
    quoted = await court.village.write("reader", "Sejdeme se u kašny, @author")
    view = await court.village.write("author", "Tam na něj počkáme", quoted_id=quoted.post.id)
    await court.report("reporter", view, clauses=("violence",))
    case, = await court.queue()
    async with court.database.write() as tx:
        await edit_post(tx, court.village.people["reader"], quoted.post.id, PostDraft(text="jinak"), LIMITS)
    version, = await _kept(court, case.id)
    assert version.quoted is not None
    assert (version.quoted.acct, version.quoted.text) == ("reader", "Sejdeme se u kašny, @author")
    await court.claim("moderator", case)
    page = (await (await court.village.by_browser("moderator")).get(f"/moderate/cases/{case.id}")).text
    assert "Sejdeme se u kašny, @…" in page  # the author of the case has no letter
    assert "The quoted post of person A" in page
    assert "@reader" not in page
    program = await court.village.by_app("moderator", "read write admin:read admin:write")
    shown = (await program.get(f"/api/folkmoot/v1/moderation/cases/{case.id}")).json
    assert {"letter": "A", "text": "Sejdeme se u kašny, @…", "cover": ""} in [text["quote"] for text in shown["texts"]]


async def test_a_deleted_quote_is_kept_with_the_quoted_words(court: Court) -> None:
    quoted = await court.village.write("reader", "Sejdeme se u kašny")
    view = await court.village.write("author", "Tam na něj počkáme", quoted_id=quoted.post.id)
    async with court.database.write() as tx:
        await delete_post(tx, court.village.people["author"], view.post.id)
    await court.report("reporter", view, clauses=("violence",))
    case, = await court.queue()
    version, = await _kept(court, case.id)
    assert version.quoted is not None
    assert version.quoted.text == "Sejdeme se u kašny"


async def test_a_decision_about_words_is_not_repeated_for_quotes(court: Court) -> None:
    """The same words are about something else there."""
    village = court.village
    plain = await village.write("author", "Tohle si zaslouží pořádnou odpověď")
    await village.write("reader", "Tohle si zaslouží pořádnou odpověď")
    await village.write("reporter", "Tohle si zaslouží pořádnou odpověď", quoted_id=plain.post.id)
    async with court.database.read() as conn:
        version = PostVersion.of(plain.post)
        assert await count_alike(conn, version, plain.post.id, 10) == 1

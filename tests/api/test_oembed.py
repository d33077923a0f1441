"""Public posts in frames of other sites: the oEmbed endpoint, and the page in the frame."""

import re
from html import unescape
from urllib.parse import quote

import pytest

from folkmoot.moderation.clauses.published import in_force
from folkmoot.network.posts import actions as posts
from folkmoot.network.posts.model import PollDraft, PostEffect, Visibility
from folkmoot.network.relations import actions as relations
from tests.api.test_accounts import picture
from tests.village import Answer, Village

BASE = "http://localhost:8420"


async def _oembed(village: Village, url: str, query: str = "") -> Answer:
    return await village.nobody().get(f"/api/oembed?url={quote(url, safe='')}{query}")


def _frame(answer: Answer) -> str:
    """The path of the page in the frame."""
    return unescape(re.search(r'src="([^"]+)"', answer.json["html"])[1]).removeprefix(BASE)  # type: ignore[index]


async def test_a_public_post_is_shown_in_a_frame(village: Village) -> None:
    await village.settle("jana")
    app = await village.by_app("jana")
    media = (await app.upload("/api/v2/media", "file", picture(), description="Kašna & <voda>")).json["id"]
    url = (await app.post("/api/v1/statuses", {"status": 'Teče <b>voda</b> "dnes" #kasna', "media_ids[]": [media]})).json["url"]
    found = await _oembed(village, url)
    assert {**found.json, "html": "", "height": 0} == {
        "type": "rich", "version": "1.0", "title": 'Jana: Teče <b>voda</b> "dnes" #kasna', "author_name": "Jana",
        "author_url": f"{BASE}/@jana", "provider_name": "Folkmoot", "provider_url": f"{BASE}/", "cache_age": 86400, "html": "",
        "width": 400, "height": 0,
    }
    assert "<b>" not in found.json["html"]
    assert 100 < found.json["height"] <= 800
    page = await village.nobody().get(_frame(found))
    assert page.status == 200
    assert "Teče &lt;b&gt;voda" in page.text
    assert 'alt="Kašna &amp; &lt;voda&gt;"' in page.text
    assert "<form" not in page.text
    assert "<script" not in page.text
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors *" in policy
    assert "script-src" not in policy
    assert "default-src 'none'" in policy
    assert "x-frame-options" not in page.headers
    assert page.cookies == []
    assert f'href="{BASE}/api/oembed?url=' in (await village.nobody().get(url.removeprefix(BASE))).text


async def test_other_pages_stay_out_of_frames(village: Village) -> None:
    await village.settle("jana")
    post = (await village.write("jana", "a")).post
    for path in (f"/@jana/{post.id}", f"/@jana/{post.id}/embed/", "/embed", "/@jana/embed", "/@jana/1/embed"):
        answer = await village.nobody().get(path)
        is_embed = answer.status == 200 and path.rstrip("/").endswith("/embed")
        assert ("frame-ancestors 'none'" in answer.headers["content-security-policy"]) is not is_embed, path


async def test_only_what_everybody_may_see_is_shown(village: Village) -> None:
    jana, karel = await village.settle("jana", "karel")
    closed = [await village.write("jana", "@karel a", visibility=one) for one in Visibility if one is not Visibility.PUBLIC]
    hidden, deleted, boosted = [await village.write("jana", text) for text in ("skryto", "smazáno", "sdíleno")]
    async with village.database.write() as tx:
        await posts.set_effect(tx, hidden.post.id, PostEffect.HIDDEN, None)
        await posts.delete_post(tx, jana, deleted.post.id)
        boost = await posts.boost_post(tx, karel, boosted.post.id)
    karels = await village.by_app("karel")
    for view in (*closed, hidden, deleted, boost):
        post = view.post
        url = f"{BASE}/@{post.author.acct}/{post.id}"
        for answer in (await _oembed(village, url), await karels.get(f"/api/oembed?url={quote(url, safe='')}")):
            assert (answer.status, answer.json) == (404, {"error": "Record not found"})
        for visitor in (village.nobody(), await village.by_browser("jana")):  # also for those who may see it elsewhere
            assert (await visitor.get(f"/@{post.author.acct}/{post.id}/embed")).status == 404
    shown = boosted.post
    async with village.database.write() as tx:
        await relations.block(tx, jana, karel.id)
    assert (await (await village.by_browser("karel")).get(f"/@jana/{shown.id}/embed")).status == 200  # as everybody sees it
    assert (await village.nobody().get(f"/@karel/{shown.id}/embed")).status == 404
    for url in ("", "x", "https://example.org/@jana/1", f"{BASE}/@jana", f"{BASE}/@jana/{'9' * 25}", f"{BASE}/@jana/1\n"):
        assert (await _oembed(village, url)).status == (400 if url == "" else 404)


async def test_covers_polls_and_labels_are_kept(village: Village) -> None:
    await village.settle("jana")
    covered = await village.write("jana", "tajemství", cover="Pozor, konec knihy")
    asked = await village.write("jana", "Kudy?", poll=PollDraft(titles=("tudy", "tamtudy"), expires_in=3600))
    labelled = await village.write("jana", "drsné")
    async with village.database.write() as tx:
        await posts.set_effect(tx, labelled.post.id, PostEffect.LABEL, in_force().policy.clauses[0].key)
    nobody = village.nobody()
    page = (await nobody.get(f"/@jana/{covered.post.id}/embed")).text
    assert "tajemství" in page.partition("Pozor, konec knihy")[2].partition("</details>")[0]
    assert (await _oembed(village, f"{BASE}/@jana/{covered.post.id}")).json["title"] == "Jana: Pozor, konec knihy"
    poll = (await nobody.get(f"/@jana/{asked.post.id}/embed")).text
    assert "tamtudy" in poll
    assert "<input" not in poll
    page = (await nobody.get(f"/@jana/{labelled.post.id}/embed")).text
    assert in_force().policy.clauses[0].title["en"] in page.partition("<details>")[2].partition("drsné")[0].replace("&#39;", "'")
    assert (await _oembed(village, f"{BASE}/@jana/{labelled.post.id}")).json["title"] == "Jana"


@pytest.mark.parametrize(("query", "width", "most"), [
    ("&maxwidth=300", 300, 800), ("&maxwidth=9999", 400, 800), ("&maxheight=250", 400, 250), ("&maxwidth=-5&maxheight=0", 200, 800),
])
async def test_the_size_fits(village: Village, query: str, width: int, most: int) -> None:
    await village.settle("jana")
    post = (await village.write("jana", "dlouhý text " * 30)).post
    found = (await _oembed(village, f"{BASE}/@jana/{post.id}", query)).json
    assert found["width"] == width
    assert found["height"] <= most

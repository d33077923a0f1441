"""Pages of scheduled posts: writing one in the composer, changing, publishing and deleting it, without JavaScript."""

import html
import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from folkmoot.app import exporter
from folkmoot.base import clock
from folkmoot.base.paging import Page
from folkmoot.network.posts import actions as posts
from folkmoot.network.posts.model import Visibility
from folkmoot.network.posts.screening import let_pass
from folkmoot.network.scheduled.jobs import publish_due
from folkmoot.network.scheduled.model import ScheduledPost
from folkmoot.network.scheduled.queries import list_all_scheduled
from tests.api.test_accounts import picture
from tests.village import LIMITS, Answer, Village, Visitor
from tests.web.test_pages import form_token

TOMORROW = (clock.now() + timedelta(days=1)).replace(second=0, microsecond=0)


@pytest.fixture
async def jana(village: Village) -> Visitor:
    await village.settle("jana", "karel")
    return await village.by_browser("jana")


def _local(moment: datetime, zone: str = "Europe/Prague") -> str:
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M")


async def _send(jana: Visitor, path: str = "/posts", **form: object) -> Answer:
    token = form_token((await jana.get("/posts/new")).text)
    return await jana.post(path, {"form_token": token, **form})


async def _schedule(village: Village, jana: Visitor, **form: object) -> ScheduledPost:
    answer = await _send(jana, **{"text": "Zítra na trhu", "with_due_at": "true", "due_at": _local(TOMORROW), **form})
    [made] = await _scheduled(village)
    assert (answer.status, answer.headers["location"]) == (303, f"/scheduled?saved={made.id}")
    return made


async def _scheduled(village: Village) -> list[ScheduledPost]:
    async with village.database.read() as conn:
        return await list_all_scheduled(conn, village.people["jana"].id)


def _values(page: str) -> dict[str, str]:
    """The values that a browser would send with the composer."""
    form = page.partition("data-composer")[2].partition("</form>")[0]
    inputs = [tag for tag in re.findall(r"<input[^>]*>", form) if " checked" in tag or not re.search(r'type="(checkbox|radio|file)"', tag)]
    pairs = [re.search(r'name="([^"]+)"(?:[^>]*? value="([^"]*)")?', tag) for tag in inputs]
    found = {pair[1]: html.unescape(pair[2] or "") for pair in pairs if pair}
    for name, options in re.findall(r'<select[^>]* name="([^"]+)">(.*?)</select>', form):
        found[name] = (re.findall(r'value="([^"]*)"[^>]* selected', options) or re.findall(r'value="([^"]*)"', options))[0]
    return {**found, "text": html.unescape(re.search(r'name="text"[^>]*>([^<]*)<', form)[1])}  # type: ignore[index]


async def test_the_composer_schedules_in_the_time_zone_that_it_names(village: Village, jana: Visitor) -> None:
    page = (await jana.get("/posts/new")).text
    assert 'type="datetime-local"' in page
    assert ">Europe/Prague<" in page
    made = await _schedule(village, jana, visibility="2")
    assert (made.due_at, made.draft.text, made.draft.visibility) == (TOMORROW, "Zítra na trhu", Visibility.FOLLOWERS)
    shown = (await jana.get(f"/scheduled?saved={made.id}")).text
    assert "Scheduled." in shown
    assert "Zítra na trhu" in shown
    assert 'href="/scheduled"' in (await jana.get("/")).text


async def test_the_script_names_the_zone_of_the_browser(village: Village, jana: Visitor) -> None:
    made = await _schedule(village, jana, due_at=_local(TOMORROW, "America/New_York"), time_zone="America/New_York")
    assert made.due_at == TOMORROW


@pytest.mark.parametrize("zone", ["", "Nowhere/Else", "../etc/passwd", "/etc/passwd", "x" * 500, "Europe", "\x00"])
async def test_an_unknown_zone_is_that_of_the_network(village: Village, jana: Visitor, zone: str) -> None:
    assert (await _schedule(village, jana, time_zone=zone)).due_at == TOMORROW


@pytest.mark.parametrize("due_at", ["", "zítra", "2020-01-01T10:00", "9999-12-31T23:59", "0001-01-01T00:00"])
async def test_a_wrong_time_brings_the_form_back(village: Village, jana: Visitor, due_at: str) -> None:
    answer = await _send(jana, text="Zítra & <b>pozítří</b>", with_due_at="true", due_at=due_at, time_zone="Asia/Tokyo")
    assert answer.status == 422
    values = _values(answer.text)
    assert (values["text"], values["due_at"], values["time_zone"]) == ("Zítra & <b>pozítří</b>", due_at, "Asia/Tokyo")
    assert re.search(r'name="with_due_at" value="true" checked', answer.text)
    assert 'id="due_at-error"' in answer.text
    assert await _scheduled(village) == []


async def test_a_closed_tool_publishes_at_once(village: Village, jana: Visitor) -> None:
    assert (await _send(jana, text="Hned", due_at=_local(TOMORROW))).headers["location"] == "/"
    assert await _scheduled(village) == []
    assert "Hned" in (await jana.get("/@jana")).text


async def test_text_picture_and_time_are_changed_together(village: Village, jana: Visitor) -> None:
    token = form_token((await jana.get("/posts/new")).text)
    answer = await jana.upload(
        "/posts", "file_1", picture(), form_token=token, text="S kašnou", with_due_at="true", due_at=_local(TOMORROW),
        new_description_1="Kašna",
    )
    assert answer.status == 303, answer.text
    [made] = await _scheduled(village)
    path = f"/scheduled/{made.id}/edit"
    values = _values((await jana.get(path)).text)
    assert (values["text"], values["due_at"], values["media[]"]) == ("S kašnou", _local(TOMORROW), str(made.draft.media_ids[0]))
    wrong = await _send(jana, path, **{**values, "text": "x" * 501, "due_at": "2020-01-01T00:00"})
    assert wrong.status == 422
    assert await _scheduled(village) == [made]
    later = _local(TOMORROW + timedelta(days=1))
    sent = {**values, "text": "Bez kašny", "due_at": later, "remove_media[]": values["media[]"], "visibility": "1"}
    changed = await _send(jana, path, **sent)
    assert changed.headers["location"] == f"/scheduled?saved={made.id}"
    [after] = await _scheduled(village)
    assert (after.draft.text, after.draft.media_ids, after.due_at) == ("Bez kašny", (), TOMORROW + timedelta(days=1))
    assert after.draft.visibility is Visibility.UNLISTED


async def test_what_an_app_has_chosen_stays_when_the_text_is_changed(village: Village, jana: Visitor) -> None:
    app = await village.by_app("jana")
    await app.post("/api/v1/statuses", {
        "status": "Kam?", "poll[options][]": ["sem", "tam"], "poll[expires_in]": "600", "poll[multiple]": "true",
        "poll[hide_totals]": "true", "spoiler_text": "Anketa", "language": "sk", "visibility": "unlisted",
        "scheduled_at": TOMORROW.isoformat(),
    })
    [made] = await _scheduled(village)
    path = f"/scheduled/{made.id}/edit"
    page = (await jana.get(path)).text
    answers = re.findall(r'name="poll_titles\[\]"[^>]*value="([^"]*)"', page)
    sent = {**_values(page), "text": "Kudy?", "poll_titles[]": answers}
    assert (await _send(jana, path, **sent)).status == 303
    [after] = await _scheduled(village)
    assert after.draft == msgspec.structs.replace(made.draft, text="Kudy?")
    assert after.due_at == made.due_at


async def test_what_a_member_has_scheduled_and_follows_is_in_the_archive(village: Village, jana: Visitor) -> None:
    made = await _schedule(village, jana)
    await (await village.by_app("jana")).post("/api/v1/tags/Kašna/follow")
    assert (await jana.get("/settings/export/lists/followed_hashtags.csv")).text == "Kašna\n"
    async with village.database.read() as conn:
        [kept] = await exporter(village.settings).chapters["scheduled.json"](conn, made.account_id, Page())
    assert kept == made


async def test_a_post_is_published_now_or_deleted(village: Village, jana: Visitor) -> None:
    made = await _schedule(village, jana)
    where = (await _send(jana, f"/scheduled/{made.id}/publish")).headers["location"]
    assert "Zítra na trhu" in (await jana.get(where)).text
    assert (await _send(jana, f"/scheduled/{made.id}/publish")).status == 404
    made = await _schedule(village, jana, text="Raději ne")
    assert (await _send(jana, f"/scheduled/{made.id}/delete")).headers["location"] == "/scheduled?deleted=1"
    assert "is deleted" in (await jana.get("/scheduled?deleted=1")).text
    assert await _scheduled(village) == []
    assert "Raději ne" not in (await jana.get("/@jana")).text


async def test_nobody_else_reaches_it(village: Village, jana: Visitor) -> None:
    made = await _schedule(village, jana)
    karel = await village.by_browser("karel")
    assert (await karel.get(f"/scheduled/{made.id}/edit")).status == 404
    for verb in ("edit", "publish", "delete"):
        assert (await _send(karel, f"/scheduled/{made.id}/{verb}", text="x", with_due_at="true", due_at=_local(TOMORROW))).status == 404
    assert "Zítra na trhu" not in (await karel.get(f"/scheduled?saved={made.id}")).text
    assert await _scheduled(village) == [made]


async def test_a_reply_whose_post_is_gone_becomes_a_post_of_its_own(village: Village, jana: Visitor) -> None:
    parent = await village.write("karel", "Kdy přijdeš?")
    made = await _schedule(village, jana, purpose="reply", reply_to=parent.post.id)
    assert made.draft.reply_to_id == parent.post.id
    assert "Kdy přijdeš?" in (await jana.get(f"/scheduled/{made.id}/edit")).text
    async with village.database.write() as tx:
        await posts.delete_post(tx, village.people["karel"], parent.post.id)
    with clock.stopped_at(clock.now() + timedelta(days=2)):
        await publish_due(village.database, LIMITS, let_pass)
    assert 'href="/scheduled"' in (await jana.get("/notifications")).text
    index = (await jana.get("/scheduled")).text
    assert "Not published" in index
    assert "no longer there" in index
    refused = await _send(jana, f"/scheduled/{made.id}/publish")
    assert (refused.status, "You can publish this as a post of its own." in refused.text) == (422, True)
    assert (await _scheduled(village))[0].draft == made.draft
    values = _values((await jana.get(f"/scheduled/{made.id}/edit")).text)
    assert "reply_to" not in values
    assert (await _send(jana, f"/scheduled/{made.id}/edit", **{**values, "due_at": _local(TOMORROW)})).status == 303
    [after] = await _scheduled(village)
    assert (after.draft.reply_to_id, after.draft.visibility, after.failure) == (None, made.draft.visibility, None)
    assert "scheduled post" not in (await jana.get("/notifications")).text


async def test_a_scheduled_message_goes_to_the_messages(village: Village, jana: Visitor) -> None:
    made = await _schedule(village, jana, text="@karel přijď", visibility="3")
    where = (await _send(jana, f"/scheduled/{made.id}/publish")).headers["location"]
    assert where.startswith("/messages/")
    await village.work()
    assert "přijď" in (await (await village.by_browser("karel")).get("/messages")).text

"""The real library Mastodon.py against a running network."""

import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mastodon import Mastodon, MastodonNotFoundError
from mastodon.errors import MastodonDeprecationWarning
from playwright.sync_api import sync_playwright

from folkmoot.commands.demo import PASSWORD
from tests.api.test_accounts import picture
from tests.chromium import find_chromium
from tests.network_up import NetworkUp
from tests.newcomers import newcomer as settle

SCOPES = ["read", "write", "follow", "push"]
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def allow_in_browser(url: str, name: str, password: str) -> str:
    """Opens the authorisation URL of an app, logs in, allows the app; returns the shown code."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(url)
        page.fill("#name", name)
        page.fill("#password", password)
        page.click("main button.main")
        page.click("button[name=allow][value=true]")
        code = page.locator("input.code").input_value()
        browser.close()
    return code


def until(found: Callable[[], Any], seconds: float = 60) -> Any:
    """Polls until there is a result: notifications and homes are updated with a delay."""
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.1)
    return answer


@pytest.fixture(scope="module")
def jana(running: NetworkUp) -> Mastodon:
    """Logged in through the pages, with an automated browser."""
    client_id, client_secret = Mastodon.create_app("Mastodon.py", scopes=SCOPES, api_base_url=running.url)
    api = Mastodon(client_id=client_id, client_secret=client_secret, api_base_url=running.url)
    name = settle(running, "jana", follows=["karel", "eva", "peter", "marie", "tomas"])
    code = allow_in_browser(api.auth_request_url(scopes=SCOPES, allow_http=True), name, PASSWORD)
    api.log_in(code=code, scopes=SCOPES, allow_http=True)
    return api


@pytest.fixture(scope="module")
def newcomer(running: NetworkUp) -> Mastodon:
    """An account created by POST /api/v1/accounts."""
    client_id, client_secret = Mastodon.create_app("Mastodon.py", scopes=SCOPES, api_base_url=running.url)
    api = Mastodon(client_id=client_id, client_secret=client_secret, api_base_url=running.url)
    name = f"novacek_{secrets.token_hex(4)}"
    token = api.create_account(name, "nova hruska v sadu", f"{name}@example.org", agreement=True, locale="cs", scopes=SCOPES)
    return Mastodon(access_token=token, client_id=client_id, client_secret=client_secret, api_base_url=running.url)


def test_reading(jana: Mastodon) -> None:
    assert jana.account_verify_credentials().acct.startswith("jana_")
    assert jana.instance_v2().configuration.statuses.max_characters == 500
    with pytest.warns(MastodonDeprecationWarning):
        assert jana.instance_v1().urls
    home = until(lambda: found if len(found := jana.timeline_home(limit=5)) >= 4 else None)
    older = jana.fetch_next(home)
    assert older
    assert older[0].id < home[-1].id
    assert jana.timeline_local()
    assert jana.timeline_hashtag("kašna")
    assert jana.preferences()["posting:default:visibility"] == "public"
    for empty in (jana.lists, jana.filters_v2, jana.custom_emojis, jana.announcements, jana.followed_tags, jana.scheduled_statuses):
        assert empty() == []


def test_writing_and_reactions(jana: Mastodon, newcomer: Mastodon, tmp_path: Path) -> None:
    file = tmp_path / "picture.png"
    file.write_bytes(picture())
    media = jana.media_post(str(file), description="Hnědá plocha", focus=(0.5, 0.2))
    status = jana.status_post("Z programu, s obrázkem", media_ids=[media], visibility="public", language="cs", idempotency_key="k-1")
    assert status.media_attachments[0].description == "Hnědá plocha"
    assert jana.status_post("Z programu, s obrázkem", media_ids=[media], idempotency_key="k-1").id == status.id
    reply = newcomer.status_reply(status, "Odpověď z programu")
    assert reply.in_reply_to_id == status.id
    assert newcomer.status_reblog(status).reblog.id == status.id
    assert newcomer.status_favourite(status).favourited
    assert newcomer.status_bookmark(status).bookmarked
    assert newcomer.account_follow(status.account).following
    assert [item.id for item in newcomer.bookmarks()] == [status.id]
    assert [item.id for item in newcomer.favourites()] == [status.id]
    until(lambda: status.id in [(item.reblog or item).id for item in newcomer.timeline_home()])  # as the newcomer's own boost
    me = newcomer.me()
    kinds = {"mention", "reblog", "favourite", "follow"}
    until(lambda: kinds <= {item.type for item in jana.notifications() if item.account.id == me.id})
    context = jana.status_context(status)
    assert [item.id for item in context.descendants] == [reply.id]
    assert jana.status_update(status, "Opraveno z programu", media_ids=[media]).edited_at
    assert len(jana.status_history(status)) == 2
    assert jana.status_source(status).text == "Opraveno z programu"
    assert jana.search_v2("opraveno programu", result_type="statuses").statuses[0].id == status.id
    assert [account.id for account in jana.account_search(me.acct)] == [me.id]
    assert jana.account_relationships(reply.account)[0].followed_by
    poll = jana.make_poll(["ano", "ne"], expires_in=600)
    asked = jana.status_post("Anketa z programu", poll=poll)
    assert newcomer.poll_vote(asked.poll, [1]).own_votes == [1]
    jana.status_delete(status)
    with pytest.raises(MastodonNotFoundError):
        newcomer.status(status)


def test_profile_relations_and_markers(jana: Mastodon, newcomer: Mastodon) -> None:
    changed = newcomer.account_update_credentials(display_name="Nováček", note="Zkouším", locked=True, fields=[("Web", "https://example.org")])
    assert changed.fields[0].value.startswith("<a ")
    assert jana.account_follow(changed).requested
    assert [account.id for account in newcomer.follow_requests()] == [jana.me().id]
    assert newcomer.follow_request_authorize(jana.me()).followed_by
    assert newcomer.account_mute(jana.me()).muting
    assert [account.id for account in newcomer.mutes()] == [jana.me().id]
    assert not newcomer.account_unmute(jana.me()).muting
    assert newcomer.account_block(jana.me()).blocking
    assert not newcomer.account_unblock(jana.me()).blocking
    assert jana.account_note_set(changed, "z programu").note == "z programu"
    newest = jana.timeline_home(limit=1)[0]
    assert jana.markers_set("home", newest.id)["home"].last_read_id == str(newest.id)
    direct = newcomer.status_post(f"@{jana.me().acct} tajně", visibility="direct")
    conversation = until(lambda: [item for item in jana.conversations() if item.last_status and item.last_status.id == direct.id])[0]
    assert not jana.conversations_read(conversation).unread

"""More calls of Mastodon.py: groups, paged lists, pictures, discovery."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mastodon import Mastodon, MastodonAPIError, MastodonNotFoundError, MastodonUnauthorizedError
from mastodon.errors import MastodonDeprecationWarning

from tests.api.test_accounts import picture
from tests.conformance.test_mastodon_py import SCOPES, until
from tests.network_up import NetworkUp, moot
from tests.newcomers import newcomer

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


VILLAGE = ["karel", "peter", "marie", "anna", "josef"]  # of the demo


def _token(running: NetworkUp, name: str, scopes: str = " ".join(SCOPES)) -> str:
    made = moot("token", "create", name, "--scopes", scopes, data=running.data)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def _with_token(running: NetworkUp, name: str, scopes: str = " ".join(SCOPES)) -> Mastodon:
    return Mastodon(access_token=_token(running, name, scopes), api_base_url=running.url)


@pytest.fixture(scope="module")
def eva(running: NetworkUp) -> Mastodon:
    return _with_token(running, newcomer(running, "eva", follows=VILLAGE, followed_by=VILLAGE))


@pytest.fixture(scope="module")
def tomas(running: NetworkUp) -> Mastodon:
    return _with_token(running, newcomer(running, "tomas"))


def test_calls_at_the_start_of_an_app(running: NetworkUp, eva: Mastodon) -> None:
    nobody = Mastodon(api_base_url=running.url)
    assert nobody.instance_health()
    assert nobody.instance_nodeinfo().software.name == "folkmoot"
    assert nobody.retrieve_mastodon_version() == "4.3.0"
    assert nobody.instance_v2().api_versions["mastodon"] == 7
    assert nobody.timeline_local(limit=3)
    assert nobody.account_lookup("eva").display_name == "Eva Dvořáková"
    with pytest.raises(MastodonUnauthorizedError):
        nobody.timeline_home()
    assert eva.app_verify_credentials().name
    for empty in (eva.featured_tags, eva.endorsements, eva.domain_blocks, eva.notification_requests, eva.instance_peers):
        assert empty() == []
    assert [rule.id for rule in eva.instance_rules()] == [str(number) for number in range(1, 10)]
    assert eva.notifications_policy().for_not_following == "accept"


def test_web_push(eva: Mastodon) -> None:
    """Subscribing and reading back; `tests/api/test_push_delivery.py` decrypts what arrives."""
    with pytest.raises(MastodonNotFoundError):
        eva.push_subscription()
    _, keys = eva.push_subscription_generate_keys()
    made = eva.push_subscription_set(
        "https://push.example.org/x", keys, follow_events=True, favourite_events=True, mention_events=False, admin_report_events=True,
        policy="followed",
    )
    assert eva.push_subscription() == made
    assert (made.endpoint, made.policy) == ("https://push.example.org/x", "followed")
    assert [name for name, is_on in made.alerts.items() if is_on] == ["follow", "favourite", "admin.report"]
    assert eva.instance_v2().configuration.vapid.public_key == made.server_key
    changed = eva.push_subscription_update(poll_events=True, mention_events=True)
    assert {name for name, is_on in changed.alerts.items() if is_on} == {"poll", "mention"}
    eva.push_subscription_delete()
    with pytest.raises(MastodonNotFoundError):
        eva.push_subscription()


def test_notifications_in_groups(eva: Mastodon, tomas: Mastodon) -> None:
    status = eva.status_post("Co se dělo dnes")
    tomas.status_favourite(status)
    tomas.status_reblog(status)
    reply = tomas.status_reply(status, "Nic zvláštního")

    def found() -> dict[str, str]:
        groups = eva.grouped_notifications(grouped_types=["favourite", "reblog"]).notification_groups
        return {group.type: group.group_key for group in groups if str(group.get("status_id")) == str(status.id)}

    groups = until(lambda: kinds if {"favourite", "reblog"} <= set(kinds := found()) else None)
    until(lambda: [one for one in eva.notifications(types=["mention"]) if one.status.id == reply.id])
    assert groups["favourite"].startswith("favourite-")
    answer = eva.grouped_notification(groups["favourite"])
    assert [account.id for account in answer.accounts] == [tomas.me().id]
    assert [shown.id for shown in answer.statuses] == [status.id]
    assert [account.id for account in eva.grouped_notification_accounts(groups["reblog"])] == [tomas.me().id]
    assert eva.unread_grouped_notifications_count() >= 3
    assert eva.notifications_unread_count().count >= 3
    eva.dismiss_grouped_notification(groups["favourite"])
    assert "favourite" not in found()
    mention = eva.notifications(types=["mention"], limit=1)[0]
    assert eva.notifications(mention.id).status.id == mention.status.id
    eva.notifications_dismiss(mention)
    eva.notifications_clear()
    assert eva.notifications() == []


def test_lists_are_paged_by_their_links(eva: Mastodon) -> None:
    me = eva.me()
    whole = eva.account_followers(me)
    assert len(whole) > 3
    assert [account.id for account in eva.fetch_remaining(eva.account_followers(me, limit=2))] == [account.id for account in whole]
    posted = [eva.status_post(f"Záložka {number}") for number in range(5)]
    for status in posted:
        eva.status_bookmark(status)
    bookmarks = eva.fetch_remaining(eva.bookmarks(limit=2))
    assert [status.content for status in bookmarks][:5] == [f"<p>Záložka {number}</p>" for number in reversed(range(5))]
    until(lambda: {status.id for status in posted} <= {status.id for status in eva.timeline_home()})
    first = eva.timeline_home(limit=2)
    older = eva.fetch_next(first)
    assert [status.id for status in eva.fetch_previous(older)] == [status.id for status in first]


def test_pictures_from_upload_to_redraft(eva: Mastodon, tmp_path: Path) -> None:
    file = tmp_path / "picture.png"
    file.write_bytes(picture())
    media = eva.media_post(str(file), description="Hnědá", focus=(0.5, 0.2), synchronous=True)
    assert eva.media(media).url
    assert eva.media_update(media, description="Hnědá plocha", focus=(-0.5, 0)).meta.focus.x == -0.5
    status = eva.status_post("S obrázkem", media_ids=[media], sensitive=True, spoiler_text="hnědá")
    with pytest.raises(MastodonNotFoundError):
        eva.media(media)
    deleted = eva.status_delete(status)
    assert (deleted.text, deleted.spoiler_text) == ("S obrázkem", "hnědá")
    again = eva.status_post(deleted.text, media_ids=deleted.media_attachments, visibility="unlisted")
    assert again.media_attachments[0].id == media.id
    changed = eva.account_update_credentials(avatar=str(file), header=str(file), note="Od rána", fields=[("Web", "https://example.org")])
    assert "/media/" in changed.avatar
    assert "/static/" in eva.account_delete_avatar().avatar
    assert "/static/" in eva.account_delete_header().header
    assert eva.profile().note == "Od rána"


def test_actions_on_accounts(eva: Mastodon, tomas: Mastodon) -> None:
    him = tomas.me()
    assert eva.account_follow(him, reblogs=False, notify=True).notifying
    assert eva.account_mute(him, notifications=False, duration=300).muting
    assert next(account.mute_expires_at for account in eva.mutes() if account.id == him.id)
    eva.account_unmute(him)
    assert eva.account_familiar_followers([him])[0].id == him.id
    status = tomas.status_post("Každému příspěvku patří zvonek")
    until(lambda: [item for item in eva.notifications(types=["status"]) if item.status.id == status.id])
    assert eva.status_mute(status).muted
    assert not eva.status_unmute(status).muted
    assert eva.search(f"{status.url}", resolve=True).statuses[0].id == status.id
    assert tomas.status_pin(status).pinned
    assert [shown.id for shown in eva.account_statuses(him, pinned=True)] == [status.id]
    assert eva.status_reblog(status, visibility="unlisted").visibility == "unlisted"
    assert [account.id for account in tomas.status_reblogged_by(status)] == [eva.me().id]
    poll = tomas.status_post("?", poll=tomas.make_poll(["ano", "ne", "snad"], 600, multiple=True, hide_totals=True)).poll
    assert eva.poll_vote(poll, [0, 2]).own_votes == [0, 2]
    assert eva.poll_vote(poll, [1]).own_votes == [0, 2, 1]
    with pytest.raises(MastodonAPIError, match="V této anketě už váš hlas máme"):
        eva.poll_vote(poll, [1])
    assert [tag.name for tag in eva.search("kašna", result_type="hashtags").hashtags] == ["kašna"]


def test_a_token_is_refused_outside_its_scopes(running: NetworkUp) -> None:
    reader = _with_token(running, "eva", "read:statuses")  # reads only
    assert reader.timeline_home(limit=1)
    for refused in (reader.notifications, reader.mutes, reader.preferences):
        with pytest.raises(MastodonAPIError, match="403"):
            refused()


def test_scheduled_posts_and_followed_hashtags(running: NetworkUp) -> None:
    eva, tomas = (_with_token(running, newcomer(running, name)) for name in ("planuje", "pise"))  # they follow nobody
    at = datetime.now(UTC) + timedelta(hours=2)
    made = eva.status_post("Až za dvě hodiny", scheduled_at=at, visibility="unlisted", idempotency_key="later-1")
    assert (made.params.text, made.params.visibility) == ("Až za dvě hodiny", "unlisted")
    assert abs(made.scheduled_at - at) < timedelta(seconds=1)
    assert [one.id for one in eva.scheduled_statuses()] == [made.id]
    moved = eva.scheduled_status_update(made, at + timedelta(days=1))
    assert moved.scheduled_at == eva.scheduled_status(made).scheduled_at > made.scheduled_at
    with pytest.raises(MastodonAPIError, match="aspoň pět minut"):
        eva.scheduled_status_update(made, datetime.now(UTC) + timedelta(minutes=1))
    eva.scheduled_status_delete(made)
    assert eva.scheduled_statuses() == []
    assert eva.tag_follow("knihobudka").following
    assert [tag.name for tag in eva.followed_tags()] == ["knihobudka"]
    status = tomas.status_post("U školy stojí #knihobudka")
    until(lambda: [item for item in eva.timeline_home(limit=5) if item.id == status.id])
    assert not eva.tag_unfollow("knihobudka").following
    assert status.id not in [item.id for item in eva.timeline_home(limit=5)]


def test_policy_and_requests(running: NetworkUp) -> None:
    names = [newcomer(running, name) for name in ("radka", "cizi", "druhy")]
    radka, *strangers = [_with_token(running, name) for name in names]
    changed = radka.update_notifications_policy(for_not_following="filter")
    assert (changed.for_not_following, radka.notifications_policy().for_not_following) == ("filter", "filter")
    for stranger in strangers:
        stranger.status_post(f"@{names[0]} dobrý den")
    requests = until(lambda: found if len(found := radka.notification_requests()) == 2 else None)
    assert radka.notifications() == []
    assert radka.notifications_policy().summary.pending_requests_count == 2
    first = radka.notification_request(requests[0].id)
    assert first.last_status.content
    radka.accept_notification_request(first)
    assert radka.notifications_merged()
    assert [one.account.id for one in radka.notifications()] == [first.account.id]
    radka.accept_multiple_notification_requests([requests[1]])  # it sends `id[][]`
    assert len(radka.notifications()) == 2
    strangers[0].status_post(f"@{names[0]} ještě jednou")
    until(lambda: len(radka.notifications()) == 3)
    assert radka.notification_requests() == []


def test_recommendations_suggestions_and_blocked_networks(running: NetworkUp) -> None:
    friend_name, other_name = newcomer(running, "pratele"), newcomer(running, "dalsi")
    name = newcomer(running, "zdenka", follows=[friend_name])
    zdenka, friend, other = [_with_token(running, one) for one in (name, friend_name, other_name)]
    friend_id, other_id = friend.me().id, other.me().id
    assert zdenka.account_endorse(friend_id).endorsed
    assert [account.id for account in zdenka.endorsements()] == [friend_id]
    with pytest.warns(MastodonDeprecationWarning):
        assert not zdenka.account_unpin(friend_id).endorsed
    with pytest.warns(MastodonDeprecationWarning):
        assert zdenka.account_pin(friend_id).endorsed
    zdenka.account_unfollow(friend_id)
    assert zdenka.endorsements() == []
    zdenka.account_follow(friend_id)
    friend.account_follow(other_id)
    other.account_update_credentials(discoverable=True)
    assert other_id in [one.account.id for one in zdenka.suggestions_v2()]
    zdenka.suggestion_delete(other_id)
    assert other_id not in [one.account.id for one in zdenka.suggestions_v2()]
    zdenka.domain_block("daleko.example")
    assert zdenka.domain_blocks() == ["daleko.example"]


def test_quotes(running: NetworkUp) -> None:
    # Quotes came with 4.5, and the version that we name is the highest of which everything is here.
    eva, tomas = [
        Mastodon(access_token=_token(running, newcomer(running, name)), api_base_url=running.url, version_check_mode="none")
        for name in ("eva", "tomas")
    ]
    quoted = tomas.status_post("Kdo má klíče od sálu?", quote_approval_policy="followers")
    assert (quoted.quote_approval.automatic, quoted.quotes_count, quoted.quote) == (["followers"], 0, None)
    with pytest.raises(MastodonAPIError):
        eva.status_post("Já ne", quoted_status_id=quoted)
    assert tomas.status_update_quote_approval_policy(quoted, "public").quote_approval.automatic == ["public"]
    quoting = eva.status_post("Já ne", quoted_status_id=quoted)
    assert (quoting.quote.state, quoting.quote.quoted_status.id) == ("accepted", quoted.id)
    outer = tomas.status_post("Tak kdo?", quoted_status_id=quoting)
    assert outer.quote.quoted_status.quote.quoted_status_id == quoted.id
    until(lambda: [one for one in tomas.notifications(types=["quote"]) if one.status.id == quoting.id])
    assert [one.id for one in eva.status_quotes(quoted)] == [quoting.id]
    until(lambda: eva.status(quoted).quotes_count == 1)
    revoked = tomas.status_quote_revoke(quoted, quoting)
    assert (revoked.id, revoked.quote.state, revoked.quote.quoted_status) == (quoting.id, "revoked", None)
    assert eva.status_quotes(quoted) == []
    tomas.account_update_credentials(default_quote_policy="nobody")
    assert tomas.preferences()["posting:default:quote_policy"] == "nobody"
    assert tomas.status_post("Nikomu").quote_approval.automatic == []

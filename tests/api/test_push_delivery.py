"""What devices get, through a real push service: who is woken, by what, and what happens when the service fails."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from mastodon import Mastodon

from folkmoot.base import clock, http_client
from folkmoot.base.db import Database
from folkmoot.network.accounts.actions import set_effect
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.filters.actions import create_filter
from folkmoot.network.filters.model import FilterAction, FilterDraft, KeywordDraft
from folkmoot.network.posts import actions as posts
from folkmoot.network.posts.actions.restrict import set_effect as restrict_post
from folkmoot.network.posts.model import PostDraft, PostEffect, Visibility
from folkmoot.network.relations import actions as relations
from folkmoot.network.sessions import queries as logins
from folkmoot.network.sessions.actions import change_preferences
from folkmoot.network.sessions.model import Preferences, Role, Viewer
from folkmoot.network.web_push.actions import call_members
from folkmoot.network.web_push.jobs import Sender
from folkmoot.network.web_push.model import GIVEN_UP_AFTER, Call, Push
from folkmoot.network.web_push.services import MOST_FAILURES, MOST_OF_UNPROVEN
from tests.push_service import CONTACT, HOST, Device, PushService, push_service, text_of, write_certificate
from tests.village import LIMITS, Village, Visitor
from tests.waiting import until
from tests.web.test_pages import form_token

PATH = "/api/v1/push/subscription"
EVERYTHING = ("mention", "status", "reblog", "follow", "follow_request", "favourite", "poll", "update")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_certificate(tmp_path_factory.mktemp("service"))


@pytest.fixture
async def service(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PushService]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    http_client._system_trust.cache_clear()
    async with push_service(certificate.parent) as found:
        yield found
    http_client._system_trust.cache_clear()


@pytest.fixture
async def people(village: Village) -> Village:
    await village.settle("jana", "karel", "eva")
    return village


async def _app(village: Village, device: Device, *alerts: str, name: str = "jana", **options: Any) -> Visitor:
    program = await village.by_app(name, "read write follow push")
    answer = await program.send("POST", PATH, as_json=device.form(*alerts, **options))
    assert answer.status == 200, answer.text
    return program


async def _waiting(village: Village) -> list[tuple[int, int]]:
    """(tries, seconds until it is due) of the messages that wait."""
    async with village.database.read() as conn:
        rows = await conn.fetch(
            "SELECT payload, extract(epoch FROM due_at - now())::int AS due_in FROM jobs WHERE name = 'web_push.send' ORDER BY id"
        )
    return [(json.loads(row["payload"])["tries"], row["due_in"]) for row in rows]


async def _subscriptions(village: Village) -> int:
    async with village.database.read() as conn:
        return int(await conn.fetchval("SELECT count(*) FROM web_push_subscriptions"))


async def _make_due(village: Village) -> None:
    async with village.database.write() as tx:
        await tx.execute("UPDATE jobs SET due_at = now()")


async def _speak_czech(village: Village, name: str) -> None:
    async with village.database.write() as tx:
        login = await logins.get_login(tx, village.people[name].id)
        await change_preferences(tx, Viewer(account=village.people[name], login=login), Preferences(), "cs")


@pytest.mark.parametrize("is_standard", [True, False])
async def test_an_app_is_woken_with_what_mastodons_apps_expect(people: Village, service: PushService, is_standard: bool) -> None:
    device = Device()
    program = await _app(people, device, "mention", standard=is_standard)
    await _speak_czech(people, "jana")
    post = await people.write("karel", "Ahoj @jana, přijď na trh")
    await service.work(people)
    [sent] = service.sent
    [notification] = (await program.get("/api/v1/notifications")).json
    assert device.read(sent) == {
        "access_token": program._token, "preferred_locale": "cs",
        "notification_id": int(notification["id"]), "notification_type": "mention",
        "icon": "http://localhost:8420/static/avatar.png", "title": "Karel vás zmiňuje", "body": "Ahoj @jana, přijď na trh",
    }
    assert notification["status"]["id"] == str(post.post.id)
    key = (await program.get(PATH)).json["server_key"]
    claims = sent.verified_claims(key)
    left = claims["exp"] - clock.now().timestamp()
    assert 0 < left <= 24 * 3600
    assert (sent.path, sent.headers["host"], sent.headers["urgency"]) == (device.path, HOST, "normal")
    assert 0 < int(sent.headers["ttl"]) <= 48 * 3600
    assert b"Ahoj" not in sent.body
    assert "cookie" not in sent.headers
    assert await _waiting(people) == []


async def test_the_library_mastodon_py_decrypts_a_message(people: Village, service: PushService) -> None:
    pytest.importorskip("http_ece", reason="the library http_ece, which Mastodon.py needs for this, is not installed: it has no wheel")
    api = Mastodon(access_token="unused", api_base_url="http://localhost:1", version_check_mode="none")
    private, public = api.push_subscription_generate_keys()
    form = Device().form("mention")
    form["subscription"]["keys"] = {"p256dh": text_of(public["pubkey"]), "auth": text_of(public["auth"])}
    program = await people.by_app("jana", "read push")
    assert (await program.send("POST", PATH, as_json=form)).status == 200
    await people.write("karel", "@jana přijdeš?")
    await service.work(people)
    [sent] = service.sent
    message = api.push_subscription_decrypt_push(sent.body, private, sent.headers["encryption"], sent.headers["crypto-key"])
    assert (message.access_token, message.title, message.body) == (program._token, "Karel mentions you", "@jana přijdeš?")
    assert message.notification_type == "mention"


async def test_each_alert_wakes_for_its_kind_alone(people: Village, service: PushService) -> None:
    devices = {alert: Device() for alert in EVERYTHING}
    for alert, device in devices.items():
        await _app(people, device, alert)
    everything, nothing = Device(), Device()
    await _app(people, everything, *EVERYTHING)
    await _app(people, nothing, "quote", "quoted_update", "admin.report", "admin.sign_up", "moderation_warning")
    karel, jana = people.people["karel"], people.people["jana"]
    own = await people.write("jana", "Moje slova")
    karels = await people.write("karel", "Karlova slova")
    await service.work(people)
    async with people.database.write() as tx:
        await relations.follow(tx, jana, karel.id, notifies=True)
        await posts.boost_post(tx, jana, karels.post.id)
    await service.work(people)
    assert service.sent == []
    async with people.database.write() as tx:
        await relations.follow(tx, karel, jana.id)
        await posts.boost_post(tx, karel, own.post.id)
        await posts.favourite_post(tx, karel, own.post.id)
    await people.write("karel", "Ahoj @jana")
    await people.write("karel", "Kdo jde na trh?")
    async with people.database.write() as tx:
        await posts.edit_post(tx, karel, karels.post.id, PostDraft(text="Jiná slova"), LIMITS)
    await service.work(people)
    got = {alert: [device.read(sent)["notification_type"] for sent in service.sent if sent.path == device.path]
           for alert, device in devices.items()}
    assert got == {alert: [alert] if alert not in ("follow_request", "poll") else [] for alert in EVERYTHING}
    titles = {one["notification_type"]: (one["title"], one["body"]) for sent in service.sent if sent.path == everything.path
              for one in [everything.read(sent)]}
    name = "Karel"
    assert titles == {
        "follow": (f"{name} follows you now", "@karel"), "reblog": (f"{name} boosted your post", "Moje slova"),
        "favourite": (f"{name} likes your post", "Moje slova"), "mention": (f"{name} mentions you", "Ahoj @jana"),
        "status": (f"{name} has written something", "Kdo jde na trh?"), "update": (f"{name} edited a post that you boosted", "Jiná slova"),
    }
    assert not [sent for sent in service.sent if sent.path == nothing.path]


async def test_the_policy_says_from_whom(people: Village, service: PushService) -> None:
    devices = {policy: Device() for policy in ("all", "followed", "follower", "none")}
    for policy, device in devices.items():
        await _app(people, device, "mention", policy=policy)
    await people.follow("jana", "karel")
    await people.follow("eva", "jana")
    for name in ("karel", "eva"):
        await people.write(name, "@jana slyšíš?")
    await service.work(people)
    got = {policy: sorted(device.read(sent)["title"].split()[0] for sent in service.sent if sent.path == device.path)
           for policy, device in devices.items()}
    assert got == {"all": ["Eva", "Karel"], "followed": ["Karel"], "follower": ["Eva"], "none": []}


async def test_a_content_warning_and_a_label_cover_the_text(people: Village, service: PushService) -> None:
    device = Device()
    await _app(people, device, "mention")
    await people.write("karel", "@jana tajemství", cover="Konec knihy")
    await people.write("karel", "@jana " + "dlouhé " * 60)
    labelled = await people.write("karel", "@jana něco ošklivého")
    async with people.database.write() as tx:
        await restrict_post(tx, labelled.post.id, PostEffect.LABEL, "violence")
    await service.work(people)
    messages = [device.read(sent) for sent in service.sent]
    assert sorted(one["body"][:10] for one in messages) == ["@jana dlou", "Covered by", "Konec knih"]
    [long] = [one for one in messages if one["body"].startswith("@jana")]
    assert long["body"].endswith("dlouhé…")
    assert len(long["body"]) <= 141


async def test_nothing_is_sent_that_the_member_may_not_see_or_not_want_now(people: Village, service: PushService) -> None:
    """Each change comes after the message was enqueued. The control is that an equal one is sent without the change."""
    await people.settle("dana", "petr", "olga", "ivan")
    device = Device()
    program = await _app(people, device, "mention")
    sender, jana, held = service.sender(people), people.people["jana"], list[Push]()

    class Holding(Sender):
        async def send(self, database: Database, push: Push) -> None:
            held.append(push)

    written = {name: await people.write(name, "@jana slyšíš?") for name in ("karel", "eva", "dana", "petr", "olga", "ivan")}
    await service.work(people, Holding(people.settings.secret, CONTACT, sender._compose))
    names = {account.id: name for name, account in people.people.items()}
    async with people.database.read() as conn:
        rows = await conn.fetch("SELECT id, from_id FROM notifications WHERE account_id = $1", jana.id)
    senders = {row["id"]: names[row["from_id"]] for row in rows}
    pushes = {senders[push.notification_id]: push for push in held}

    async def sent_to(name: str) -> int:
        service.sent.clear()
        await sender.send(people.database, pushes[name])
        assert await _waiting(people) == []
        return len(service.sent)

    assert [await sent_to(name) for name in written] == [1] * 6
    async with people.database.write() as tx:
        await relations.block(tx, jana, people.people["karel"].id)
        await relations.mute(tx, jana, people.people["eva"].id)
        await posts.delete_post(tx, people.people["dana"], written["dana"].post.id)
        await set_effect(tx, people.people["petr"].id, AccountEffect.SUSPENDED)
        await restrict_post(tx, written["olga"].post.id, PostEffect.HIDDEN, None)
    assert [await sent_to(name) for name in written] == [0, 0, 0, 0, 0, 1]
    for effect in (AccountEffect.SUSPENDED, AccountEffect.NONE):
        async with people.database.write() as tx:
            await set_effect(tx, jana.id, effect)
        assert await sent_to("ivan") == (effect is AccountEffect.NONE)
    await program.send("PUT", PATH, as_json={"data": {"alerts": {"poll": True}}})
    assert await sent_to("ivan") == 0
    await program.send("PUT", PATH, as_json={"data": {"alerts": {"mention": True}}})
    assert await sent_to("ivan") == 1
    async with people.database.write() as tx:
        await logins.delete_tokens(tx, jana.id)
    assert await sent_to("ivan") == 0


async def test_a_message_to_several_is_not_sent_to_others(people: Village, service: PushService) -> None:
    device, evas = Device(), Device()
    await _app(people, device, *EVERYTHING)
    await _app(people, evas, *EVERYTHING, name="eva")
    await people.write("karel", "@jana jen pro tebe", visibility=Visibility.DIRECT)
    await service.work(people)
    assert [sent.path for sent in service.sent] == [device.path]
    assert device.read(service.sent[0])["title"] == "Karel wrote to you"


async def _answered(people: Village, service: PushService, path: str, *headers: str) -> None:
    service.headers[:] = headers
    await _app(people, Device(path=path), "mention")
    await people.write("karel", "@jana slyšíš?")
    await service.work(people)


async def test_a_subscription_that_the_service_has_ended_is_deleted(people: Village, service: PushService) -> None:
    for number, status in enumerate((404, 410), 1):
        await _answered(people, service, f"/{status}/x")
        assert len(service.sent) == number
        assert await _subscriptions(people) == 0
        assert await _waiting(people) == []


async def test_a_message_that_the_service_refuses_is_dropped(people: Village, service: PushService) -> None:
    for number, status in enumerate((400, 401, 403, 413), 1):
        await _answered(people, service, f"/{status}/x")
        assert await _waiting(people) == []
        assert await _subscriptions(people) == number


async def test_a_message_is_retried_and_arrives_once(people: Village, service: PushService) -> None:
    for status in (429, 500, 503):
        service.sent.clear()
        await _answered(people, service, f"/{status}/x", "Retry-After: 1200")
        [(tries, due_in)] = await _waiting(people)
        assert tries == 1
        assert 1000 < due_in <= 1201
        async with people.database.write() as tx:
            await tx.execute("UPDATE web_push_subscriptions SET endpoint = $1", f"https://{HOST}/device/now")
        for _ in range(2):
            await _make_due(people)
            await service.work(people)
        assert [sent.path for sent in service.sent] == [f"/{status}/x", "/device/now"]
        async with people.database.write() as tx:
            assert await tx.fetchval("SELECT failing_since FROM web_push_subscriptions") is None
            await tx.execute("DELETE FROM web_push_subscriptions")


async def test_retries_become_rarer_and_end(people: Village, service: PushService) -> None:
    await _answered(people, service, "/500/x")
    delays = []
    for _ in range(7):
        [(_, due_in)] = await _waiting(people)
        delays.append(due_in)
        await _make_due(people)
        await service.work(people)
    assert delays == sorted(delays)
    assert delays[-1] >= 3600
    with clock.stopped_at(clock.now() + timedelta(days=2)):
        await _make_due(people)
        await service.work(people)
    assert await _waiting(people) == []


async def test_a_date_of_the_service_is_read_and_bounded(people: Village, service: PushService) -> None:
    for text, least, most in (
        (format_datetime(clock.now() + timedelta(hours=2), usegmt=True), 6000, 7201), ("99999999999999", 20000, 21601),
        ("soon", -60, 9), ("-7", -60, 9),
    ):
        async with people.database.write() as tx:
            await tx.execute("DELETE FROM jobs")
            await tx.execute("DELETE FROM web_push_subscriptions")
        await _answered(people, service, "/429/x", f"Retry-After: {text}")
        [(_, due_in)] = await _waiting(people)
        assert least <= due_in <= most, text


async def test_a_subscription_without_success_for_a_week_ends(people: Village, service: PushService) -> None:
    await _answered(people, service, "/500/x")
    assert await _subscriptions(people) == 1
    async with people.database.write() as tx:
        await tx.execute("DELETE FROM jobs")
        await tx.execute("UPDATE web_push_subscriptions SET failing_since = failing_since - $1::interval", GIVEN_UP_AFTER)
    await people.write("eva", "@jana a ty?")
    await service.work(people)
    assert await _subscriptions(people) == 0


async def test_redirects_are_not_followed_and_floods_are_cut(people: Village, service: PushService) -> None:
    await _answered(people, service, "/to/x")
    assert [sent.path for sent in service.sent] == ["/to/x"]
    assert await _waiting(people) == []
    await _answered(people, service, "/huge/x")
    assert [tries for tries, _ in await _waiting(people)] == [1]


async def test_a_name_that_leads_inside_ends_the_subscription(people: Village, service: PushService) -> None:
    """It was public, or unknown, when the app subscribed."""
    service.private_names.add("inside.example.org")
    await _app(people, Device(host="inside.example.org"), "mention")
    await people.write("karel", "@jana slyšíš?")
    await service.work(people)
    assert service.resolved == ["inside.example.org"]
    assert service.sent == []
    assert await _subscriptions(people) == 0
    assert await _waiting(people) == []


async def test_a_service_that_hangs_delays_nobody(people: Village, service: PushService) -> None:
    """Messages to it wait apart: a device of another service is woken, and everything else goes on."""
    device = Device()
    for _ in range(20):
        await _app(people, Device(path="/slow/x", host="dead.example.org"), "mention")
    await _app(people, device, "mention")
    await people.write("karel", "@jana slyšíš?")
    sender = service.sender(people)
    work = asyncio.create_task(service.work(people, sender))
    try:
        await until(lambda: [sent for sent in service.sent if sent.path == device.path])
    except TimeoutError:
        work.cancel()
        raise
    hanging = [sent for sent in service.sent if sent.headers["host"] == "dead.example.org"]
    assert len(hanging) <= MOST_OF_UNPROVEN
    assert not work.done()
    service.gives_up.set()
    await work
    assert len(await _waiting(people)) == 20
    await _make_due(people)
    await service.work(people, sender)
    assert len(service.sent) <= 1 + MOST_FAILURES + MOST_OF_UNPROVEN, "a service that only fails is left alone"
    assert len(await _waiting(people)) == 20


async def test_a_browser_gets_its_page_and_moderators_calls(people: Village, service: PushService) -> None:
    await people.settle("mod", role=Role.MODERATOR)
    device, silent = Device(), Device()
    for one, alerts in ((device, ("mention", "call")), (silent, ("mention",))):
        browser = await people.by_browser("mod")
        token = form_token((await browser.get("/settings/push")).text)
        answer = await browser.post("/settings/push", {
            "form_token": token, "endpoint": one.endpoint, **one.keys, **dict.fromkeys(alerts, "true"), "policy": "all",
        })
        assert answer.status == 303, answer.text
    post = await people.write("karel", "@mod pomoz", visibility=Visibility.DIRECT)
    await service.work(people)
    [sent] = [sent for sent in service.sent if sent.path == device.path]
    message = device.read(sent)
    assert message.pop("tag").startswith("notification-")
    assert message == {
        "title": "Karel wrote to you", "body": "@mod pomoz", "icon": "http://localhost:8420/static/avatar.png", "lang": "en",
        "path": f"/messages/{post.post.conversation_id}",
    }
    async with people.database.write() as tx:
        for text, count in (("cases_half", 1), ("cases_late", 3), ("cases_over", 1)):
            await call_members(tx, [people.people["mod"].id, people.people["jana"].id], Call(text=text, count=count))
    service.sent.clear()
    await service.work(people)
    assert {sent.path for sent in service.sent} == {device.path}
    calls = [device.read(sent) for sent in service.sent]
    assert {(call["title"], call["body"], call["path"]) for call in calls} == {
        ("Cases are waiting", "For 1 case half of the time to decide has passed.", "/moderate"),
        ("Little time is left for cases", "For 3 cases less than a fifth of the time to decide is left.", "/moderate"),
        ("Cases are overdue", "The time to decide has run out for 1 case.", "/moderate"),
    }
    assert {sent.headers["urgency"] for sent in service.sent} == {"high"}


async def test_nobody_is_woken_by_what_their_filters_hide(people: Village, service: PushService) -> None:
    device = Device()
    await _app(people, device, "mention")
    for action, word in ((FilterAction.HIDE, "kašna"), (FilterAction.WARN, "zvon")):
        draft = FilterDraft(title="Ne", contexts=["notifications"], action=action, keywords=(KeywordDraft(text=word),))
        async with people.database.write() as tx:
            await create_filter(tx, people.people["jana"], draft)
    for text in ("@jana KASNA teče", "@jana zvon bije", "@jana přijď"):
        await people.write("karel", text)
        await service.work(people)
    assert [device.read(sent)["body"] for sent in service.sent] == ["@jana zvon bije", "@jana přijď"]
    assert await _waiting(people) == []

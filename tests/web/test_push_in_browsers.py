"""Turning on notifications in a browser, and the service worker that shows them. No push service can be reached from a test: the browser
gets the subscription of a device of the test, and its messages through the developer tools."""

import json
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.network_up import NetworkUp
from tests.newcomers import newcomer
from tests.push_service import Device
from tests.web.browsing import log_in, open_page
from tests.web.test_axe import examine

_GIVES = """
    const own = { endpoint: ENDPOINT, options: {}, toJSON: () => ({ endpoint: ENDPOINT, keys: KEYS }), unsubscribe: async () => true };
    PushManager.prototype.getSubscription = async () => sessionStorage.getItem("subscribed") ? own : null;
    PushManager.prototype.subscribe = async (options) => {
        if (!options.userVisibleOnly || options.applicationServerKey.length !== 65) throw new Error("wrong options");
        sessionStorage.setItem("subscribed", "1");
        return own;
    };
"""


def _member(browser: Browser, running: NetworkUp, name: str, **options: Any) -> Page:
    page = open_page(browser, running, service_workers="allow", bypass_csp=False, **options)
    return log_in(page, newcomer(running, name, language="cs" if options.get("locale") == "cs" else "en"))


def _worker(page: Page) -> tuple[CDPSession, str]:
    """The developer tools, and the registration of the service worker."""
    tools, found = page.context.new_cdp_session(page), list[str]()
    tools.on("ServiceWorker.workerRegistrationUpdated", lambda event: found.extend(one["registrationId"] for one in event["registrations"]))
    tools.send("ServiceWorker.enable")
    page.wait_for_function("() => navigator.serviceWorker.ready.then(({ active }) => active.state === 'activated')")
    for _ in range(600):
        if found:
            return tools, found[-1]
        page.wait_for_timeout(100)
    raise AssertionError("no service worker")


def test_a_member_turns_notifications_on_and_off(browser: Browser, running: NetworkUp) -> None:
    device = Device()
    page = _member(browser, running, "zuzana", permissions=["notifications"], locale="cs", viewport={"width": 390, "height": 844})
    page.add_init_script(_GIVES.replace("ENDPOINT", json.dumps(device.endpoint)).replace("KEYS", json.dumps(device.keys)))
    page.goto("/settings/push")
    on, off = page.locator("[data-push-on]"), page.locator("form[action$='/push/end'] button")
    expect(on).to_be_visible()
    expect(off).to_have_count(0)
    page.locator("#boost").check()
    page.emulate_media(reduced_motion="reduce")  # colours change at once
    examine(page, "notifications, off")
    on.click()
    expect(off).to_be_visible()
    expect(on).to_be_hidden()
    expect(page.locator("#boost")).to_be_checked()
    expect(page.locator("[data-push-lost]")).to_be_hidden()
    examine(page, "notifications, on")
    page.locator("#boost").uncheck()
    page.locator("[data-push-save]").click()
    expect(page.locator(".notice.done")).to_be_visible()
    expect(page.locator("#boost")).not_to_be_checked()
    page.evaluate("sessionStorage.clear()")
    page.reload()
    expect(page.locator("[data-push-lost]")).to_be_visible()
    off.click()
    expect(on).to_be_visible()
    expect(off).to_have_count(0)
    assert not page.problems  # type: ignore[attr-defined]
    page.context.close()


def test_a_browser_that_is_told_no_says_what_to_do(browser: Browser, running: NetworkUp) -> None:
    page = _member(browser, running, "denisa")
    page.add_init_script("Object.defineProperty(Notification, 'permission', { get: () => 'denied' })")
    page.goto("/settings/push")
    expect(page.locator("[data-push-denied]")).to_be_visible()
    expect(page.locator("[data-push-script]")).to_be_hidden()
    expect(page.locator("[data-push-on]")).to_be_hidden()
    page.context.close()
    page = _member(browser, running, "renata", java_script_enabled=False)
    page.goto("/settings/push")
    expect(page.get_by_text("Turning this on needs JavaScript")).to_be_visible()
    expect(page.locator("[data-push-on]")).to_be_hidden()
    page.context.close()


def test_the_service_worker_shows_a_notification_once(browser: Browser, running: NetworkUp) -> None:
    page = _member(browser, running, "pavla", permissions=["notifications"])
    page.goto("/settings/push")
    tools, registration = _worker(page)
    message = {"title": "Karel mentions you", "body": "Ahoj", "lang": "en", "tag": "notification-7"}
    sent = json.dumps({**message, "icon": "/static/icon-192.png", "path": "/about"})
    for data in ("no JSON", sent, sent):
        tools.send("ServiceWorker.deliverPushMessage", {"origin": running.url, "registrationId": registration, "data": data})
    shown = """async () => (await (await navigator.serviceWorker.ready).getNotifications())
        .map(({ title, body, lang, tag, data }) => ({ title, body, lang, tag, data }))"""
    page.wait_for_function(f"async () => (await ({shown})()).length > 0")
    assert page.evaluate(shown) == [{**message, "data": {"path": "/about"}}]
    page.context.close()

"""Scheduled posts in a browser: the script shows and sends times in the time zone of the browser."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, expect

from tests.network_up import NetworkUp
from tests.newcomers import newcomer
from tests.web.browsing import log_in, open_page, save
from tests.web.test_axe import examine

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # playwright's own loop
ZONE = "America/New_York"


@pytest.mark.parametrize("has_script", [True, False])
def test_a_post_is_scheduled_in_the_time_zone_of_the_browser(browser: Browser, running: NetworkUp, has_script: bool) -> None:
    how = {"timezone_id": ZONE, "java_script_enabled": has_script, "bypass_csp": True, "reduced_motion": "reduce"}
    page = log_in(open_page(browser, running, **how), newcomer(running, "dana", language="en"))
    page.goto("/posts/new")
    expect(page.locator("#due_at")).to_be_hidden()
    page.get_by_label("Later").check()
    expect(page.locator("[data-zone]")).to_have_text("America/New York" if has_script else "Europe/Prague")
    expect(page.get_by_role("button", name="Schedule", exact=True)).to_be_visible()
    page.fill("#text", "Pozítří v poledne")
    day = (datetime.now(UTC) + timedelta(days=2)).date()
    page.fill("#due_at", f"{day}T12:00")
    save(page, ".sending button.main")
    expect(page.locator(".notice.done")).to_contain_text("Scheduled.")
    shown = page.locator(".scheduled time").first
    moment = datetime.fromisoformat(shown.get_attribute("datetime") or "")
    assert moment == datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=ZoneInfo(ZONE if has_script else "Europe/Prague"))
    expect(shown).to_contain_text("12:00")
    if has_script:
        examine(page, "/scheduled")
    page.get_by_role("link", name="Change").click()
    expect(page.locator("#due_at")).to_have_value(f"{day}T12:00")
    if has_script:
        examine(page, "/scheduled/ID/edit")
    page.get_by_role("button", name="Delete the scheduled post").click()
    expect(page.locator("h2")).to_contain_text(["Nothing is scheduled"])
    assert page.problems == []  # type: ignore[attr-defined]

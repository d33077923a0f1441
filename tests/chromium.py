"""Finds the Chromium for browser tests: the installed one, under any of its names; and how long these tests wait."""

import shutil

from playwright.sync_api import expect

PATIENCE = 60_000  # milliseconds; on a busy machine the five seconds of Playwright are too short
expect.set_options(timeout=PATIENCE)
_NAMES = ("chromium", "chromium-browser", "google-chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def find_chromium() -> str:
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    assert found, "no Chromium is installed; bin/test prints how to install it"
    return found

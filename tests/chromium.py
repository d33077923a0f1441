"""Finds the Chromium for browser tests: the installed one, under any of its names."""

import shutil

_NAMES = ("chromium", "chromium-browser", "google-chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def find_chromium() -> str:
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    assert found, "no Chromium is installed; bin/test prints how to install it"
    return found

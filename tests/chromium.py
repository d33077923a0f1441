"""Which browser drives the tests: the system's Chromium under any of its names, as `bin/test` asks for it."""

import shutil

_NAMES = ("chromium", "chromium-browser", "google-chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def find_chromium() -> str:
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    assert found, "no Chromium is installed; bin/test says how"
    return found

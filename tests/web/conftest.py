"""Fixtures: one Chromium for the browser tests of a module; court and desk, for pages of moderation."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.chromium import find_chromium
from tests.moderation.court import Court
from tests.moderation.notices import Desk
from tests.village import Village


@pytest.fixture
async def court(village: Village) -> Court:
    return await Court(village).open()


@pytest.fixture
async def desk(village: Village) -> Desk:
    return Desk(village)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        yield chromium
        chromium.close()

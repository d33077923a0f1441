"""The fixture `court` of all tests of moderation."""

import pytest

from tests.moderation.court import Court
from tests.village import Village


@pytest.fixture
async def court(village: Village) -> Court:
    return await Court(village).open()

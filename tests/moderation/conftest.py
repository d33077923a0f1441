"""The fixtures `court`, `room` and `desk` of all tests of moderation."""

import pytest

from tests.moderation.court import Court
from tests.moderation.jury_room import JuryRoom
from tests.moderation.notices import Desk
from tests.village import Village


@pytest.fixture
async def court(village: Village) -> Court:
    return await Court(village).open()


@pytest.fixture
async def desk(village: Village) -> Desk:
    return Desk(village)


@pytest.fixture
async def room(court: Court) -> JuryRoom:
    return await JuryRoom(court).open()

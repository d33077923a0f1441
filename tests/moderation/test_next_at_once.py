"""Many moderators who ask for the next case at the same moment all get one, each another."""

import asyncio

from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.workspace.actions import take_next
from folkmoot.network.sessions.model import Role
from tests.moderation.court import Court

MODERATORS = 24


async def test_nobody_is_told_that_nothing_is_left_while_cases_are_free(court: Court) -> None:
    """They all see the same first cases, so most of them lose the first races."""
    names = [f"moderator_{number}" for number in range(MODERATORS)]
    await court.village.settle(*names, role=Role.MODERATOR)
    for number in range(MODERATORS + 1):
        await court.report("reporter", await court.village.write("author", f"Zpráva {number}"), clauses=("spam",))
    moderators = [await court.viewer(name) for name in names]
    taken = await asyncio.gather(*(take_next(court.database, moderator, 0) for moderator in moderators))
    cases = [case for case in taken if isinstance(case, Case)]
    assert len({case.id for case in cases}) == MODERATORS
    assert await take_next(court.database, moderators[0], 0, [case.id for case in cases]) is not None
    left = await take_next(court.database, await court.viewer("moderator"), 0)
    assert left is None  # the last one was taken by the first moderator

"""Two opposed acts in the same moment: one comes before the other, and afterwards everything fits together.

Each pair is run many times on real connections (`FOLKMOOT_TEST_LONG`: 10,000 times), in a shifting order. Either act may
be refused; neither may fail, and no rule of `tests/invariants.py` may be broken.
"""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from folkmoot.base.db import Database, WriteTx
from folkmoot.base.errors import Forbidden, Invalid, NotFound
from folkmoot.network.accounts.actions import ProfileDraft, update_profile
from folkmoot.network.accounts.model import Account
from folkmoot.network.accounts.queries import get_account, lock_account
from folkmoot.network.relations import actions as relations
from tests.invariants import list_broken
from tests.village import settle

TIMES = 10_000 if os.environ.get("FOLKMOOT_TEST_LONG") else 60
Act = Callable[[WriteTx, "Scene"], Awaitable[Any]]


@dataclass
class Scene:
    """Who acts. `refreshed` accounts are read before each round, as a request reads its viewer."""

    jana: Account
    karel: Account
    ids: dict[str, int] = field(default_factory=dict)


async def clash(db: Database, scene: Scene, before: list[Act], one: Act, other: Act) -> None:
    """Runs two acts at once, `TIMES` times, and looks at the rules after each time."""
    seed = random.randrange(2**32)
    delays = random.Random(seed)

    async def run(act: Act, delay: float) -> None:
        if delay:
            await asyncio.sleep(delay)
        try:
            async with db.write() as tx:
                await act(tx, scene)
        except (NotFound, Forbidden, Invalid):
            return

    for number in range(TIMES):
        for act in before:
            await run(act, 0)
        wait = delays.choice((0, 0, 0, delays.random() * 0.003))
        acts = [(one, 0.0), (other, wait)] if delays.random() < 0.5 else [(other, 0.0), (one, wait)]
        await asyncio.gather(*(run(act, delay) for act, delay in acts))
        async with db.read() as conn:
            assert not await list_broken(conn), f"round {number}, seed {seed}"


def _by(name: str, verb: Callable[..., Awaitable[Any]], target: str, **options: Any) -> Act:
    async def act(tx: WriteTx, scene: Scene) -> None:
        await verb(tx, getattr(scene, name), getattr(scene, target).id, **options)

    return act


def _locking(is_locked: bool) -> Act:
    async def act(tx: WriteTx, scene: Scene) -> None:
        await update_profile(tx, await lock_account(tx, scene.karel.id), ProfileDraft(is_locked=is_locked), "")

    return act


FOLLOW, UNFOLLOW = _by("jana", relations.follow, "karel"), _by("jana", relations.unfollow, "karel")
FOLLOW_BACK, REMOVE = _by("karel", relations.follow, "jana"), _by("karel", relations.remove_follower, "jana")
BLOCK, UNBLOCK = _by("karel", relations.block, "jana"), _by("karel", relations.unblock, "jana")
BLOCK_BACK, UNBLOCK_BACK = _by("jana", relations.block, "karel"), _by("jana", relations.unblock, "karel")
ACCEPT, REJECT = _by("karel", relations.accept_follower, "jana"), _by("karel", relations.reject_follower, "jana")
MUTE, UNMUTE = _by("jana", relations.mute, "karel"), _by("jana", relations.unmute, "karel")
LOCK, UNLOCK = _locking(True), _locking(False)
CLEAR = [UNBLOCK, UNBLOCK_BACK, UNFOLLOW, UNMUTE]
ASKED = [*CLEAR, LOCK, FOLLOW]
RELATIONS: dict[str, tuple[list[Act], Act, Act]] = {
    "follow and block": (CLEAR, FOLLOW, BLOCK),
    "follow and block back": (CLEAR, FOLLOW_BACK, BLOCK),
    "follow and unblock": ([*CLEAR, BLOCK], FOLLOW, UNBLOCK),
    "both follow": ([*CLEAR, REMOVE], FOLLOW, FOLLOW_BACK),
    "both block": ([*CLEAR, FOLLOW], BLOCK, BLOCK_BACK),
    "request and block": ([*CLEAR, LOCK], FOLLOW, BLOCK),
    "accept and block": (ASKED, ACCEPT, BLOCK),
    "accept and block back": (ASKED, ACCEPT, BLOCK_BACK),
    "accept and withdraw": (ASKED, ACCEPT, UNFOLLOW),
    "accept and reject": (ASKED, ACCEPT, REJECT),
    "accept and ask again": (ASKED, ACCEPT, FOLLOW),
    "accept twice": (ASKED, ACCEPT, ACCEPT),
    "follow and lock the account": ([*CLEAR, UNLOCK], FOLLOW, LOCK),
    "follow and unlock the account": ([*CLEAR, LOCK, FOLLOW], FOLLOW, UNLOCK),
    "follow twice": (CLEAR, FOLLOW, FOLLOW),
    "follow and unfollow": (CLEAR, FOLLOW, UNFOLLOW),
    "unfollow twice": ([*CLEAR, FOLLOW], UNFOLLOW, UNFOLLOW),
    "unfollow and remove": ([*CLEAR, FOLLOW], UNFOLLOW, REMOVE),
    "mute and unmute": (CLEAR, MUTE, UNMUTE),
    "block and unblock": (CLEAR, BLOCK, UNBLOCK),
    "block and block": ([*CLEAR, FOLLOW], BLOCK, BLOCK),
}


@pytest.mark.parametrize("pair", RELATIONS)
async def test_opposed_acts_between_two_accounts(db: Database, pair: str) -> None:
    scene = Scene(await settle(db, "jana"), await settle(db, "karel"))
    await clash(db, scene, *RELATIONS[pair])


async def test_a_follow_waits_for_a_block_that_is_under_way(db: Database) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")

    async def follow() -> None:
        async with db.write() as tx:
            await relations.follow(tx, jana, karel.id)

    async with db.write() as tx:
        await relations.block(tx, karel, jana.id)
        following = asyncio.create_task(follow())
        await asyncio.sleep(0.05)
        assert not following.done()
    with pytest.raises(Forbidden):
        await following
    async with db.read() as conn:
        assert (await get_account(conn, karel.id)).counts.followers == 0

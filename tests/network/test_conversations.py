"""Conversations are the same in the end, however often and in whichever order their jobs run."""

import itertools

import pytest

from folkmoot.base.db import Database, WriteTx
from folkmoot.network.conversations import queries
from folkmoot.network.posts.model import Visibility
from tests.village import settle, write


@pytest.mark.parametrize("order", [*itertools.permutations(range(2)), (0, 1, 0, 1), (1, 1, 0)], ids=str)
async def test_who_takes_part_does_not_depend_on_the_order_of_the_jobs(db: Database, order: tuple[int, ...]) -> None:
    jana, karel, eva = [await settle(db, name) for name in ("jana", "karel", "eva")]
    first = await write(db, jana, "@karel @eva jen pro vás", visibility=Visibility.DIRECT)
    second = await write(db, karel, "@jana jen pro tebe", visibility=Visibility.DIRECT, reply_to_id=first.post.id)
    async with db.write() as tx:
        for place in order:
            await queries.refresh_after_post(tx, (first, second)[place].post.id)
        assert await _state(tx) == {
            jana.id: (second.post.id, {karel.id, eva.id}, True),
            karel.id: (second.post.id, {jana.id, eva.id}, False),
            eva.id: (first.post.id, {jana.id, karel.id}, True),
        }


async def test_a_job_that_runs_again_makes_nothing_unread(db: Database) -> None:
    jana, karel = [await settle(db, name) for name in ("jana", "karel")]
    post = await write(db, jana, "@karel jen pro tebe", visibility=Visibility.DIRECT)
    async with db.write() as tx:
        await queries.refresh_after_post(tx, post.post.id)
        await queries.update_unread(tx, karel.id, post.post.id, False)
        await queries.refresh_after_post(tx, post.post.id)
        assert (await _state(tx))[karel.id] == (post.post.id, {jana.id}, False)


async def _state(tx: WriteTx) -> dict[int, tuple[int, set[int], bool]]:
    rows = await tx.fetch("SELECT account_id, last_post_id, participant_ids, is_unread FROM conversations")
    return {row[0]: (row[1], set(row[2]), row[3]) for row in rows}

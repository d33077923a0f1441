"""What `moot up` says about the members of a network."""

from folkmoot.base.db import Database
from folkmoot.commands.welcome import describe_members, describe_role
from folkmoot.network.accounts.actions import create_account
from folkmoot.network.folding import fold_counters
from folkmoot.network.sessions.model import Role
from folkmoot.portability.host import FENCED, RETURNING, HostState
from tests.village import settle, write


async def test_a_network_with_members_or_posts_is_not_called_empty(db: Database) -> None:
    async def said() -> str:
        async with db.read() as conn:
            return "\n".join(await describe_members(conn))

    assert (await said()).startswith("There are no accounts yet. Sign up")
    async with db.write() as tx:  # as `moot feed` does
        program = await create_account(tx, "feed_01", is_bot=True)
    for number in range(3):
        await write(db, program, f"Zpráva {number}")
    await fold_counters(db)
    assert (await said()).startswith("There are 3 posts, but no account that can log in.")
    await settle(db, "jana")  # named like a demo member
    await settle(db, "josef", Role.OPERATOR)
    assert (await said()).split() == ["Members", "2", "Posts", "3"]


async def test_a_network_without_an_operator_says_how_to_appoint_one(db: Database) -> None:
    await settle(db, "eva")
    async with db.read() as conn:
        assert "moot account role NAME operator" in "\n".join(await describe_members(conn))


def test_a_host_that_was_replaced_says_what_it_is_and_how_it_follows() -> None:
    assert describe_role(HostState()) == []
    assert describe_role(HostState(role=FENCED))[1].endswith("moot standby --again")
    assert describe_role(HostState(role=FENCED, move="m1"))[1].startswith("moot move")
    assert "RETURNING" in describe_role(HostState(role=RETURNING))[0]

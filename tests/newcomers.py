"""Members of their own for tests that share one running network (the fixture `running`).

No other test knows them, so what a test finds does not depend on what was voted, followed, read or set before it. A test
may read what the demo village wrote; whatever it changes or counts belongs to newcomers.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from folkmoot.base.db import Database, ReadConn
from folkmoot.commands.demo import PASSWORD
from folkmoot.commands.options import open_database, settings_of
from folkmoot.network.accounts.model import Account
from folkmoot.network.accounts.queries import find_account_by_name
from folkmoot.network.posts.actions import PostLimits, create_post, vote_in_poll
from folkmoot.network.posts.model import PollDraft, PostDraft
from folkmoot.network.relations.actions import follow
from folkmoot.network.sessions.actions import create_member
from folkmoot.network.sessions.model import Role
from tests.network_up import NetworkUp

T = TypeVar("T")


def on_database(network: NetworkUp, act: Callable[[Database], Awaitable[T]]) -> T:
    """Runs a coroutine on the database of a running network; in a thread, because Playwright has a loop in this one."""

    async def run() -> T:
        async with open_database(settings_of(network.data)) as database:
            return await act(database)

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, run()).result()


def newcomer(
    network: NetworkUp, name: str, *, follows: Sequence[str] = (), followed_by: Sequence[str] = (), language: str = "cs",
    role: Role = Role.MEMBER,
) -> str:
    """Creates a member with the password of the demo; returns the name, which begins as given and belongs to this test."""
    own = f"{name}_{secrets.token_hex(4)}"

    async def create(database: Database) -> None:
        account = await create_member(
            database, own, f"{own}@example.org", PASSWORD, role, display_name=own.capitalize(), language=language
        )
        async with database.write() as tx:
            for other in [await _find(tx, name) for name in follows]:
                await follow(tx, account, other.id)
            for other in [await _find(tx, name) for name in followed_by]:
                await follow(tx, other, account.id)

    on_database(network, create)
    return own


def post(
    network: NetworkUp, author: str, text: str, *, answers: Sequence[str] = (), voters: Sequence[str] = (), cover: str = ""
) -> int:
    """Publishes a public post, with a poll if there are answers; the voters choose the first one. Returns its id."""

    async def publish(database: Database) -> int:
        draft = PostDraft(text=text, cover=cover, poll=PollDraft(titles=tuple(answers), expires_in=86_400) if answers else None)
        async with database.write() as tx:
            created = (await create_post(tx, await _find(tx, author), draft, PostLimits(base_url=network.url))).post
        for name in voters if created.poll else ():
            async with database.write() as tx:
                await vote_in_poll(tx, await _find(tx, name), created.poll.id, [0])
        return created.id

    return on_database(network, publish)


async def _find(conn: ReadConn, name: str) -> Account:
    account = await find_account_by_name(conn, name)
    assert account, name
    return account

"""What `moot up` prints when the network is ready: its address, and who can log in."""

import time

import click

from folkmoot.base.db import ReadConn
from folkmoot.commands.demo import PASSWORD, has_demo
from folkmoot.commands.options import open_database
from folkmoot.config import Settings
from folkmoot.network.sessions.queries import count_network, list_operators
from folkmoot.portability.host import FENCED, RETURNING, Host, HostState


async def welcome(settings: Settings, started: float) -> str:
    """The text. `started`: when the command began, on the monotonic clock."""
    address = click.style(settings.base_url, bold=True)
    async with open_database(settings) as database, database.read() as conn:
        if database.is_standby:
            address = click.style(f"http://{settings.server.host}:{settings.server.port}", bold=True)
            who = [f"This host is a STANDBY of {settings.base_url}: it answers reads.", "moot standby shows how it follows."]
        else:
            who = describe_role(Host(settings.data).state) or await describe_members(conn)
    head = f"\n  Folkmoot is running at {address}   (started in {time.monotonic() - started:.1f} s)\n"
    return "\n".join([head, *(f"  {line}" for line in who), f"\n  Data in {settings.data}. Ctrl-C stops."])


def describe_role(host: HostState) -> list[str]:
    """What a host says that was the primary; nothing for one that still is."""
    if host.role == FENCED:
        way_back = "moot move finishes the move." if host.move else "To follow it, stop this network, then run: moot standby --again"
        return ["This host is FENCED: it does not write any more, and passes requests to the other one.", way_back]
    if host.role == RETURNING:
        return ["This host is RETURNING: it was the primary, and writes again when the other host confirms that.", "moot status says more."]
    return []


async def describe_members(conn: ReadConn) -> list[str]:
    """Who can log in, and the command that is missing if nobody can, or if there is no operator."""
    if await has_demo(conn):
        return [
            f"Log in as   jana@example.org   with the password   {PASSWORD}",
            "Try         write a post, answer Karel, vote in Eva's poll, search for Dvorakova",
            "Moderate    log in as hana@example.org (the same password) and open Cases",
        ]
    members, _, posts = await count_network(conn)
    if members:
        lines = [f"Members     {members}", f"Posts       {posts}"]
        if not await list_operators(conn):
            lines += ["There is no operator yet. Appoint one:", "  moot account role NAME operator"]
        return lines
    nobody = f"There are {posts} posts, but no account that can log in." if posts else "There are no accounts yet."
    return [f"{nobody} Sign up in the browser, or:", "  moot account create NAME --email E --role operator"]

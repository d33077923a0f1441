"""Finds the open streams whose log-in has ended or whose address is shut out, for when the message about it was lost.

One statement for the tokens and one for the sessions of all streams of a process, each second: a stream that checked by itself
would need one for each of thousands.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from folkmoot.base.db import Database
from folkmoot.network.barriers.shut_out import ShutOut
from folkmoot.network.sessions.queries import list_open_sessions_unscoped, list_open_tokens_unscoped


class LogIn(NamedTuple):
    """By what a stream was opened: a token or a session, and from where."""

    token_id: int | None = None
    session_id: int | None = None
    address: str = ""


async def list_ended(database: Database, log_ins: Collection[LogIn]) -> set[LogIn]:
    """Those whose token or session is not valid any more. Raises Unavailable."""
    tokens, sessions = {one.token_id for one in log_ins if one.token_id}, {one.session_id for one in log_ins if one.session_id}
    async with database.read() as conn:
        open_tokens = await list_open_tokens_unscoped(conn, tokens) if tokens else set()
        open_sessions = await list_open_sessions_unscoped(conn, sessions) if sessions else set()
    return {
        one for one in log_ins
        if (one.token_id and one.token_id not in open_tokens) or (one.session_id and one.session_id not in open_sessions)
    }


async def list_shut_out(shut_out: ShutOut, log_ins: Iterable[LogIn]) -> set[LogIn]:
    """Those that come from an address which gets no answer any more."""
    return {one for one in log_ins if await shut_out.contains(one.address)}

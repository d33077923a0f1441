"""Watches the primary from the standby: silent, suspected, lost. People are told; nothing is promoted by itself."""

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.failover.loss import estimate_loss, sentence_of
from folkmoot.portability.failover.model import FailoverState
from folkmoot.portability.host import STANDBY, Host
from folkmoot.portability.hosts.link import Link, find_link
from folkmoot.portability.moving.this_host import ThisHost
from folkmoot.portability.standby.following import find_following
from folkmoot.portability.standby.model import CONNECTED, Following

_log = logging.getLogger(__name__)
_MISSED = timedelta(seconds=4)  # since the first unanswered greeting: the third one was not answered either
_EVERY = 1.0
_GREETS = timedelta(seconds=3)  # an agent that runs greets every two seconds
_STREAM_ENDS = timedelta(seconds=4)  # so long after the end of a primary its standby may still say that it is connected
_POLL_SECONDS = 0.1


def suspicion(link: Link | None, following: Following | None) -> FailoverState:
    """How a standby sees its primary. A primary whose log still arrives is not lost, whatever else is wrong."""
    if link is None or link.is_reachable or link.checked_at - link.since < _MISSED:
        return FailoverState.WATCHING
    if following is not None and following.stage in CONNECTED:
        return FailoverState.SUSPECT
    return FailoverState.ALARM


def find_suspicion(directory: DataDirectory) -> FailoverState | None:
    """None on a host that is no standby, or has no agent."""
    if Host(directory.path).role != STANDBY or (link := find_link(directory)) is None:
        return None
    return suspicion(link, find_following(directory.path))


def warnings(state: FailoverState | None) -> list[str]:
    """For the operator; empty if all is well."""
    if state is FailoverState.SUSPECT:
        return ["the primary does not answer, but its log still arrives"]
    if state is FailoverState.ALARM:
        return ["ALARM: the primary is lost. If it stays so: moot failover"]
    return []


async def find_life_sign(directory: DataDirectory) -> str:
    """A sign of life of the other host, or "" if it is silent. One from just before this call counts only if another follows,
    so this takes up to four seconds."""
    began = clock.now()
    while True:
        link, following = find_link(directory), find_following(directory.path)
        heard_at = link.heard_at if link else None
        streams = following is not None and following.role == STANDBY and following.stage in CONNECTED
        if heard_at and heard_at > began:
            return "it has just spoken to this one"
        if streams and clock.now() - began > _STREAM_ENDS:
            return "its log still arrives"
        if not streams and (not heard_at or clock.now() - heard_at > _GREETS):
            return ""
        await asyncio.sleep(_POLL_SECONDS)


class Watching:
    """In the agent: notes each change in the journal and in the log, with the loss that a failover would mean."""

    def __init__(self, this: ThisHost) -> None:
        self._this = this
        self._state: FailoverState | None = None

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            state = find_suspicion(self._this.directory)
            if state is not self._state and state is not None:
                await self._note(state)
            self._state = state
            await asyncio.sleep(_EVERY)

    async def _note(self, state: FailoverState) -> None:
        if self._state is None and state is FailoverState.WATCHING:
            return
        estimate = ""
        if state is FailoverState.ALARM:
            with suppress(Problem):
                estimate = sentence_of(await estimate_loss(self._this))
        said = "; ".join(warnings(state)) or "the primary answers again"
        _log.log(logging.INFO if state is FailoverState.WATCHING else logging.WARNING, "%s%s", said, f" ({estimate})" if estimate else "")
        with suppress(OSError):
            self._this.journal.append("", state, "probe", "noticed", is_durable=False, loss=estimate)

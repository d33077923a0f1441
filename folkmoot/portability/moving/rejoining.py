"""The process that makes the old host a standby, before its PostgreSQL starts. It waits for the new primary, for as long as that takes.

It is a process of its own, so that the supervisor keeps the agent running meanwhile: through it the new primary is reached.
"""

import asyncio
import logging
import time
from pathlib import Path

from folkmoot.base.errors import Problem
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import Host
from folkmoot.portability.hosts.client import PeerClient, open_client
from folkmoot.portability.moving.rejoin import RejoinOrder, find_order, rejoin_if_ordered
from folkmoot.portability.progress import NoProgress
from folkmoot.portability.standby.joining import ask_primary, copy_database, describe

_log = logging.getLogger(__name__)
_EVERY = 2.0  # seconds


def run_rejoin(directory: DataDirectory) -> None:
    """Until the order is carried out. Each reason why it is not yet is logged once."""
    host, said = Host(directory.path), ""

    def connect() -> PeerClient:
        return open_client(directory, epoch=lambda: host.epoch)

    def copy(order: RejoinOrder) -> int:
        facts = asyncio.run(describe(directory, connect))
        copy_database(directory, connect, Path(order.socket_folder), facts, NoProgress())
        return facts.epoch

    while find_order(directory):
        try:
            asyncio.run(ask_primary(directory, connect))  # without an answer nothing begins
            rejoin_if_ordered(directory, copy)
        except (Problem, OSError) as problem:
            if str(problem) != said:
                said = str(problem)
                _log.warning("This host is not a standby yet, and tries again every %.0f s: %s", _EVERY, said)
            time.sleep(_EVERY)

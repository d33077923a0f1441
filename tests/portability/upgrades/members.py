"""Members who write, read and listen on one network of this machine, and keep a journal of it."""

import asyncio
import secrets
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec

from folkmoot.commands.options import settings_of
from tests import series
from tests.hosts.history import wrong_streams
from tests.hosts.members.crowd import Crowd
from tests.hosts.members.journal import Journal
from tests.hosts.program import Program
from tests.network_up import NetworkUp

_LONGEST_END = 60.0  # seconds


class Members:
    """Begins at once: returns when all streams are open and everybody has written."""

    def __init__(self, network: NetworkUp, writers: int, listeners: int, rate: float) -> None:
        host: Any = SimpleNamespace(dsn=settings_of(network.data).dsn, files=network.data)
        crowd = asyncio.run(Crowd.settle(None, host, writers, listeners))  # type: ignore[arg-type]
        self._journal = network.data.parent / f"journal-{secrets.token_hex(3)}.json"
        self._program = Program([sys.executable, "-m", "tests.hosts.members"])
        self._program.tell(begin={
            "run": secrets.token_hex(3), "address": "127.0.0.1", "port": network.port, "sources": ["127.0.0.1"], "writers": crowd._writers,
            "listeners": crowd._listeners, "rate": rate, "journal": str(self._journal), "seed": series.seed(),
        })

    @staticmethod
    def missed(journal: Journal) -> list[str]:
        """What streams did not show, with the times of the write and of the breaks of the stream."""
        by_key = {write.key: write for write in journal.writes}
        found = []
        for sentence in wrong_streams(journal):
            write = by_key[sentence.rpartition(" ")[2]]
            breaks = [stream.breaks for stream in journal.streams if sentence.startswith(f"stream {stream.member} ")]
            found.append(f"{sentence}, sent {write.sent_at:.2f}, stored {write.acked_at or 0:.2f}; breaks {breaks}")
        return found

    def end(self) -> Journal:
        self._program.tell(end=_LONGEST_END)
        self._program.close()
        return msgspec.json.decode(Path(self._journal).read_bytes(), type=Journal)

"""A second kind of file store, in memory: what works with it does not depend on a folder."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

from folkmoot.base import clock
from folkmoot.base.file_store import FileName


class MemoryFiles:
    def __init__(self) -> None:
        self.files: dict[FileName, tuple[datetime, bytes]] = {}

    async def write(self, name: FileName, content: bytes) -> None:
        self.files.setdefault(name, (clock.now(), content))

    async def add(self, name: FileName, source: Path) -> None:
        await self.write(name, await asyncio.to_thread(source.read_bytes))

    async def size(self, name: FileName) -> int | None:
        return len(self.files[name][1]) if name in self.files else None

    async def read(self, name: FileName, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        if name not in self.files:
            raise FileNotFoundError(name)
        content = self.files[name][1][start:end]
        for place in range(0, len(content), 1000):
            yield content[place : place + 1000]

    async def remove(self, name: FileName) -> None:
        self.files.pop(name, None)

    async def list_older_than(self, moment: datetime) -> AsyncIterator[FileName]:
        for name, (written_at, _) in list(self.files.items()):
            if written_at < moment:
                yield name

    async def copy_to(self, name: FileName, target: Path) -> bool:
        if name in self.files:
            await asyncio.to_thread(target.write_bytes, self.files[name][1])
        return name in self.files

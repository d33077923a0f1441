"""Linked pages for tests: a real HTTP server that answers for every host, and a record of what it was asked for."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpcore
from PIL import Image

from folkmoot.network.cards.jobs import Cards
from folkmoot.network.cards.model import FetchCard
from folkmoot.network.media.store import media_store
from tests.base.test_http_client import PUBLIC, SeenAsPublic
from tests.village import Village

ADDRESS = "http://noviny.example/clanek"


def picture(colour: str = "teal") -> bytes:
    """A JPEG."""
    content = io.BytesIO()
    Image.new("RGB", (1200, 630), colour).save(content, "JPEG")
    return content.getvalue()


@dataclass
class Sites:
    """All sites. `pages`: by host and path, a body and its type; what is missing is answered with 404. `asked` is the record."""

    port: int = 0
    pages: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    private: set[str] = field(default_factory=set)

    def put(self, url: str, head: str = "", *, body: bytes | None = None, kind: str = "text/html; charset=utf-8") -> str:
        page = f"<!doctype html><html><head>{head}</head><body></body>".encode()
        self.pages[url.partition("://")[2]] = (page if body is None else body, kind)
        return url

    async def resolve(self, host: str, _port: int) -> list[str]:
        return ["10.0.0.1"] if host in self.private else [host] if host[0].isdigit() else [PUBLIC]

    async def connect(self, _address: str, _port: int) -> Any:
        return SeenAsPublic(await httpcore.AnyIOBackend().connect_tcp("127.0.0.1", self.port))

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):  # the client has read enough
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            host = next(line for line in head if line.lower().startswith("host:")).partition(" ")[2]
            where = host + head[0].split()[1]
            self.asked.append(where)
            if where in self.redirects:
                writer.write(f"HTTP/1.1 302 Found\r\nLocation: {self.redirects[where]}\r\nContent-Length: 0\r\n\r\n".encode())
            elif where in self.pages:
                body, kind = self.pages[where]
                writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            else:
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
        writer.close()

    async def fetch_all(self, village: Village) -> None:
        """Looks for addresses in new posts as the worker does, and fetches what it has enqueued, without its delay."""
        await village.work()
        cards = Cards(village.settings.base_url, media_store(village.settings), resolve=self.resolve, connect=self.connect)
        async with village.database.write() as tx:
            rows = await tx.fetch("DELETE FROM jobs WHERE name = 'cards.fetch' RETURNING convert_from(payload, 'utf8') AS payload")
        for payload in {row["payload"] for row in rows}:
            await cards.fetch(village.database, FetchCard(int(payload.partition(":")[2].strip("}"))))


@asynccontextmanager
async def sites_up() -> AsyncIterator[Sites]:
    sites = Sites()
    server = await asyncio.start_server(sites.answer, "127.0.0.1", 0)
    sites.port = server.sockets[0].getsockname()[1]
    yield sites
    server.close()

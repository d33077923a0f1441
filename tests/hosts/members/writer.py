"""A member who writes: one write after the other, each repeated until it is acknowledged."""

import asyncio
import json
import random
import struct
import time
import zlib
from collections import deque

from tests.hosts.members.client import Answer, Client, Lost
from tests.hosts.members.journal import BROKEN, Write

FAVOURITES = 0.4  # of all writes
UPLOADS = 0.01
_AGAIN = 0.1  # seconds after a failed connection
_JSON = {"content_type": "application/json"}


class Writer:
    """`recent`: posts of all writers that can be favourited."""

    def __init__(self, number: int, run: str, client: Client, recent: deque[tuple[int, int]], dice: random.Random) -> None:
        self.number = number
        self.writes: list[Write] = []
        self._run = run
        self._client = client
        self._recent = recent
        self._dice = dice
        self._favourited: set[int] = set()

    async def write(self, seconds: float, ending: asyncio.Event) -> None:
        """Writes every `seconds` until the end. What falls into a pause is left out, not made up for."""
        due = time.monotonic() + self._dice.random() * seconds
        while not ending.is_set():
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await self._write_one()
            due = max(due + seconds, time.monotonic())
        self._client.close()

    async def _write_one(self) -> None:
        drawn = self._dice.random()
        choices = [id for author, id in self._recent if author != self.number and id not in self._favourited] if drawn < FAVOURITES else []
        if choices:
            await self._favourite(self._dice.choice(choices))
        elif drawn > 1 - UPLOADS:
            await self._upload()
        else:
            await self._post()

    async def _post(self, upload: int = 0) -> None:
        key = f"w{self._run}n{self.number}n{len(self.writes)}e"  # no key is the beginning of another
        write = self._begin("post", key, with_upload=upload)
        body = json.dumps({"status": key, **({"media_ids": [str(upload)]} if upload else {})}).encode()
        answer = await self._until_acknowledged(write, "/api/v1/statuses", body, idempotency_key=key, **_JSON)
        write.id = int(answer.json["id"])
        self._recent.append((self.number, write.id))

    async def _favourite(self, post: int) -> None:
        self._favourited.add(post)
        write = self._begin("favourite", f"{self.number} favours {post}")
        await self._until_acknowledged(write, f"/api/v1/statuses/{post}/favourite", b"")
        write.id = post

    async def _upload(self) -> None:
        write = self._begin("upload", f"{self.number} uploads {len(self.writes)}")
        body = b'--edge\r\ncontent-disposition: form-data; name="file"; filename="p.png"\r\n\r\n%s\r\n--edge--\r\n' % _picture(self._dice)
        answer = await self._until_acknowledged(write, "/api/v2/media", body, content_type="multipart/form-data; boundary=edge")
        write.id = int(answer.json["id"])
        await self._post(write.id)

    def _begin(self, kind: str, key: str, with_upload: int = 0) -> Write:
        self.writes.append(Write(self.number, kind, key, time.monotonic(), with_upload=with_upload, refusals=[]))
        return self.writes[-1]

    async def _until_acknowledged(self, write: Write, path: str, body: bytes, **headers: str) -> Answer:
        """Repeats the request as an app does, with the same idempotency key, after the time that the network names."""
        while True:
            try:
                answer = await self._client.request("POST", path, body, **headers)
            except Lost:
                write.refusals.append(BROKEN)
                await asyncio.sleep(_AGAIN)
                continue
            if answer.status == 200:
                write.acked_at = time.monotonic()
                return answer
            write.refusals.append(answer.status)
            await asyncio.sleep(answer.retry_after)


def _picture(dice: random.Random) -> bytes:
    """A small PNG that no other upload has."""
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(b"\0" + dice.randbytes(48) for _ in range(16))
    header = struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")

"""Serving pictures: complete, as ranges, or not modified; from a local folder and from another kind of store."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from folkmoot import app
from folkmoot.base import clock
from folkmoot.base.errors import NotHereYet
from folkmoot.base.file_store import FileName, FileStore
from folkmoot.http.context import Context
from tests.api.test_accounts import picture
from tests.memory_files import MemoryFiles
from tests.village import Village, Visitor, let_a_day_pass


class ServedPicture:
    """A picture in a public post, and a client without a session."""

    def __init__(self, visitor: Visitor, path: str, whole: bytes) -> None:
        self.visitor, self.path, self.whole = visitor, path, whole


def _with_store(village: Village, monkeypatch: pytest.MonkeyPatch, store: FileStore) -> None:
    make = Context.make
    monkeypatch.setattr(Context, "make", lambda *arguments, **options: replace(make(*arguments, **options), store=store))
    monkeypatch.setattr(app, "media_store", lambda _settings: store)
    village.front = app.create_front(village.settings, village.database)


@pytest.fixture(params=["folder", "memory"])
async def shown(request: pytest.FixtureRequest, village: Village, monkeypatch: pytest.MonkeyPatch) -> ServedPicture:
    if request.param == "memory":
        _with_store(village, monkeypatch, MemoryFiles())
    await village.settle("jana")
    jana = await village.by_app("jana")
    upload = (await jana.upload("/api/v2/media", "file", picture(size=(400, 300)))).json
    posted = await jana.post("/api/v1/statuses", {"status": "obrázek", "media_ids[]": upload["id"]})
    path = urlsplit(posted.json["media_attachments"][0]["url"]).path
    answer = await village.nobody().get(path)
    assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.body.startswith(b"\x89PNG")
    return ServedPicture(village.nobody(), path, answer.body)


async def test_a_cached_picture_is_not_sent_again(shown: ServedPicture) -> None:
    tag = (await shown.visitor.get(shown.path)).headers["etag"]
    for asked in (tag, f'"other", {tag}', f"W/{tag}", "*", " * "):
        again = await shown.visitor.get(shown.path, if_none_match=asked)
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["cache-control"]
    for asked in ('"other"', '"*"', "", f'"other", "*", {tag[:-1]}'):
        assert (await shown.visitor.get(shown.path, if_none_match=asked)).status == 200, asked
    assert shown.path.rpartition("/")[2].partition(".")[0] in tag  # made of the random name, so that it reveals nothing about the content


async def test_a_range_returns_that_range(shown: ServedPicture) -> None:
    size = len(shown.whole)
    for asked, start, end in (
        ("0-0", 0, 1), ("5-99", 5, 100), ("100-", 100, size), ("-7", size - 7, size), ("0-999999999", 0, size), ("-999999999", 0, size),
    ):
        answer = await shown.visitor.get(shown.path, range=f"bytes={asked}")
        assert (answer.status, answer.body) == (206, shown.whole[start:end]), asked
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
        assert answer.headers["content-length"] == str(end - start)
        stale = await shown.visitor.get(shown.path, range=f"bytes={asked}", if_range='"another picture"')
        assert (stale.status, stale.body) == (200, shown.whole)
    for asked in ("99999999-", "-0"):
        answer = await shown.visitor.get(shown.path, range=f"bytes={asked}")
        assert (answer.status, answer.body, answer.headers["content-range"]) == (416, b"", f"bytes */{size}"), asked
    for asked in ("bytes=5-2", "bytes=-", "bytes=a-b", "rows=0-5", "bytes=0-1,5-6", "bytes=1", "bytes=" + "9" * 40 + "-", ""):
        answer = await shown.visitor.get(shown.path, range=asked)
        assert (answer.status, answer.body) == (200, shown.whole), asked


async def test_a_head_request_returns_the_size_and_a_lost_file_is_not_found(village: Village, shown: ServedPicture) -> None:
    answer = await shown.visitor.send("HEAD", shown.path)
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", str(len(shown.whole)))
    store = village.front._pages._context.store
    async for name in store.list_older_than(clock.now() + timedelta(hours=1)):
        await store.remove(name)
    assert (await shown.visitor.get(shown.path)).status == 404


async def test_another_kind_of_store_is_written_and_cleared(village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryFiles()
    _with_store(village, monkeypatch, store)
    await village.settle("jana")
    jana = await village.by_app("jana")
    upload = (await jana.upload("/api/v2/media", "file", picture())).json
    assert len(store.files) >= 1
    posted = (await jana.post("/api/v1/statuses", {"status": "obrázek", "media_ids[]": upload["id"]})).json
    await jana.send("DELETE", f"/api/v1/statuses/{posted['id']}?delete_media=true")
    await village.work()
    await let_a_day_pass(village.database, store)
    assert store.files == {}
    assert not [file for file in (village.settings.data / "media").rglob("*") if file.is_file()]


class _StillComing(MemoryFiles):
    async def size(self, name: FileName) -> int | None:
        raise NotHereYet


async def test_a_picture_that_is_still_to_come_is_not_cached(
    village: Village, shown: ServedPicture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restore. The address works again in a moment, so no cache may keep the refusal."""
    _with_store(village, monkeypatch, _StillComing())
    answer = await village.nobody().get(shown.path)
    assert answer.status == 503
    assert answer.headers["retry-after"] == "10"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert "etag" not in answer.headers

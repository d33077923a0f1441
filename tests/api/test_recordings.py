"""Video and audio: prepared without metadata, shown with a poster, served in ranges; what is refused, and why."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from folkmoot.base import clock
from folkmoot.network.media.store import media_store
from folkmoot.network.recordings.actions import clear_recordings, remove_recordings_of
from folkmoot.network.recordings.encoding import programs
from tests.api.shapes import MEDIA
from tests.api.test_accounts import picture
from tests.recordings import CANARY, needs_ffmpeg, probed, recording
from tests.village import Village, Visitor

pytestmark = needs_ffmpeg
MEDIA_PATH = "/api/v2/media"


def _files(village: Village) -> list[Path]:
    return [file for file in (village.settings.data / "media").rglob("*") if file.is_file()]


def _path(url: str) -> str:
    return url.removeprefix("http://localhost:8420")


async def _uploaded(village: Village, jana: Visitor, content: bytes, **fields: str) -> Any:
    """The attachment, when it is ready."""
    waiting = await jana.upload(MEDIA_PATH, "file", content, **fields)
    assert (waiting.status, waiting.json["url"], waiting.json["preview_url"]) == (202, None, None), waiting.text
    await village.work()
    ready = await jana.get(f"/api/v1/media/{waiting.json['id']}")
    assert ready.status == 200, ready.text
    return ready.json


@pytest.mark.parametrize(("kind", "type_", "mime", "codecs"), [
    ("mp4", "video", "video/mp4", {"h264", "aac"}), ("silent.mp4", "gifv", "video/mp4", {"h264"}),
    ("webm", "video", "video/webm", {"vp9", "opus"}), ("mkv", "video", "video/mp4", {"h264", "aac"}),
    ("mp3", "audio", "audio/mpeg", {"mp3"}), ("wav", "audio", "audio/mp4", {"aac"}),
])
async def test_a_recording_is_prepared_without_metadata(village: Village, kind: str, type_: str, mime: str, codecs: set[str]) -> None:
    await village.settle("jana")
    content = recording(kind)
    assert CANARY.encode() in content
    jana = await village.by_app("jana")
    ready = await _uploaded(village, jana, content, description="Kašna")
    assert set(ready) == set(MEDIA)
    assert (ready["type"], ready["description"]) == (type_, "Kašna")
    original = ready["meta"]["original"]
    assert 0.9 < original["duration"] < 1.2
    if type_ == "audio":
        assert (ready["preview_url"], ready["blurhash"], "width" in original) == (None, None, False)
    else:
        assert (original["width"], original["height"], original["frame_rate"]) == (64, 48, "10/1")
        assert len(ready["blurhash"]) == 28
        poster = await village.nobody().get(_path(ready["preview_url"]))
        assert (poster.status, poster.headers["content-type"], poster.body[:2]) == (200, "image/jpeg", b"\xff\xd8")
    played = await village.nobody().get(_path(ready["url"]))
    assert (played.status, played.headers["content-type"]) == (200, mime)
    for file in _files(village):  # also what was uploaded is gone
        assert CANARY.encode() not in file.read_bytes()
    found = probed(played.body)
    assert {stream["codec_name"] for stream in found["streams"]} == codecs
    assert not found["chapters"]
    tags = {name.lower() for part in (found["format"], *found["streams"]) for name in part.get("tags", {})}
    assert not tags & {"title", "artist", "location", "location-eng", "comment", "creation_time"}
    assert CANARY not in str(found)


async def test_a_video_is_attached_when_it_is_ready_and_served_in_ranges(village: Village) -> None:
    await village.settle("jana", "karel")
    jana = await village.by_app("jana")
    waiting = (await jana.upload(MEDIA_PATH, "file", recording("mp4"))).json
    one = f"/api/v1/media/{waiting['id']}"
    assert (await jana.get(one)).status == 206
    assert (await (await village.by_app("karel")).get(one)).status == 404
    early = await jana.post("/api/v1/statuses", {"status": "video", "media_ids[]": waiting["id"]})
    assert (early.status, "still being prepared" in early.text) == (422, True)
    assert (await jana.send("PUT", one, {"description": "Kašna", "focus": "0.5,0.5"})).json["description"] == "Kašna"
    await village.work()
    assert (await jana.get(one)).json["description"] == "Kašna"
    posted = (await jana.post("/api/v1/statuses", {"status": "video", "media_ids[]": waiting["id"]})).json["media_attachments"][0]
    assert posted["id"] == waiting["id"]
    path = _path(posted["url"])
    whole = await village.nobody().get(path)
    part = await village.nobody().get(path, range="bytes=100-199")
    assert (part.status, part.body) == (206, whole.body[100:200])
    stale = await village.nobody().get(path, range="bytes=100-199", if_range='"another"')
    assert (stale.status, len(stale.body)) == (200, len(whole.body))


async def test_a_member_chooses_the_poster_of_video_and_audio(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    ready = await _uploaded(village, jana, recording("mp3"))
    red = await jana.upload(f"/api/v1/media/{ready['id']}", "thumbnail", picture("#ff0000", (120, 90)), method="PUT")
    assert red.status == 200, red.text
    assert (red.json["meta"]["small"]["size"], red.json["type"]) == ("120x90", "audio")
    shown = await village.nobody().get(_path(red.json["preview_url"]))
    assert (shown.headers["content-type"], shown.body[:2]) == ("image/jpeg", b"\xff\xd8")
    waiting = (await jana.upload(MEDIA_PATH, "file", recording("mp4"))).json
    early = await jana.upload(f"/api/v1/media/{waiting['id']}", "thumbnail", picture("#0000ff", (100, 50)), method="PUT")
    assert (early.status, len(early.json["blurhash"])) == (200, 28)
    await village.work()
    blue = (await jana.get(f"/api/v1/media/{waiting['id']}")).json
    assert (blue["meta"]["small"]["size"], blue["blurhash"]) == ("100x50", early.json["blurhash"])
    for media_id in (ready["id"], waiting["id"]):
        assert (await jana.send("DELETE", f"/api/v1/media/{media_id}")).status == 200
    assert not _files(village)


_HOSTILE = {
    "playlist": b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "list of files": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "playlist in QuickTime": b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
    "playlist in Ogg": b"OggS#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/\n",
    "MP4 of zeros": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(5000),
    "Matroska of noise": b"\x1aE\xdf\xa3" + bytes(range(256)) * 40,
    "huge box": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\xff\xff\xff\xf0moov" + b"\xff" * 900,
}


def _playlist_behind_a_tag(folder: Path) -> bytes:
    """It begins like an MP3. ffmpeg, if it may guess, skips the tag and plays the other file."""
    segment = folder / "segment.ts"
    segment.write_bytes(recording("ts"))
    return b"ID3\4" + bytes(6) + f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{segment}\n#EXT-X-ENDLIST\n".encode()


async def test_a_hostile_file_is_refused_and_leaves_nothing(village: Village, tmp_path: Path) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    more = {"cut off": recording("mp4")[:1500], "playlist behind a tag": _playlist_behind_a_tag(tmp_path)}
    for name, content in {**_HOSTILE, **more}.items():
        answer = await jana.upload(MEDIA_PATH, "file", content)
        if answer.status == 202:
            await village.work()
            answer = await jana.get(f"/api/v1/media/{answer.json['id']}")
        assert answer.status == 422, name
        assert answer.json["error"], name
    with clock.stopped_at(clock.now() + timedelta(days=2)):
        await clear_recordings(village.database, media_store(village.settings))
    assert not _files(village)


async def test_a_host_without_ffmpeg_and_limits_refuse_at_once(village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    (account,) = await village.settle("jana")
    jana = await village.by_app("jana")
    limits = (await jana.get("/api/v2/instance")).json["configuration"]["media_attachments"]
    assert ("video/mp4" in limits["supported_mime_types"], limits["video_size_limit"]) == (True, 40 * 2**20)
    for _ in range(10):
        assert (await jana.upload(MEDIA_PATH, "file", recording("wav"))).status == 202
    assert "many recordings" in (await jana.upload(MEDIA_PATH, "file", recording("wav"))).text
    async with village.database.write() as tx:  # as when the account leaves
        assert await remove_recordings_of(tx, media_store(village.settings), account.id, 50)
    assert not _files(village)
    monkeypatch.setattr(programs.shutil, "which", lambda _name: None)
    limits = (await jana.get("/api/v2/instance")).json["configuration"]["media_attachments"]
    assert ("video/mp4" in limits["supported_mime_types"], limits["video_size_limit"]) == (False, 0)
    refused = await jana.upload(MEDIA_PATH, "file", recording("mp4"))
    assert (refused.status, "takes no video" in refused.text) == (422, True)

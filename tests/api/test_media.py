"""Pictures: re-encoded without metadata, visible to the viewers of their post, deleted with their files."""

import io
import shutil
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image, PngImagePlugin

from folkmoot.network.media.actions import clear_abandoned
from folkmoot.network.media.store import media_store
from tests.api.test_accounts import picture
from tests.village import Village, Visitor

CANARY = b"CANARY50.0755N14.4378E"


def _with_metadata(format_: str) -> bytes:
    """A picture with a marker text in all metadata of its format: EXIF with GPS, comment, XMP, text."""
    pillow_heif.register_heif_opener()
    image = Image.new("RGB", (64, 48), "#17495F")
    exif = Image.Exif()
    exif[0x010E] = CANARY.decode()
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[29] = CANARY.decode()
    out = io.BytesIO()
    if format_ == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", CANARY.decode())
        text.add_itxt("XML:com.adobe.xmp", f"<x>{CANARY.decode()}</x>")
        image.save(out, "PNG", pnginfo=text, exif=exif)
        return out.getvalue() + CANARY  # and after the end
    if format_ == "GIF":
        image.save(out, "GIF", comment=CANARY)
    elif format_ == "JPEG":
        image.save(out, "JPEG", exif=exif, comment=CANARY, xmp=b"<x>" + CANARY + b"</x>")
    else:
        image.save(out, format_, exif=exif, xmp=b"<x>" + CANARY + b"</x>")
    return out.getvalue()


def _files(village: Village) -> list[Path]:
    return [file for file in (village.settings.data / "media").rglob("*") if file.is_file()]


def _path(url: str) -> str:
    return url.removeprefix("http://localhost:8420")


def _found_by_exiftool(file: Path) -> bytes:
    """The metadata that exiftool finds, if it is installed: an independent check."""
    if shutil.which("exiftool") is None:
        return b""
    return subprocess.run(["exiftool", "-EXIF:all", "-XMP:all", "-GPS:all", "-Comment", str(file)], capture_output=True).stdout


async def _publish(jana: Visitor, visibility: str = "public", **more: str) -> dict[str, object]:
    upload = await jana.upload("/api/v2/media", "file", picture(), description="Červená plocha", focus="0.5,-0.5")
    assert upload.status == 200, upload.text
    return (await jana.post("/api/v1/statuses", {"status": "@jana obrázek", "visibility": visibility, "media_ids[]": [upload.json["id"]],
                                                **more})).json


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF", "AVIF", "HEIF"])
async def test_no_metadata_is_stored(village: Village, format_: str) -> None:
    await village.settle("jana")
    content = _with_metadata(format_)
    assert CANARY in content
    answer = await (await village.by_app("jana")).upload("/api/v2/media", "file", content)
    assert answer.status == 200, answer.text
    files = _files(village)
    assert files
    for file in files:
        stored = file.read_bytes()
        assert CANARY not in stored
        for forbidden in (b"Exif", b"http://ns.adobe.com", b"tEXt", b"iTXt", b"eXIf", b"XMP ", b"EXIF", b"iCCP"):
            assert forbidden not in stored, (file, forbidden)
        assert _found_by_exiftool(file) == b""


def _bomb() -> bytes:
    """A decompression bomb: a PNG of 20,000 by 20,000 pixels in 400 kB."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    size = 20_000
    rows = zlib.compress(b"\x00" * (size // 8 + 1) * size, 9)
    header = size.to_bytes(4) + size.to_bytes(4) + b"\x01\x00\x00\x00\x00"
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("content", [
    b"", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", b"%PDF-1.4",
    b"\x89PNG\r\n\x1a\n" + b"x" * 99, _bomb, picture()[:200], b"<html><script>alert(1)</script>", b"\xff\xd8\xff\xe0" + b"A" * 5000,
], ids=["nothing", "cut gif", "svg", "pdf", "broken png", "bomb", "cut png", "html", "broken jpeg"])
async def test_files_that_are_no_pictures_are_refused(village: Village, content: bytes | Callable[[], bytes]) -> None:
    await village.settle("jana")
    sent = content() if callable(content) else content
    answer = await (await village.by_app("jana")).upload("/api/v2/media", "file", sent)
    assert answer.status == 422
    assert not _files(village)


async def test_an_upload_has_the_shape_that_clients_expect(village: Village) -> None:
    await village.settle("jana", "karel")
    jana, karel = await village.by_app("jana"), await village.by_app("karel")
    upload = (await jana.upload("/api/v2/media", "file", picture(size=(3000, 1500)), description="Plocha", focus="0.5,-0.5")).json
    assert (upload["type"], upload["description"], upload["meta"]["focus"]) == ("image", "Plocha", {"x": 0.5, "y": -0.5})
    assert upload["meta"]["original"] == {"width": 3000, "height": 1500, "size": "3000x1500", "aspect": 2.0}
    assert upload["meta"]["small"]["width"] * upload["meta"]["small"]["height"] <= 640 * 480 * 1.01
    assert len(upload["blurhash"]) == 28
    changed = await jana.send("PUT", f"/api/v1/media/{upload['id']}", {"description": "Jiná plocha"})
    assert changed.json["description"] == "Jiná plocha"
    assert (await karel.get(f"/api/v1/media/{upload['id']}")).status == 404
    assert (await village.nobody().get(_path(upload["url"]))).status == 200  # the signed URL gives access
    assert (await village.nobody().get(_path(upload["url"]).partition("?")[0])).status == 404
    posted = (await jana.post("/api/v1/statuses", {"status": "", "media_ids[]": [upload["id"]]})).json
    assert posted["media_attachments"][0]["id"] == upload["id"]
    assert (await jana.get(f"/api/v1/media/{upload['id']}")).status == 404  # now only the post shows it
    assert (await jana.send("DELETE", f"/api/v1/media/{upload['id']}")).status == 422
    assert (await karel.post("/api/v1/statuses", {"status": "kradu", "media_ids[]": [upload["id"]]})).status == 422


async def test_an_animation_is_of_type_image_and_marked_on_the_page(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue")]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=[100, 700], loop=0)
    for content, is_animated in ((out.getvalue(), True), (picture(format_="GIF"), False)):
        upload = (await jana.upload("/api/v2/media", "file", content)).json
        assert upload["type"] == "image"
        assert (".webp" in upload["url"]) is is_animated
        posted = (await jana.post("/api/v1/statuses", {"status": "hýbe se to?", "media_ids[]": [upload["id"]]})).json
        page = (await village.nobody().get(f"/@jana/{posted['id']}")).text
        assert ("An animation without a description" in page) is is_animated
        stored = Image.open(io.BytesIO((await village.nobody().get(_path(posted["media_attachments"][0]["url"]))).body))
        assert getattr(stored, "n_frames", 1) == (2 if is_animated else 1)


@pytest.mark.parametrize(("visibility", "is_open"), [("public", True), ("unlisted", True), ("private", False), ("direct", False)])
async def test_a_picture_is_as_visible_as_its_post(village: Village, visibility: str, is_open: bool) -> None:
    await village.settle("jana")
    status = await _publish(await village.by_app("jana"), visibility)
    url = _path(status["media_attachments"][0]["url"])  # type: ignore[index]
    assert ("?" in url) is not is_open
    shown = await village.nobody().get(url)
    assert shown.status == 200
    assert shown.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert shown.headers["content-type"] in ("image/png", "image/jpeg")
    plain = await village.nobody().get(url.partition("?")[0])
    assert plain.status == (200 if is_open else 404)
    if not is_open:
        for broken in (url.replace("until=", "until=9"), url[:-1] + ("a" if url[-1] != "a" else "b")):
            assert (await village.nobody().get(broken)).status == 404


async def test_deleting_a_post_removes_its_pictures_from_view_at_once_and_their_files_after_a_day(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    first, second = await _publish(jana), await _publish(jana)  # the same content: stored once
    assert len(_files(village)) == 1
    for status in (first, second):
        url = _path(status["media_attachments"][0]["url"])  # type: ignore[index]
        await jana.send("DELETE", f"/api/v1/statuses/{status['id']}?delete_media=true")
        await village.work()
        assert (await village.nobody().get(url)).status == 404
    await clear_abandoned(village.database, media_store(village.settings))
    assert len(_files(village)) == 1  # whoever was shown the posts may still report them
    async with village.database.write() as tx:
        await tx.execute("UPDATE media SET held_until = held_until - interval '1 day'")
    await clear_abandoned(village.database, media_store(village.settings))
    assert not _files(village)
    async with village.database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM media") + await conn.fetchval("SELECT count(*) FROM media_files") == 0


async def test_delete_and_redraft_keeps_the_picture(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    status = await _publish(jana)
    media_id = status["media_attachments"][0]["id"]  # type: ignore[index]
    await jana.send("DELETE", f"/api/v1/statuses/{status['id']}")
    await village.work()
    again = await jana.post("/api/v1/statuses", {"status": "znovu", "media_ids[]": [media_id]})
    assert again.json["media_attachments"][0]["id"] == media_id


async def test_an_edit_changes_descriptions_and_detaches_pictures(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    status = await _publish(jana)
    media_id = status["media_attachments"][0]["id"]  # type: ignore[index]
    edited = await jana.send("PUT", f"/api/v1/statuses/{status['id']}", as_json={
        "status": "obrázek", "media_ids": [media_id], "media_attributes": [{"id": media_id, "description": "Rudá plocha"}]})
    assert edited.json["media_attachments"][0]["description"] == "Rudá plocha"
    bare = await jana.send("PUT", f"/api/v1/statuses/{status['id']}", {"status": "bez obrázku"})
    assert bare.json["media_attachments"] == []

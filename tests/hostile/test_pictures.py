"""Uploaded pictures: no metadata are kept, malicious files are refused, and deleted content is removed everywhere."""

import functools
import io
import os
import struct
import zlib
from collections.abc import Iterator

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from folkmoot.base.errors import Invalid
from folkmoot.base.file_store import FileName
from folkmoot.network.media import actions
from folkmoot.network.media.model import Purpose
from folkmoot.network.media.reencode import reencode
from folkmoot.network.posts.actions import forget_hashtags
from folkmoot.network.posts.model import PollDraft
from tests.api.test_accounts import picture
from tests.village import Village, let_a_day_pass

CANARY = b"KANAREK50.0755N14.4378E"
WORD = "kanarekxyz"


def _image(mode: str = "RGB", size: tuple[int, int] = (48, 32)) -> Image.Image:
    image = Image.new(mode, size, 7 if mode in ("L", "P", "1") else None)
    if mode == "P":
        image.putpalette([index for index in range(256) for _ in range(3)])
    return image


def _exif(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    for tag in (0x010E, 0x010F, 0x0110, 0x0131, 0x013B, 0x8298, 0x9C9B):
        exif[tag] = CANARY.decode()
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[29] = CANARY.decode()
    exif.get_ifd(0x8769)[0x927C] = CANARY
    exif.get_ifd(0x8769)[0x9286] = CANARY
    return exif


def _profile() -> bytes:
    plain = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return plain + CANARY  # after the length in its header


def _jpegs() -> Iterator[bytes]:
    def with_segments(*segments: tuple[int, bytes], **save: object) -> bytes:
        out = io.BytesIO()
        _image().save(out, "JPEG", **save)
        content = out.getvalue()
        extra = b"".join(b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data for marker, data in segments)
        return content[:2] + extra + content[2:]

    for number in range(16):  # all APP segments
        yield with_segments((0xE0 + number, b"XX\0" + CANARY))
    yield with_segments((0xFE, CANARY), (0xFE, CANARY * 3))
    yield with_segments((0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>" + CANARY + b"</x:xmpmeta>"))
    yield with_segments((0xE1, b"http://ns.adobe.com/xmp/extension/\0" + b"A" * 32 + struct.pack(">II", 99, 0) + CANARY))
    yield with_segments(
        (
            0xED,
            b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(CANARY) + 5) + b"\x1c\x02\x78\x00" + bytes([len(CANARY)]) + CANARY,
        )
    )
    yield with_segments((0xE0, b"JFXX\0\x10" + CANARY), (0xE2, b"MPF\0" + CANARY), (0xEE, b"Adobe\0" + CANARY))
    for orientation in range(1, 9):
        yield with_segments(exif=_exif(orientation), comment=CANARY)
    yield with_segments(exif=_exif(), icc_profile=_profile(), progressive=True) + CANARY
    yield picture_of("JPEG", "L", comment=CANARY)
    yield picture_of("JPEG", "CMYK", comment=CANARY, exif=_exif())


def picture_of(format_: str, mode: str = "RGB", **save: object) -> bytes:
    out = io.BytesIO()
    _image(mode).save(out, format_, **save)
    return out.getvalue()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _pngs() -> Iterator[bytes]:
    plain = picture_of("PNG")
    head, rest = plain[:33], plain[33:]
    for kind, data in (
        (b"tEXt", b"Comment\0" + CANARY),
        (b"zTXt", b"Comment\0\0" + zlib.compress(CANARY, 0)),
        (b"eXIf", _exif().tobytes()[6:]),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x>" + CANARY + b"</x>"),
        (b"kaNr", CANARY),
        (b"sPLT", CANARY + b"\0\x08"),
        (b"iCCP", b"x\0\0" + zlib.compress(_profile(), 0)),
        (b"hIST", CANARY),
        (b"caBX", CANARY),
    ):
        yield head + _chunk(kind, data) + rest
    yield plain[:-12] + _chunk(b"tEXt", b"After\0" + CANARY) + plain[-12:]
    yield plain + CANARY
    yield plain + b"PK\x03\x04" + CANARY  # and a ZIP
    text = PngImagePlugin.PngInfo()
    text.add_text("GPS", CANARY.decode(), zip=True)
    for mode in ("RGBA", "LA", "L", "P", "1", "I;16"):
        yield picture_of("PNG", mode, pnginfo=text)


def _others() -> Iterator[bytes]:
    xmp = b"<x>" + CANARY + b"</x>"
    for format_ in ("WEBP", "AVIF"):
        yield picture_of(format_, exif=_exif(), xmp=xmp)
        yield picture_of(format_, "RGBA", exif=_exif(6), xmp=xmp, icc_profile=_profile())
        yield picture_of(format_) + CANARY
    plain = picture_of("WEBP", lossless=True, exif=_exif())
    extra = b"KANR" + struct.pack("<I", len(CANARY) + 1) + CANARY + b"\0"
    yield b"RIFF" + struct.pack("<I", len(plain) - 8 + len(extra)) + plain[8:] + extra
    yield picture_of("GIF", "P", comment=CANARY)
    yield picture_of("GIF", "P", comment=CANARY) + CANARY
    still = picture_of("GIF", "P")
    block = bytes([len(CANARY)]) + CANARY + b"\0"
    for extension in (b"\x21\xff\x0bXMP DataXMP" + block, b"\x21\xfe" + block, b"\x21\x01\x0c" + b"\0" * 12 + block):
        yield still[:-1] + extension + b";"
    for format_ in ("GIF", "WEBP", "PNG"):
        frames = [Image.new("RGB", (40, 40), (shade, 90, 40)) for shade in (10, 90, 200)]
        out = io.BytesIO()
        save = {"comment": CANARY} if format_ == "GIF" else {"exif": _exif(), "xmp": xmp} if format_ == "WEBP" else {"exif": _exif()}
        frames[0].save(out, format_, save_all=True, append_images=frames[1:], duration=90, **save)
        yield out.getvalue()


def test_only_the_pixels_are_kept() -> None:
    corpus = [*_jpegs(), *_pngs(), *_others()]
    assert len(corpus) >= 60
    taken = 0
    for number, upload in enumerate(corpus):
        for purpose in (Purpose.ATTACHMENT, Purpose.AVATAR)[: 1 + (number % 8 == 0)]:
            try:
                _, *parts = reencode(upload, purpose)
            except Exception:  # refusing it is right too
                continue
            taken += 1
            for part in parts:
                assert b"KANAREK" not in part, number
                assert _foreign_parts(part) == [], number
    assert taken >= 55


def test_the_corpus_has_what_must_not_be_kept() -> None:
    corpus = [*_jpegs(), *_pngs(), *_others()]
    found = {name for upload in corpus for name in _foreign_parts(upload)}
    assert {"e1", "e2", "ed", "fe", "tEXt", "zTXt", "iTXt", "eXIf", "iCCP", "kaNr", "EXIF", "XMP ", "ICCP", "KANR", "trailing"} <= found
    assert sum(bool(_foreign_parts(upload)) or CANARY in upload for upload in corpus) >= len(corpus) - 8  # some formats are compressed


def _foreign_parts(content: bytes) -> list[str]:
    """The names of all segments and chunks of a JPEG, PNG or WebP that are not needed to show its pixels."""
    if content.startswith(b"\x89PNG"):
        return _foreign_chunks_of_png(content)
    if content.startswith(b"\xff\xd8"):
        return _foreign_segments_of_jpeg(content)
    return _foreign_chunks_of_webp(content) if content.startswith(b"RIFF") else []


def _foreign_chunks_of_png(content: bytes) -> list[str]:
    found, place = [], 8
    while place < len(content):
        length, kind = struct.unpack_from(">I4s", content, place)
        place += 12 + length
        if kind == b"IEND":
            return found + ["trailing"] * (place < len(content))
        if kind not in (b"IHDR", b"PLTE", b"tRNS", b"IDAT"):
            found.append(kind.decode())
    return [*found, "cut off"]


def _foreign_segments_of_jpeg(content: bytes) -> list[str]:
    found, place = [], 2
    while content[place] == 0xFF:
        marker = content[place + 1]
        if marker == 0xD9:
            return found + ["trailing"] * (place + 2 < len(content))
        length = int.from_bytes(content[place + 2 : place + 4])
        is_needed = marker in (0xC0, 0xC2, 0xC4, 0xDA, 0xDB, 0xDD)
        is_jfif = marker == 0xE0 and content[place + 4 : place + 9] == b"JFIF\0" and length == 16  # without a thumbnail
        if not is_needed and not is_jfif:
            found.append(f"{marker:x}")
        place += 2 + length
        while marker == 0xDA and (content[place] != 0xFF or content[place + 1] in (0, *range(0xD0, 0xD8))):
            place += 1
    return [*found, "unreadable"]


def _foreign_chunks_of_webp(content: bytes) -> list[str]:
    found, place, end = [], 12, 8 + int.from_bytes(content[4:8], "little")
    while place < end:
        kind, length = content[place : place + 4], int.from_bytes(content[place + 4 : place + 8], "little")
        if kind not in (b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"):
            found.append(kind.decode())
        place += 8 + length + length % 2
    return found + ["trailing"] * (len(content) > end)


# -- a second picture inside: the primary one is shown, and nothing of the other one is kept ---------------------------

SEEN, HIDDEN = (20, 90, 160), (255, 0, 255)


def _plain(colour: tuple[int, int, int], size: tuple[int, int] = (64, 48), mode: str = "RGB") -> Image.Image:
    return Image.new("RGB", size, colour).convert(mode)


def _bytes_of(picture: Image.Image, format_: str, **save: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, format_, **save)
    return out.getvalue()


@functools.cache
def _with_hidden_pictures() -> dict[str, bytes]:
    import pillow_heif

    pillow_heif.register_heif_opener()
    seen, hidden = _plain(SEEN), _plain(HIDDEN)
    jpeg, hidden_jpeg = _bytes_of(seen, "JPEG"), _bytes_of(hidden, "JPEG")
    video = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0\0\0\x40mdat" + HIDDEN_TEXT
    motion = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta MotionPhoto='1' MicroVideoOffset='%d'/>" % len(video)
    gain = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta hdrgm:Version='1.0'><Item:Semantic>GainMap</Item:Semantic></x:xmpmeta>"
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x927C] = hidden_jpeg  # a maker's note with a preview
    thumbnail = b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\x0e\0\2\2\1\0\4\0\0\0\1\0\0\0\x2c\2\2\0\4\0\0\0\1"
    thumbnail += struct.pack(">I", len(hidden_jpeg)) + bytes(4) + hidden_jpeg

    def with_segment(marker: int, data: bytes, content: bytes = jpeg) -> bytes:
        return content[:2] + bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data + content[2:]

    png = _bytes_of(seen, "PNG")
    under = seen.convert("RGBA")
    under.paste((*HIDDEN, 0), (0, 0, 32, 48))  # fully transparent, with a colour
    return {
        "MPO": _bytes_of(seen, "MPO", save_all=True, append_images=[hidden]),
        "MPO of three": _bytes_of(seen, "MPO", save_all=True, append_images=[hidden, hidden.resize((640, 480))]),
        "JPEG after JPEG": jpeg + hidden_jpeg,
        "motion photo": with_segment(0xE1, motion) + video,
        "gain map": with_segment(0xE1, gain, _bytes_of(seen, "MPO", save_all=True, append_images=[hidden.convert("L")])),
        "EXIF thumbnail": with_segment(0xE1, thumbnail),
        "JFIF thumbnail": with_segment(0xE0, b"JFXX\0\x10" + hidden_jpeg),
        "maker's note": _bytes_of(seen, "JPEG", exif=exif),
        "Photoshop preview": with_segment(0xED, b"Photoshop 3.0\x008BIM\x04\x0c\0\0" + struct.pack(">I", len(hidden_jpeg)) + hidden_jpeg),
        "depth map": with_segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + b"A" * 32 + struct.pack(">II", 99, 0) + hidden_jpeg),
        "PNG after PNG": png + _bytes_of(hidden, "PNG"),
        "PNG after its end in a chunk": png[:-12] + _chunk(b"prVw", hidden_jpeg) + png[-12:],
        "GIF after GIF": _bytes_of(seen, "GIF") + _bytes_of(hidden, "GIF"),
        "WebP after WebP": _bytes_of(seen, "WEBP") + _bytes_of(hidden, "WEBP"),
        "GIF and ZIP": _bytes_of(seen, "GIF") + b"PK\3\4" + hidden_jpeg,
        "HEIC after another": _bytes_of(hidden, "HEIF", save_all=True, append_images=[seen], primary_index=1),
        "HEIC before another": _bytes_of(seen, "HEIF", save_all=True, append_images=[hidden], primary_index=0),
        "HEIC with EXIF thumbnail": _bytes_of(seen, "HEIF", exif=thumbnail),
        "AVIF with EXIF thumbnail": _bytes_of(seen, "AVIF", exif=thumbnail),
        "colours under transparent PNG": _bytes_of(under, "PNG"),
        "colours under transparent WebP": _bytes_of(under, "WEBP", lossless=True, exact=True),
    }


HIDDEN_TEXT = b"HIDDENVIDEO" * 4


@pytest.mark.parametrize("name", _with_hidden_pictures())
@pytest.mark.parametrize("purpose", [Purpose.ATTACHMENT, Purpose.AVATAR])
def test_nothing_of_a_second_picture_is_kept(name: str, purpose: Purpose) -> None:
    upload = _with_hidden_pictures()[name]
    header, *parts = reencode(upload, purpose)
    for part in parts:
        assert _foreign_parts(part) == []
        assert HIDDEN_TEXT not in part
        picture = Image.open(io.BytesIO(part))
        assert getattr(picture, "n_frames", 1) == 1
        assert _most_red(picture) < 128, name  # of 255, with the noise of lossy compression
    if purpose is Purpose.ATTACHMENT:
        assert (header.width, header.height) == (64, 48)


def _most_red(picture: Image.Image) -> int:
    """The largest red of all pixels, transparent ones too: the hidden picture has 255, the visible one 20."""
    coloured = picture.convert("RGBA") if picture.mode == "P" else picture
    return coloured.convert("RGB").getextrema()[0][1]  # type: ignore[index, return-value]


def _png_head(width: int, height: int, rows: bytes = b"") -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")


def _malicious_files() -> Iterator[tuple[str, bytes]]:
    whole = picture_of("JPEG")
    gif = b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff!\xf9\4\0\0\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\2\2D\1\0;"
    yield from {
        "nothing": b"",
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        "svg with a doctype": b"<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><svg>&x;</svg>",
        "html": b"<html><script>alert(1)</script>",
        "pdf": b"%PDF-1.7\n1 0 obj<</Pages 1 0 R>>",
        "gif and script": b"GIF89a/*<svg/onload=alert(1)>*/=alert(1)//;",
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "tiff": b"II*\0" + b"\0" * 99,
        "bmp": b"BM" + b"\xff" * 99,
        "ico": b"\0\0\1\0\1\0" + b"\xff" * 40,
        "playlist": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        "zip": b"PK\3\4" + b"\0" * 60,
        "tall": _png_head(1, 2**31 - 1),
        "wide": _png_head(2**31 - 1, 1),
        "huge": _png_head(50_000, 50_000),
        "empty size": _png_head(0, 0),
        "cut jpeg": whole[: len(whole) // 2],
        "cut head": whole[:20],
        "huge gif": gif,
        "jpeg of zeros": b"\xff\xd8" + b"\0" * 9_000,
        "endless markers": b"\xff\xd8" + b"\xff\xe0\0\2" * 200_000,
        "webp head": b"RIFF\xff\xff\xff\xffWEBPVP8L\xff\xff\xff\xff/",
        "avif head": b"\0\0\0\x1cftypavif\0\0\0\0avifmif1" + b"\xff" * 200,
        "bad idat": b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 2, 0, 0, 0)) + _chunk(b"IDAT", b"x" * 999),
        "executable": b"\x7fELF" + b"\0" * 99,
        "text bomb": picture_of("PNG")[:33] + _chunk(b"zTXt", b"x\0\0" + zlib.compress(b"\0" * 80_000_000, 9)) + picture_of("PNG")[33:],
    }.items()


def test_malicious_files_are_refused_or_encoded_again() -> None:
    for name, upload in _malicious_files():
        try:
            header, *parts = reencode(upload, Purpose.ATTACHMENT)
        except (Exception, Warning):
            continue
        assert header.mime in ("image/png", "image/jpeg", "image/webp"), name
        assert header.width * header.height <= 3840 * 2160 * 1.001, name
        for part in parts:  # an accepted picture was encoded again: it begins as its type says
            assert part.startswith((b"\x89PNG", b"\xff\xd8\xff", b"RIFF")), name
            assert b"<script" not in part, name


@pytest.mark.parametrize("name", ["gif and script", "huge", "text bomb", "endless markers"])
async def test_a_malicious_upload_is_refused(village: Village, name: str) -> None:
    (jana,) = await village.settle("jana")
    store = village.front._pages._context.store
    with pytest.raises(Invalid):
        await actions.upload_picture(village.database, store, jana, dict(_malicious_files())[name])
    assert not [file for file in (village.settings.data / "media").rglob("*") if file.is_file()]


async def test_files_without_a_row_are_deleted(village: Village) -> None:
    (jana,) = await village.settle("jana")
    store = village.front._pages._context.store
    folder = village.settings.data / "media"
    await actions.upload_picture(village.database, store, jana, picture())
    known = {file for file in folder.rglob("*") if file.is_file()}
    await store.write(FileName(b"\x07" * 32, "png"), b"left by a killed process")
    (folder / "07" / ".half.png.abc").write_bytes(b"half")
    await actions.clear_orphans(village.database, store)
    assert len([file for file in folder.rglob("*") if file.is_file()]) == len(known) + 2  # recent files may still get their row

    for file in folder.rglob("*.*"):
        os.utime(file, (1, 1))
    await actions.clear_orphans(village.database, store)
    assert {file for file in folder.rglob("*") if file.is_file()} == known


async def test_an_upload_that_fails_after_its_file_leaves_none(village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    (jana,) = await village.settle("jana")
    store = village.front._pages._context.store
    async with village.database.write() as tx:
        await tx.execute("DELETE FROM accounts WHERE id = $1", jana.id)  # deleted while the picture is encoded
    with pytest.raises(Exception, match="deleted in the meantime"):
        await actions.upload_picture(village.database, store, jana, picture())
    assert not [file for file in (village.settings.data / "media").rglob("*") if file.is_file()]


async def test_deleted_content_is_removed_everywhere(village: Village) -> None:
    await village.settle("jana", "karel")
    await village.follow("karel", "jana")
    jana, karel = await village.by_app("jana"), await village.by_app("karel")
    upload = (await jana.upload("/api/v2/media", "file", picture(), description=f"{WORD} popis")).json
    post = (
        await jana.post("/api/v1/statuses", {"status": f"{WORD} @karel #{WORD}", "spoiler_text": WORD, "media_ids[]": [upload["id"]]})
    ).json
    poll = (await village.write("jana", f"{WORD} volba", poll=PollDraft(titles=(WORD, "b"), expires_in=600))).post
    for one in (post["id"], poll.id):
        for verb in ("favourite", "reblog", "bookmark"):
            await karel.post(f"/api/v1/statuses/{one}/{verb}")
    await jana.send("PUT", f"/api/v1/statuses/{post['id']}", {"status": f"{WORD} znovu @karel #{WORD}2", "media_ids[]": [upload["id"]]})
    await village.work()
    url = post["media_attachments"][0]["url"].removeprefix("http://localhost:8420")
    assert (await village.nobody().get(url)).status == 200
    assert await _tables_with(village, WORD)

    for one in (post["id"], poll.id):
        assert (await jana.send("DELETE", f"/api/v1/statuses/{one}?delete_media=true")).status == 200
    assert (await village.nobody().get(url)).status == 404  # at once, before any job
    await village.work()
    async with village.database.write() as tx:
        await tx.execute("UPDATE hashtags SET created_at = now() - interval '2 hours'")
    await forget_hashtags(village.database)
    for one in (post["id"], poll.id):
        assert (await karel.get(f"/api/v1/statuses/{one}")).status == 404
    for path in ("/api/v1/timelines/home", "/api/v1/notifications", f"/api/v2/search?q={WORD}", "/api/v1/bookmarks", "/api/v1/favourites"):
        assert WORD not in (await karel.get(path)).text, path
    assert (await village.nobody().get(url)).status == 404

    await let_a_day_pass(village.database, village.front._pages._context.store)
    assert not [file for file in (village.settings.data / "media").rglob("*") if file.is_file()]
    assert await _tables_with(village, WORD) == []


async def _tables_with(village: Village, word: str) -> list[str]:
    """The tables that contain a word, in any column, as text or as bytes."""
    async with village.database.read() as conn:
        tables = [
            row[0]
            for row in await conn.fetch(
                "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'm') AND relnamespace = 'public'::regnamespace"
            )
        ]
        spelled = (word, word.encode().hex())
        return [
            table
            for table in tables
            if await conn.fetchval(
                f"SELECT true FROM {table} AS t WHERE t::text ILIKE ANY ($1::text[]) LIMIT 1", [f"%{text}%" for text in spelled]
            )
        ]

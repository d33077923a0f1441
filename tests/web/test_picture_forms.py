"""Forms with pictures, without JavaScript: each refused picture has a reason and its name; everything else is kept."""

import io
import re

import pytest
from PIL import Image

from tests import series
from tests.api.test_accounts import picture
from tests.village import Answer, Village, Visitor

_WHY_NO_PICTURE = "This file is not a picture that we can read. We take JPEG, PNG, WebP, AVIF, HEIC and GIF."
_WHY_DAMAGED = "This picture is damaged or incomplete, so we cannot open it."


async def _send(visitor: Visitor, path: str, files: dict[str, tuple[str, bytes]], **fields: str) -> Answer:
    form = await visitor.get(path if path != "/posts" else "/posts/new")
    token = re.search(r'name="form_token" value="([^"]+)"', form.text)
    assert token
    parts = [
        f'--frontier\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in {"form_token": token[1], **fields}.items()
    ]
    for key, (name, content) in files.items():
        head = f'--frontier\r\nContent-Disposition: form-data; name="{key}"; filename="{name}"\r\nContent-Type: image/jpeg\r\n\r\n'
        parts.append(head.encode() + content + b"\r\n")
    body = b"".join(parts) + b"--frontier--\r\n"
    return await visitor.send("POST", path, body=body, headers={"content-type": "multipart/form-data; boundary=frontier"})


async def test_one_refused_picture_does_not_lose_the_others(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_browser("jana")
    files = {
        "file_1": ("red.png", picture("#FF0000")), "file_2": ("notes.txt", b"no picture"), "file_3": ("green.png", picture("#00FF00")),
        "file_4": ("half.jpg", picture(format_="JPEG", size=(900, 900))[:900]),
    }
    descriptions = {f"new_description_{number}": f"popis {number}" for number in range(1, 5)}
    answer = await _send(jana, "/posts", files, text="Čtyři obrázky", **descriptions)
    assert answer.status == 422
    assert answer.text.count(f"notes.txt: {_WHY_NO_PICTURE}") == 2  # in the summary and beside the field
    assert answer.text.count(f"half.jpg: {_WHY_DAMAGED}") == 2
    kept = re.findall(r'name="media\[\]" value="(\d+)"', answer.text)
    assert len(kept) == 2
    assert "Čtyři obrázky</textarea>" in answer.text
    for number, place in enumerate(("popis 1", "popis 3")):
        assert f'name="description_{kept[number]}"' in answer.text
        assert f">{place}</textarea>" in answer.text
    for number, place in ((1, "popis 2"), (2, "popis 4")):  # beside the fields for other pictures
        field = re.search(rf'id="new_description_{number}"[^>]*>([^<]*)</textarea>', answer.text)
        assert field
        assert field[1] == place
        assert f'aria-describedby="file_{number}-error"' in answer.text

    sent = await jana.post("/posts", {
        "form_token": re.search(r'name="form_token" value="([^"]+)"', answer.text)[1], "text": "Dva obrázky", "media[]": kept,  # type: ignore[index]
        f"description_{kept[0]}": "popis 1", f"description_{kept[1]}": "popis 3",
    })
    assert sent.status == 303
    async with village.database.read() as conn:
        assert await conn.fetch("SELECT description FROM media WHERE post_id IS NOT NULL ORDER BY position") == [("popis 1",), ("popis 3",)]


async def test_a_description_that_is_too_long_keeps_its_picture(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_browser("jana")
    answer = await _send(jana, "/posts", {"file_1": ("a.png", picture())}, text="Dlouhý popis", new_description_1="x" * 1501)
    assert answer.status == 422
    assert "A description has at most 1500 characters." in answer.text
    assert "x" * 1501 in answer.text
    assert len(re.findall(r'name="media\[\]"', answer.text)) == 1


async def test_a_picture_with_too_many_bytes_is_refused_with_the_limit(village: Village) -> None:
    await village.settle("jana")
    jana, app = await village.by_browser("jana"), await village.by_app("jana")
    limit = village.settings.media.max_bytes
    large = picture() + bytes(limit)
    answer = await _send(jana, "/posts", {"file_1": ("large.png", large)}, text="Velký")
    assert answer.status == 422
    assert f"large.png: This picture is larger than {limit // 2**20} MB." in answer.text
    answer = await _send(jana, "/settings/profile", {"avatar": ("large.png", large)}, display_name="Jana")
    assert answer.status == 422
    assert 'id="avatar-error"' in answer.text
    answer = await app.upload("/api/v2/media", "file", large)
    assert answer.status == 422
    assert "larger than" in answer.json["error"]


@pytest.mark.parametrize("field", ["avatar", "header"])
async def test_a_refused_picture_of_a_profile_is_named_at_its_field(village: Village, field: str) -> None:
    await village.settle("jana")
    jana = await village.by_browser("jana")
    answer = await _send(jana, "/settings/profile", {field: ("x.txt", b"no picture")}, display_name="Jiné jméno", note="O mně")
    assert answer.status == 422
    assert f'id="{field}-error"' in answer.text
    assert _WHY_NO_PICTURE in answer.text
    assert 'value="Jiné jméno"' in answer.text
    answer = await _send(jana, "/settings/profile", {field: ("x.gif", picture(format_="GIF"))}, display_name="Jana")
    assert answer.status == 303


async def test_the_instance_tells_what_is_accepted(village: Village) -> None:
    await village.settle("jana")
    limits = (await village.nobody().get("/api/v2/instance")).json["configuration"]["media_attachments"]
    page = (await (await village.by_browser("jana")).get("/posts/new")).text
    assert f'accept="{",".join(limits["supported_mime_types"])}"' in page
    assert f'data-most-bytes="{limits["image_size_limit"]}"' in page
    jana = await village.by_app("jana")
    width, height = 6000, limits["image_matrix_limit"] // 6000
    files = {"image/webp": ("WEBP", {"method": 0}), "image/jpeg": ("JPEG", {}), "image/png": ("PNG", {}), "image/gif": ("GIF", {}),
             "image/avif": ("AVIF", {"speed": 10})}
    assert files.keys() < set(limits["supported_mime_types"])
    for format_, options in list(files.values())[: series.length(1, 5)]:  # WebP needs the most memory
        upload = await jana.upload("/api/v2/media", "file", _saved(Image.new("L", (width, height), 90), format_, **options))
        assert upload.status == 200, (format_, upload.text)


def _saved(image: Image.Image, format_: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, format_, **options)
    return out.getvalue()

"""Video and audio in pages, without JavaScript: the form waits for what is prepared; a player does not start by itself."""

import re

import pytest

from folkmoot.web import chosen_pictures
from tests.recordings import needs_ffmpeg, recording
from tests.village import Village
from tests.web.test_picture_forms import _send

pytestmark = needs_ffmpeg


async def test_a_form_keeps_a_video_that_is_being_prepared(village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chosen_pictures, "PREPARED_WITHIN", 0.0)
    await village.settle("jana")
    jana = await village.by_browser("jana")
    files = {
        "file_1": ("kasna.mp4", recording("mp4")), "file_2": ("ticho.mp4", recording("silent.mp4")),
        "file_3": ("ton.mp3", recording("mp3")),
    }
    early = await _send(jana, "/posts", files, text="Voda", new_description_1="Kašna na návsi")
    assert early.status == 422
    assert "still being prepared" in early.text
    kept = re.findall(r'name="media\[\]" value="(\d+)"', early.text)
    assert len(kept) == 3
    assert ">Kašna na návsi</textarea>" in early.text
    await village.work()
    sent = await _send(jana, "/posts", {}, **{
        "text": "Voda", "media[0]": kept[0], "media[1]": kept[1], "media[2]": kept[2], f"description_{kept[0]}": "Kašna na návsi",
    })
    assert sent.status == 303, sent.text
    page = (await village.nobody().get("/@jana")).text
    videos = re.findall(r"<video [^>]*>", page)
    assert len(videos) == 2
    for video in videos:
        assert re.search(r' controls playsinline preload="metadata"', video)
        assert "autoplay" not in video
        assert re.search(r' poster="[^"]+\.small\.jpg"', video)
    assert 'aria-label="Kašna na návsi"' in videos[0]
    assert [" loop muted" in video for video in videos] == [False, True]
    assert len(re.findall(r'<audio controls preload="metadata" [^>]*aria-label="A sound without a description"', page)) == 1
    policy = (await village.nobody().get("/@jana")).headers["content-security-policy"]
    assert "media-src 'self'" in policy


async def test_a_refused_video_does_not_lose_what_came_with_it(village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chosen_pictures, "PREPARED_WITHIN", 0.0)
    await village.settle("jana")
    jana = await village.by_browser("jana")
    files = {"file_1": ("rozbite.mp4", recording("mp4")[:1200]), "file_2": ("ton.mp3", recording("mp3"))}
    early = await _send(jana, "/posts", files, text="Voda")
    kept = re.findall(r'name="media\[\]" value="(\d+)"', early.text)
    await village.work()
    again = await _send(jana, "/posts", {}, **{"text": "Voda", "media[0]": kept[0], "media[1]": kept[1]})
    assert again.status == 422
    assert "damaged or incomplete" in again.text
    assert re.findall(r'name="media\[\]" value="(\d+)"', again.text) == kept[1:]
    assert ">Voda</textarea>" in again.text

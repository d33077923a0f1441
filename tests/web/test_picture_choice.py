"""Choosing pictures in a browser: large photos are shrunk before they are sent, what cannot be used is refused at once."""

import io
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.api.test_accounts import picture
from tests.network_up import NetworkUp
from tests.web.browsing import log_in, open_page

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # playwright's own loop


@pytest.fixture
def page(browser: Browser, running: NetworkUp) -> Page:
    page = log_in(open_page(browser, running), "anna")
    page.goto("/posts/new")
    page.check(".use-pictures")
    return page


def _lower_limits(page: Page, *, most_bytes: int = 200_000, most_pixels: int = 10**9) -> None:
    page.evaluate(
        """([bytes, pixels]) => document.querySelectorAll("[data-most-bytes]").forEach((input) => {
            input.dataset.mostBytes = bytes; input.dataset.mostPixels = pixels; })""",
        [most_bytes, most_pixels],
    )


def _noise(path: Path, format_: str, size: tuple[int, int], mode: str = "RGB", **options: object) -> Path:
    Image.effect_noise(size, 90).convert(mode).save(path, format_, **options)
    return path


def _chosen(page: Page) -> dict[str, object]:
    return page.evaluate("""() => { const file = document.getElementById("file_1").files[0];
        return file && { name: file.name, size: file.size, type: file.type }; }""")


def test_a_photo_with_too_many_bytes_is_shrunk_and_published(page: Page, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = _noise(tmp_path / "IMG 1.jpeg", "JPEG", (2000, 1200), quality=98, exif=exif)
    size = photo.stat().st_size
    _lower_limits(page, most_bytes=size - 1)
    page.fill("#text", "Velká fotka z mobilu")
    page.set_input_files("#file_1", photo)
    page.fill("#new_description_1", "šum")
    page.click(".sending button.main")  # waits for the shrinking
    page.wait_for_url("**/")
    shown = page.locator("article.post", has_text="Velká fotka z mobilu").locator("img[alt=šum]")
    expect(shown).to_be_visible()
    assert 0.55 < shown.evaluate("(image) => image.naturalWidth / image.naturalHeight") < 0.65  # upright, once


def test_a_picture_with_too_many_pixels_becomes_smaller_and_keeps_its_transparency(page: Page, tmp_path: Path) -> None:
    clear = _noise(tmp_path / "clear.png", "PNG", (1500, 1000), "RGBA")
    with Image.open(clear) as picture_:
        picture_.putalpha(100)
        picture_.save(clear)
    _lower_limits(page, most_bytes=10**8, most_pixels=1_000_000)
    page.set_input_files("#file_1", clear)
    page.wait_for_function("() => document.getElementById('file_1').files[0].type === 'image/webp'")
    assert _chosen(page)["name"] == "clear.webp"


@pytest.mark.parametrize("name", ["moving.gif", "notes.txt"])
def test_what_cannot_be_shrunk_is_refused_at_once(page: Page, tmp_path: Path, name: str) -> None:
    if name == "moving.gif":
        frames = [Image.effect_noise((300, 300), 90) for _ in range(4)]
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], duration=50)
    else:
        (tmp_path / name).write_bytes(b"text" * 100_000)
    _lower_limits(page)
    page.set_input_files("#file_1", tmp_path / name)
    expect(page.locator("#file_1-error")).to_have_text(re.compile(f"^{name}: .*32 MB"))
    assert _chosen(page) is None
    expect(page.locator(".picture-new img")).to_have_count(0)
    expect(page.locator("#file_1-error")).to_be_visible()
    page.set_input_files("#file_1", {"name": "red.png", "mimeType": "image/png", "buffer": picture()})
    expect(page.locator("#file_1-error")).to_have_count(0)
    expect(page.locator("#file_1")).not_to_have_attribute("aria-invalid", "true")


def test_small_and_moving_pictures_are_sent_as_they_are(page: Page, tmp_path: Path) -> None:
    small = picture()
    page.set_input_files("#file_1", {"name": "red.png", "mimeType": "image/png", "buffer": small})
    page.wait_for_timeout(100)
    assert _chosen(page) == {"name": "red.png", "size": len(small), "type": "image/png"}
    frames = [Image.effect_noise((900, 900), 90).convert("RGB") for _ in range(3)]
    out = io.BytesIO()
    frames[0].save(out, "PNG", save_all=True, append_images=frames[1:], duration=50)
    _lower_limits(page, most_bytes=10**8, most_pixels=1000)
    page.set_input_files("#file_1", {"name": "moving.png", "mimeType": "image/png", "buffer": out.getvalue()})
    page.wait_for_timeout(300)
    assert _chosen(page) == {"name": "moving.png", "size": len(out.getvalue()), "type": "image/png"}


def test_a_heic_that_the_browser_cannot_show_is_published(page: Page, tmp_path: Path) -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
    photo = _noise(tmp_path / "IMG_2.HEIC", "HEIF", (1200, 900))
    page.fill("#text", "Fotka z jablka")
    page.set_input_files("#file_1", photo)
    page.fill("#new_description_1", "jablko")
    expect(page.locator(".picture-new img")).to_have_count(0)  # no broken picture
    page.click(".sending button.main")
    page.wait_for_url("**/")
    expect(page.locator("article.post", has_text="Fotka z jablka").locator("img[alt=jablko]")).to_be_visible()

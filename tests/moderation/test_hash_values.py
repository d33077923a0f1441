"""The normal forms by which hash lists recognise things: PDQ as the reference computes it, texts, addresses; and their index."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from folkmoot.moderation.hash_lists.model import (
    MAX_DISTANCE,
    Kind,
    addresses_of,
    chunks_of,
    near_chunks,
    normal_address,
    normal_value,
    text_key,
    text_keys,
    turned,
    widened,
)
from folkmoot.moderation.hash_lists.pdq import hash_picture, hash_pixels
from tests.series import length

# (width, height, pattern, hash, quality), computed with the reference implementation (pdqhash 0.2.8).
_REFERENCE = [
    (640, 480, 1, "1f007fae7ff43f803fc87f40ffc2ffc8ff80ff80ff80ff002000fc00fc00f800", 100),
    (480, 640, 2, "beaaffaeffe2ffe2ff00fe002800fc00fe00fc007a00fe04ff80fe00fe11fd00", 100),
    (64, 64, 3, "95786ad1dab3356faddc3a2854da5517ae4ca891ef2430898f76398ceaaa51c4", 100),
    (123, 457, 4, "80fc7ff8e0802e90fe906eb0fa907e98fcd82eb0e2d02ab0fad83a90fe982ef8", 100),
    (1000, 130, 5, "07f8f807fc077ff0ffff7ff80000f8033e00ff97ffbf0000000056031e471f9b", 100),
    (97, 97, 6, "9e20953e47625d6792aa3522ab47badfd5389560ab44a2dcab7892c8bf58fac0", 100),
]


def _pixels(width: int, height: int, turn: int) -> np.ndarray:
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    return np.stack([(x * x * turn // 97 + y * (turn + channel * 5) + x * y // 31) % 256 for channel in range(3)], axis=2).astype(float)


def drawing(seed: int = 1, size: tuple[int, int] = (600, 400), *, extra: bool = False) -> Image.Image:
    """A picture with structure; `extra`: with a small change, as somebody makes who wants to evade a list."""
    made = Image.new("RGB", size, (240, 230, 210))
    draw = ImageDraw.Draw(made)
    for turn in range(30):
        x, y = (turn * 97 * seed + 31 * turn * turn) % size[0], (turn * 61 + 17 * seed * turn) % size[1]
        draw.ellipse([x, y, x + 40 + turn * 3, y + 30 + turn * 2], fill=((turn * 37) % 256, (turn * seed * 53) % 256, (turn * 91) % 256))
    if extra:
        draw.rectangle([10, 10, 60, 30], fill=(255, 255, 255))
    return made


def encoded(picture: Image.Image, format_: str = "PNG", **how: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, format_, **how)
    return out.getvalue()


@pytest.mark.parametrize(("width", "height", "turn", "expected", "quality"), _REFERENCE)
def test_pdq_is_that_of_the_reference(width: int, height: int, turn: int, expected: str, quality: int) -> None:
    assert [f"{(found := hash_pixels(_pixels(width, height, turn)))[0]:064x}", found[1]] == [expected, quality]


def test_a_picture_resembles_its_smaller_compressed_and_retouched_copies_and_no_other() -> None:
    original, _ = hash_picture(encoded(drawing()))
    copies = [
        encoded(drawing().resize((300, 200))), encoded(drawing(), "JPEG", quality=30), encoded(drawing(extra=True), "WEBP", quality=60),
    ]
    assert all((hash_picture(copy)[0] ^ original).bit_count() <= MAX_DISTANCE for copy in copies)
    assert (hash_picture(encoded(drawing(seed=2)))[0] ^ original).bit_count() > MAX_DISTANCE
    assert hash_picture(encoded(Image.new("RGB", (300, 200), "red")))[1] == 0


@pytest.mark.parametrize("way", [None, *Image.Transpose])
def test_a_mirrored_or_turned_copy_resembles_its_picture(way: Image.Transpose | None) -> None:
    copy = drawing(size=(620, 400)).transpose(way) if way is not None else drawing(size=(620, 400))
    found, _ = hash_picture(encoded(copy, "JPEG", quality=60))
    original, _ = hash_picture(encoded(drawing(size=(620, 400))))
    assert min((one ^ found).bit_count() for one in turned(original)) <= MAX_DISTANCE
    assert turned(original)[0] == original
    other, _ = hash_picture(encoded(drawing(seed=2).transpose(way) if way is not None else drawing(seed=2)))
    assert min((one ^ other).bit_count() for one in turned(original)) > 2 * MAX_DISTANCE


@settings(max_examples=length(30, 1000))
@given(st.integers(0, 2**256 - 1), st.sets(st.integers(0, 255), max_size=MAX_DISTANCE))
def test_the_index_finds_every_hash_within_the_distance(value: int, changed: set[int]) -> None:
    other = value
    for bit in changed:
        other ^= 1 << bit
    assert set(near_chunks(value)) & set(chunks_of(other))


def test_a_text_is_recognised_whatever_its_case_spacing_and_disguise() -> None:
    key = text_key("Kupte si levně následovníky, stačí napsat")
    assert key
    assert {text_key(text) for text in (
        "KUPTE SI LEVNĚ NÁSLEDOVNÍKY,   STAČÍ NAPSAT", "kupte si levne nasledovniky, staci napsat",
        "Kuptе si lеvně násled0vníky, stačí napsat",
    )} == {key}
    assert text_key("Kupte si draze následovníky, stačí napsat") != key
    assert key in text_keys("🔥 Kupte si levně následovníky, stačí napsat ❤️"), "anybody can add an emoji"
    assert key not in text_keys("🔥 Kupte si draze následovníky, stačí napsat")
    assert text_key("Kupte si levně následovníky, stačí napsat 🔪") != key, "an entry keeps those that it has"


def test_a_text_with_another_link_is_another_text() -> None:
    words = "Tohle si rozhodně přečtěte celé, prosím: "
    assert text_key(f"{words}https://example.org/a") != text_key(f"{words}https://example.org/b")
    assert text_key(f"{words}https://www.example.org/a/") == text_key(f"{words}http://EXAMPLE.org/a")


@pytest.mark.parametrize("text", ["", "Ano.", "Dobré ráno všem!", "https://example.org/clanek", "🔥🔥🔥🔥🔥🔥🔥🔥🔥🔥", "a b c d e f"])
def test_a_short_text_is_no_ground_for_recognition(text: str) -> None:
    assert text_key(text) is None


@pytest.mark.parametrize(("written", "normal"), [
    ("https://www.Example.ORG/", "example.org"), ("example.org.", "example.org"), ("http://example.org:8080/a/?b=1#c", "example.org/a?b=1"),
    ("https://příklad.cz/Cesta", "xn--pklad-zsa96e.cz/Cesta"), ("ftp://user:secret@example.org/x", "example.org/x"),
    ("no dots", None), ("localhost", None), ("1.2", None), ("http://[broken", None), ("..", None), ("", None),
])
def test_addresses_have_one_normal_form(written: str, normal: str | None) -> None:
    assert normal_address(written) == normal


def test_an_entry_for_a_domain_covers_what_is_below_it() -> None:
    found = widened(addresses_of("Viz https://shop.bad.example/koupit?x=1 nebo bad2.example/y, jinak nic. Konec.Tečka"))
    assert {"shop.bad.example/koupit?x=1", "shop.bad.example/koupit", "shop.bad.example", "bad.example", "bad2.example"} <= set(found)
    assert "example" not in found


@pytest.mark.parametrize(("kind", "written", "is_valid"), [
    (Kind.FILE, "A" * 64, True), (Kind.FILE, "a" * 32, False), (Kind.PICTURE, "xyz", False), (Kind.PICTURE, "0" * 64, True),
    (Kind.TEXT, "Kupte si levně následovníky, stačí napsat", True), (Kind.TEXT, "krátké", False), (Kind.ADDRESS, "bad.example", True),
])
def test_only_values_of_their_kind_are_accepted(kind: Kind, written: str, is_valid: bool) -> None:
    assert bool(normal_value(kind, written)) is is_valid


@settings(max_examples=length(30, 1000))
@given(st.text(max_size=300))
def test_no_text_breaks_the_normal_forms(text: str) -> None:
    for address in addresses_of(text):
        assert normal_address(address) == address
    assert text_key(text) == text_key(text)

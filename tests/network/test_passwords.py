"""A password is the same in every form of Unicode that keyboards make of it."""

import unicodedata

import pytest

from folkmoot.network.sessions.passwords import _hasher, hash_password, is_right, opaque, password_errors

PASSWORD = "Žluťoučký kůň 2\u00a0½"
FORMS = [unicodedata.normalize(form, PASSWORD) for form in ("NFC", "NFD")]


@pytest.mark.parametrize("chosen", FORMS)
async def test_any_form_opens_what_any_form_has_set(chosen: str) -> None:
    made = await hash_password(chosen)
    for typed in (*FORMS, PASSWORD.replace("\u00a0", " "), PASSWORD.replace("\u00a0", "\u3000")):
        assert await is_right(made, typed)
    for wrong in ("Zlutoucky kun 2 ½", PASSWORD.lower(), PASSWORD + " ", "Žluťoučký kůň 2 1/2"):
        assert not await is_right(made, wrong)


@pytest.mark.parametrize("raw", FORMS)
async def test_hashes_of_the_typed_text_still_work(raw: str) -> None:
    old = _hasher.hash(raw)  # as earlier releases made them
    assert await is_right(old, raw)
    assert not await is_right(old, raw.upper())
    assert not await is_right(None, raw)


async def test_lengths_are_counted_in_the_form_that_is_hashed() -> None:
    longest = "ů" * 256
    decomposed = unicodedata.normalize("NFD", longest)
    assert not [error for error in password_errors(decomposed + "") if error.code == "too_long"]
    assert [error.code for error in password_errors(unicodedata.normalize("NFD", "ůňěščřž"))] == ["too_short"]
    assert opaque(decomposed) == longest
    assert await is_right(await hash_password(longest), decomposed)
    assert not await is_right(await hash_password(longest), "ů" * 255)

"""Cleaning, measuring and folding of texts."""

import pytest

from folkmoot.base.formatting import count_characters as count_counted
from folkmoot.base.text import _SINGLE, LONGEST_CLUSTER, characters_of, clean, clean_line, count_characters, fold, search_words

FAMILY = "👨‍👩‍👧‍👦"
LRM, RLM, ALM, LRE, RLE, PDF, LRO, RLO = "\u200e", "\u200f", "\u061c", "\u202a", "\u202b", "\u202c", "\u202d", "\u202e"
LRI, RLI, FSI, PDI = "\u2066", "\u2067", "\u2068", "\u2069"


@pytest.mark.parametrize("text", [
    "", " \n", "\u200b", "\u200d", "\u00ad", "\u3164", "\uffa0", "\u115f\u1160", "\u2800\u2800",
    "\u0301", "\u20e3", "\ufe0f", "\U000e0041", "\u17b5",
    "\u180e", "\u034f", "\u00a0\u3000", RLM, f"{RLI} {PDI}", "\ufffc", "\U0001d159", "\u2028",
])
def test_a_text_of_invisible_characters_is_empty(text: str) -> None:
    assert (clean(text), clean_line(text), clean(f"\n{text} {text}\n")) == ("", "", "")


@pytest.mark.parametrize("text", ["a", "一", "ก็", "a\u0301", "😀", "🫨", "🇨🇿", "1️⃣", "·", "€", "؀", "\u0378"])
def test_a_visible_text_stays(text: str) -> None:
    assert clean(text)


@pytest.mark.parametrize("mark", [LRM, RLM, ALM])
def test_direction_marks_stay(mark: str) -> None:
    assert clean(f"שלום{mark}!") == clean_line(f"שלום{mark}!") == f"שלום{mark}!"


@pytest.mark.parametrize(("text", "cleaned"), [
    (f"a {RLI}ב{PDI} c", f"a {RLI}ב{PDI} c"),
    (f"{FSI}a{LRI}b{PDI}c{PDI}", f"{FSI}a{LRI}b{PDI}c{PDI}"),
    (f"{RLE}a{PDF}", f"{RLE}a{PDF}"),
    (f"a{RLI}b", f"a{RLI}b{PDI}"),
    (f"a{RLI}b{LRE}c", f"a{RLI}b{LRE}c{PDF}{PDI}"),
    (f"a{PDI}b{PDF}c", "abc"),
    (f"{RLI}a{RLE}b{PDI}c", f"{RLI}a{RLE}b{PDF}{PDI}c"),
    (f"{LRE}a{LRI}b{PDF}c{PDI}d", f"{LRE}a{LRI}bc{PDI}d{PDF}"),
    (f"{RLI}a\nb{PDI}", f"{RLI}a{PDI}\nb"),
    (f"a{RLO}b{PDF}", "ab"),
    (f"{LRO}a", "a"),
])
def test_isolates_and_embeddings_are_closed_in_their_line_and_overrides_are_removed(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_tag_characters_stay_in_flags_only() -> None:
    scotland = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "hidden")
    assert clean(f"a{hidden}b {scotland}{hidden} \U000e0001") == f"ab {scotland}"
    assert clean(f"🏴{hidden * 9}") == "🏴"  # no flag: too long, and not ended


def test_every_line_break_becomes_a_new_line() -> None:
    assert clean("a\r\nb\rc\x0bd\x0ce\x85f\u2028g\u2029h") == "\n".join("abcdefgh")
    assert clean_line("a\u2028b") == "a b"


@pytest.mark.parametrize(("text", "length"), [
    ("abc", 3), ("Příliš", 6), ("Pr\u030cı\u0301lis\u030c", 6), (FAMILY * 72, 72), ("🇨🇿🇸🇰", 2),
    ("👩🏽‍🚀", 1), ("1️⃣", 1), ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", 1), ("ที่นี่", 2), ("한국", 2),
    ("각" * 3, 3), ("🧑🏻‍❤️‍💋‍🧑🏿", 1), ("a\nb", 3),
])
def test_length_is_counted_in_characters_as_people_see_them(text: str, length: int) -> None:
    assert count_characters(text) == length


def test_letters_that_are_counted_without_segmentation_are_single_characters() -> None:
    letters = [chr(number) for number in range(0x20, 0x590) if _SINGLE.fullmatch(chr(number))]
    assert len(letters) > 1000
    assert len(characters_of("".join(letters))) == count_characters("".join(letters)) == len(letters)


def test_no_character_hides_thousands_of_code_points() -> None:
    assert count_characters("a" + "\u0301" * (LONGEST_CLUSTER - 1)) == 1
    assert count_characters("a" + "\u0301" * 10_000) == 10_001 - LONGEST_CLUSTER + 1
    assert count_characters("👩" + "\u200d👩" * 5_000) > 9_000


@pytest.mark.parametrize(("text", "length"), [
    ("https://example.org/" + "y" * 300, 23), ("a https://b.cz, c", 28),
    ("例えばhttps://example.com/a。次", 28), (f"{FAMILY}@bob@example.org!", 6),
    ("@bob@example.org @eva", 9), ("bob@example.org", 15), (f"{FAMILY}https://a.b", 24),
])
def test_a_link_counts_as_23_and_a_mention_without_its_host(text: str, length: int) -> None:
    assert count_counted(text) == length


@pytest.mark.parametrize("spellings", [
    ("Dvořáková", "dvorakova", "DVOŘÁKOVÁ"), ("Ærø", "ærø", "AERO", "aero"), ("Œuvre", "œuvre", "OEUVRE"),
    ("Ǽ", "ǽ", "æ"), ("ŁÓDŹ", "łódź", "lodz"),
    ("ĐĐ", "đđ", "dd"), ("ÞÓR", "þór", "Thor"), ("STRASSE", "Straße", "straẞe"), ("İstanbul", "istanbul", "ISTANBUL", "ıstanbul"),
    ("Ελλάδα", "ΕΛΛΆΔΑ", "ελλαδα"), ("ﬁn", "FIN"), ("Ａｂ", "ab"), ("قُدْس", "قدس"),
    ("أحمد", "احمد"), ("שָׁלוֹם", "שלום"), ("co\u00adop", "coop"),
])
def test_spellings_of_a_word_are_folded_into_one(spellings: tuple[str, ...]) -> None:
    assert len(set(map(fold, spellings))) == 1


def test_words_for_search_keep_the_marks_that_belong_to_letters() -> None:
    assert [fold(word) for word in ("हिन्दी", "ที่นี่")] == search_words("हिन्दी, ที่นี่!")
    assert search_words("がっこう") == [fold("がっこう")]
    assert search_words("می\u200cخواهم") == ["می", "خواهم"]
    assert search_words("x_y 1️⃣ a.b") == ["x", "y", "1", "a", "b"]

"""Searching for the words of filters, against a slow and obvious way; and that no words make it slow."""

import unicodedata

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from folkmoot.base.text import fold
from folkmoot.network.filters.words import WordFinder, pattern, searched


def _finds(keyword: str, text: str, *, is_whole_word: bool = True) -> bool:
    return bool(WordFinder([pattern(keyword, is_whole_word=is_whole_word)]).find(searched(text)))


def _is_word(character: str) -> bool:
    return character == "_" or unicodedata.category(character)[0] in "LNM"


def _slowly(keyword: str, text: str, *, is_whole_word: bool) -> bool:
    """Looks at every place of the text."""
    keyword, text = (" ".join(fold(one).split()) for one in (keyword, text))
    for start in range(len(text) - len(keyword) + 1):
        end = start + len(keyword)
        if not keyword or text[start:end] != keyword:
            continue
        begins = start == 0 or not (_is_word(text[start]) and _is_word(text[start - 1]))
        ends = end == len(text) or not (_is_word(text[end - 1]) and _is_word(text[end]))
        if (begins and ends) or not is_whole_word:
            return True
    return False


_LETTERS = st.text(st.sampled_from("abAÁřŘ_1#-. \n'ß"), max_size=12)  # few, so that words meet


@given(st.lists(st.tuples(_LETTERS, st.booleans()), max_size=8), st.text(st.sampled_from("abAÁřŘ_1#-. \n'ß"), max_size=60))
@example([("a", True), ("ab", True), ("b", False), ("aab", False)], "xaab ab")
@example([("a#", True), ("#a", True), ("a a", True)], "a#a  a")
def test_the_trie_finds_what_a_slow_search_finds(keywords: list[tuple[str, bool]], text: str) -> None:
    finder = WordFinder([pattern(keyword, is_whole_word=whole) for keyword, whole in keywords])
    expected = [place for place, (keyword, whole) in enumerate(keywords) if _slowly(keyword, text, is_whole_word=whole)]
    assert finder.find(searched(text)) == expected


@pytest.mark.parametrize(("keyword", "text", "whole", "inside"), [
    ("kašna", "Kašna teče", True, True),
    ("kasna", "KAŠNA", True, True),
    ("Kašna", "na #kasna dnes", True, True),
    ("kašna", "Kašnami se brodí", False, True),
    ("válka", "VÁLKA!", True, True),
    ("řeka", "uz rec, reka i hora", True, True),
    ("#kašna", "jdu ke #Kašna.", True, True),
    ("#kašna", "jdu ke kašna", False, False),
    ("#kašna", "x#kašna", True, True),  # no boundary is required before a character that belongs to no word
    ("#kaš", "#kašna", False, True),
    ("C++", "Píšu v C++.", True, True),
    ("C++", "abc++", False, True),
    (":-)", "ahoj:-)x", True, True),
    ("dobrý den", "Dobrý\n   den všem", True, True),
    ("dobrý den", "Dobrý denní tisk", False, True),
    ("don", "don't", True, True),
    ("foo_bar", "foo_bar_baz", False, True),
    ("कि", "किताब", False, True),
    ("日本", "私は日本語を話す", True, True),  # no spaces between words: a boundary would find nothing
    ("straße", "STRASSE", True, True),
    ("kaš", "ka\u200bšna", False, True),  # an invisible character hides nothing
    ("👩‍🌾", "jsem 👩‍🌾!", True, True),
])
def test_words_are_found_by_the_rules_of_people(keyword: str, text: str, whole: bool, inside: bool) -> None:
    assert (_finds(keyword, text), _finds(keyword, text, is_whole_word=False)) == (whole, inside)


@pytest.mark.parametrize("nothing", ["", " ", "\u0301", "\u200d", "\ufe0f"])
def test_what_shows_nothing_finds_nothing(nothing: str) -> None:
    assert pattern(nothing, is_whole_word=True) == pattern(nothing, is_whole_word=False) == ""
    assert WordFinder([""]).find(searched("cokoli")) == []


class _Counting(dict[str, int]):
    """A node that counts how often it is asked."""

    asked = 0

    def get(self, key: str, default: int | None = None) -> int | None:  # type: ignore[override]
        _Counting.asked += 1
        return super().get(key, default)


@pytest.mark.parametrize("words", [
    ["a" * length for length in range(1, 140)],
    ["a" * 60 + "b" + "a" * 60, *("a" * length + "b" for length in range(1, 60))],
    ["ab" * 60 + "c", *("b" + "ab" * length for length in range(1, 60))],
])
def test_no_words_make_the_search_slow(words: list[str]) -> None:
    finder = WordFinder([pattern(word, is_whole_word=False) for word in words])
    finder._nodes = [_Counting(node) for node in finder._nodes]
    for text in ("a" * 5000, "ab" * 2500, "a" * 2500 + "b" + "a" * 2499):
        _Counting.asked = 0
        finder.find(text)
        assert _Counting.asked <= 3 * len(text)  # a step and at most one fallback for each character

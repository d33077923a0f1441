"""Text that people type: cleaned, measured, folded for search, and checked if it is a name.

Folding happens here and not in the database, whose collations differ between machines (decision 0010). HTML is handled
elsewhere. Properties of characters come from the package `regex` (decision 0050), because Python's `re` has none.
"""

import re
import unicodedata

import regex

# Controls that hide text or force its direction. Kept are the joiners, which emoji and several scripts need, and the marks
# with which people mend the order of mixed left-to-right and right-to-left text: LRM, RLM, ALM, isolates and embeddings.
# The overrides (U+202D, U+202E) are removed: they show Latin letters backwards, so that a name or an address lies.
_UNWANTED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202d\u202e\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb]")
_NEW_LINES = re.compile("[\r\x0b\x0c\x85\u2028\u2029]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\u200f\u202b\u2067\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]")
_END_OF_EMBEDDING, _END_OF_ISOLATE = "\u202c", "\u2069"
# Tag characters are for flags such as that of Scotland; elsewhere they hide a text in a text.
_TAG = re.compile("[\U000e0000-\U000e007f]")
_TAGS = re.compile("(\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,8}\U000e007f)|[\U000e0000-\U000e007f]")
_DIRECTED = re.compile("[\u202a-\u202c\u2066-\u2069]")
_MANY_BLANK_LINES = re.compile(r"\n{3,}")
# Shows nothing by itself: default-ignorable (joiners, fillers, tags), combining, blank in Braille or music, a placeholder.
_VISIBLE: re.Pattern[str] = regex.compile(r"[^\p{Default_Ignorable_Code_Point}\p{M}\p{Z}\p{Cc}\u2800\ufffc\U0001d159\U00013430-\U0001343f]")
_INVISIBLE: re.Pattern[str] = regex.compile(r"\p{Default_Ignorable_Code_Point}")
_PICTURE = r"\p{Extended_Pictographic}(?:\ufe0f|[\U0001f3fb-\U0001f3ff])?"
_FLAG = r"\p{RI}\p{RI}|\U0001f3f4[\U000e0020-\U000e007e]++\U000e007f"
_EMOJI: re.Pattern[str] = regex.compile(rf"{_PICTURE}(?:\u200d{_PICTURE})*+|{_FLAG}|[0-9#*]\ufe0f?\u20e3")
_CLUSTER: re.Pattern[str] = regex.compile(r"\X")
_SINGLE = re.compile("[\n -\u02ff\u0370-\u0482\u048a-\u0590]*")  # Latin, Greek, Cyrillic, Armenian: each code point is a character
LONGEST_CLUSTER = 12  # code points that count as one character; the longest emoji has 10
# Marks that readers leave out: of Latin, Greek and Cyrillic, the vowels of Hebrew and Arabic; and what shows nothing.
_MARKS: re.Pattern[str] = regex.compile(
    r"[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8"
    r"\u06ea-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f\p{Default_Ignorable_Code_Point}]"
)
_WORD: re.Pattern[str] = regex.compile(r"[\p{L}\p{N}][\p{L}\p{N}\p{M}]*")
_WORD_BREAKS = str.maketrans("\u200b\u200c", "  ")  # invisible, but between words
_LONGEST_WORD = 80
# Letters without a decomposition in Unicode, after folding of case.
_OTHER_LETTERS = str.maketrans({"ł": "l", "đ": "d", "ð": "d", "ø": "o", "ı": "i", "ħ": "h", "ŧ": "t", "þ": "th", "æ": "ae", "œ": "oe"})


def clean(text: str) -> str:
    """The text as it is stored: in NFC, without unwanted controls and runs of blank lines, trimmed; empty if it shows nothing."""
    text = unicodedata.normalize("NFC", _NEW_LINES.sub("\n", text.replace("\r\n", "\n")))
    text = _MANY_BLANK_LINES.sub("\n\n", _UNWANTED.sub("", text)).strip()
    if _TAG.search(text):
        text = _TAGS.sub(r"\1", text).strip()
    if not _VISIBLE.search(text):
        return ""
    return "\n".join(map(_balanced, text.split("\n"))) if _DIRECTED.search(text) else text


def clean_line(text: str) -> str:
    """The same for a single line: a name, a poll option."""
    return _balanced(" ".join(clean(text).split()))


def without_invisible(text: str) -> str:
    """For comparing what people see: without joiners, direction marks and the like."""
    return _INVISIBLE.sub("", text)


def _balanced(line: str) -> str:
    """The line with each isolate and embedding closed in it, and without closing marks that close nothing.

    Otherwise they would change the order of whatever an app or a page shows after the text.
    """
    if not _DIRECTED.search(line):
        return line
    kept: list[str] = []
    opened: list[str] = []  # the closing marks that are due
    isolates = 0
    for character in line:
        if character in "\u202a\u202b":
            opened.append(_END_OF_EMBEDDING)
        elif character in "\u2066\u2067\u2068":
            opened.append(_END_OF_ISOLATE)
            isolates += 1
        elif character == _END_OF_ISOLATE and isolates:
            isolates -= 1
            while opened.pop() != _END_OF_ISOLATE:  # ends the embeddings opened in the isolate, too
                kept.append(_END_OF_EMBEDDING)
        elif character == _END_OF_EMBEDDING and opened and opened[-1] == character:
            opened.pop()
        elif character in (_END_OF_EMBEDDING, _END_OF_ISOLATE):
            continue
        kept.append(character)
    return "".join(kept + opened[::-1])


def count_characters(text: str) -> int:
    """The length as people count it: an emoji or a letter with its marks is one character (grapheme clusters, UAX 29).

    Code points of a cluster beyond the 12th count one each, so that a text is never stored with more than 12 times its limit.
    """
    if _SINGLE.fullmatch(text):
        return len(text)
    return sum(max(1, len(character) - LONGEST_CLUSTER + 1) for character in characters_of(text))


def is_emoji(text: str) -> bool:
    """Whether a text is one emoji: a picture with its modifiers, a flag, or a keycap."""
    return len(text) <= LONGEST_CLUSTER and _EMOJI.fullmatch(text) is not None


def characters_of(text: str) -> list[str]:
    """The text in grapheme clusters."""
    return _CLUSTER.findall(text)


def isolated(text: str) -> str:
    """A text to be put into a sentence: one with right-to-left letters must not change the order of the words around it."""
    return text[:0] + "\u2068" + text + "\u2069" if _RIGHT_TO_LEFT.search(text) else text


def fold(text: str) -> str:
    """Without case and diacritics, for search: `Dvořáková` and `dvorakova` become equal. The result is decomposed (NFKD)."""
    if text.isascii():
        return text.casefold()
    return _MARKS.sub("", unicodedata.normalize("NFKD", text)).casefold().translate(_OTHER_LETTERS)


def search_words(text: str) -> list[str]:
    """The folded words of a text for the search index, each once."""
    return list(dict.fromkeys(word[:_LONGEST_WORD] for word in _WORD.findall(fold(text.translate(_WORD_BREAKS)))))


def prefix_query(text: str, most: int = 10) -> str | None:
    """A text search for all words of a text, each as a prefix; None if it has no words. Words contain letters and digits only."""
    return " & ".join(f"'{word}':*" for word in search_words(text)[:most]) or None


def prefix_pattern(text: str) -> str:
    """A pattern of LIKE for texts with this prefix."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped + "%"


def is_username(text: str) -> bool:
    """Letters without diacritics, digits and underscores, 1 to 30: accepted by every network of the fediverse."""
    return len(text) <= 30 and bool(re.fullmatch(r"[a-z0-9_]+", text, re.I | re.A))

"""Text that people type: cleaned, folded for search, and checked if it is a name.

Folding happens here and not in the database, whose collations differ between machines (decision 0010). HTML is handled
elsewhere.
"""

import re
import unicodedata

# Controls that reorder or hide text, but not the joiners that emoji and several scripts need.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]")
_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"  # letters that show nothing
_MANY_BLANK_LINES = re.compile(r"\n{3,}")
_USERNAME = re.compile(r"[a-z0-9_]+([a-z0-9_.-]+[a-z0-9_]+)?", re.I)
_MARKS = re.compile(r"[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
_WORD = re.compile(r"[^\W_]+")
_LONGEST_WORD = 80
_OTHER_LETTERS = str.maketrans({"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ø": "o", "Ø": "O", "ı": "i", "æ": "ae", "œ": "oe"})

# Letters of other scripts that look Latin, to detect names that look official and disguised words.
LOOK_ALIKE_LETTERS = str.maketrans("аеорсухіјѕԁԛһνοαρτκ", "aeopcyxijsdqhvoaptk")
_LOOK_ALIKES = LOOK_ALIKE_LETTERS | str.maketrans("013457", "oieast")
_OFFICIAL_NAMES = frozenset(
    "admin administrator administrace folkmoot jury juror moderator moderace moderation operator porota porotce root"
    " sprava spravce spravcove staff support podpora system tym".split()
)
RESERVED_USERNAMES = _OFFICIAL_NAMES | frozenset(
    "about abuse api auth help home hostmaster info legal login logout media me noreply notifications oauth postmaster"
    " policy privacy rules search security settings sign_up signup static tags webmaster everyone all here".split()
)


def clean(text: str) -> str:
    """The text as it is stored: in NFC, without invisible controls and runs of blank lines, trimmed."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _MANY_BLANK_LINES.sub("\n\n", _UNWANTED.sub("", text)).strip()


def clean_line(text: str) -> str:
    """The same for a single line: a name, a poll option."""
    line = " ".join(clean(text).split())
    return line if any(map(_is_visible, line)) else ""


def _is_visible(character: str) -> bool:
    return unicodedata.category(character) not in ("Cf", "Cc", "Mn", "Zs") and character not in _BLANKS


def fold(text: str) -> str:
    """Without case and diacritics, for search: `Dvořáková` and `dvorakova` become equal."""
    text = text.translate(_OTHER_LETTERS)
    return _MARKS.sub("", unicodedata.normalize("NFKD", text)).casefold()


def search_words(text: str) -> list[str]:
    """The folded words of a text for the search index, each once."""
    return list(dict.fromkeys(word[:_LONGEST_WORD] for word in _WORD.findall(fold(text))))


def is_username(text: str) -> bool:
    """Letters without diacritics, digits and underscores, 1 to 30: accepted by every network of the fediverse."""
    return len(text) <= 30 and bool(re.fullmatch(r"[a-z0-9_]+", text, re.I | re.A))


def looks_official(name: str) -> bool:
    """Whether a name could be taken for that of the operators: `Správce`, `M0DERATOR`, `P o r o t a`."""
    words = re.findall(r"[a-z]+", fold(name).translate(_LOOK_ALIKES))
    return "".join(words) in _OFFICIAL_NAMES or any(word in _OFFICIAL_NAMES for word in words)

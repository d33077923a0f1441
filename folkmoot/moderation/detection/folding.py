"""Text as the detector reads it: without case, diacritics and the usual disguises.

`k1ll`, `k i l l`, `kіll` (with a Cyrillic letter), `kiiiill` and `k*ll*` all become a plain word. What was undone is
kept by name: it is a reason that a moderator understands, and honest people have little use for it.
"""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from folkmoot.base.text import LOOK_ALIKE_LETTERS, fold

LEETSPEAK = "leetspeak"
SPACED = "spaced-out letters"
LOOK_ALIKES = "look-alike letters"
STRETCHED = "repeated letters"
HIDDEN = "hidden characters"
SPLIT = "symbols inside words"

LONGEST = 4000  # characters of one text that are read

_HIDDEN = re.compile("[\u00ad\u034f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u206a-\u206f\ufe00-\ufe0f\ufeff]")
_ADDRESS = re.compile(r"https?://\S+|www\.\S+|\[url\]")
_MENTION = re.compile(r"@\w[\w.-]*(?:@[\w.-]+)?|\[user\]")
_SPACED = re.compile(r"(?<![^\W_])(?:[^\W_](?P<gap>[ .\-_*·]))(?:[^\W_](?P=gap)){2,}[^\W_](?![^\W_])")
_INNER_SYMBOL = re.compile(r"(?<=[a-z])[*_~^|`·•](?=[a-z])")
_STRETCHED = re.compile(r"([a-z])\1{2,}")
_DISGUISED = re.compile(r"(?<![\w@$!|€])(?=[@$!|€\w]*[a-z])(?=[@$!|€\w]*[0134578@$!|€])[a-z0-9@$!|€]{3,}")
_LEET = str.maketrans("0134578@$!|€9", "oieastbasiieg")
_INNER_LEET = re.compile(r"(?<=[a-z])[0134579@$!|€]+(?=[a-z])|^[@$€0345](?=[a-z]{4,})|(?<=[a-z]{3})[@$0€](?=$)")
_COUNTED = re.compile(r"\d+(?:st|nd|rd|th|x\d*|[a-z]{1,2}|krat|ti|ty|leta|lety|tych)|[a-z]{1,4}\d+|\d+[a-z]\d+|\w\d[a-z]")
_DIGITS = re.compile(r"\d+")
_QUOTES = str.maketrans("„“”«»‚‘’`´″", '"""""\'\'\'\'\'"')
_FOREIGN = re.compile(r"[\u0370-\u052f]")
_PIECE = re.compile(r"[^\W_]+(?:'[^\W_]+)?|[!?\".,:;()#@&%*/+-]")
_WRITTEN = re.compile(r"\S+")
_EDGES = " \n\t.,:;!?()\"'„“”»«…"
_WORDS_FOR = {
    "🔪": "knife", "🗡": "dagger", "🔫": "gun", "💣": "bomb", "🪓": "axe", "⚰": "coffin", "🪦": "grave", "💀": "skull", "☠": "skull",
    "🔥": "fire", "🩸": "blood", "🪢": "rope", "⚔": "swords", "🧨": "bomb", "😂": "laugh", "🤣": "laugh",
}
_PICTURE = re.compile("[\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]")


class Folded(NamedTuple):
    """`text`: words and marks with one space between them. `tricks`: what was undone, by name."""

    text: str
    tricks: tuple[str, ...]


def unmask(text: str) -> Folded:
    """The text in plain words, and the disguises that it wore."""
    tricks: dict[str, None] = {}
    text = text[:LONGEST]
    if not text.isascii():
        text = _without_foreign_letters(text, tricks)
    text = fold(text)
    if not text.isascii():
        text = _PICTURE.sub(_picture, text.translate(_QUOTES))
    text = _MENTION.sub(" @ ", _ADDRESS.sub(" # ", text))
    text = _undone(_SPACED, _joined, text, SPACED, tricks)
    text = _undone(_DISGUISED, _plain, text, LEETSPEAK, tricks)
    text = _undone(_INNER_SYMBOL, "", text, SPLIT, tricks)
    text = _undone(_STRETCHED, _shortened, text, STRETCHED, tricks)
    return Folded(" ".join(_PIECE.findall(_DIGITS.sub("0", text))), tuple(tricks))


def spellings(text: str) -> dict[str, str]:
    """How the text itself spells its folded words."""
    found: dict[str, str] = {}
    for run in [*_SPACED.finditer(text), *_WRITTEN.finditer(text)]:
        for word in unmask(run[0]).text.split(" "):
            found.setdefault(word, run[0].strip(_EDGES) or run[0])
    return found


def _undone(pattern: re.Pattern[str], by: "str | object", text: str, name: str, tricks: dict[str, None]) -> str:
    changed = pattern.sub(by, text)  # type: ignore[arg-type]
    if changed != text:
        tricks[name] = None
    return changed


def _without_foreign_letters(text: str, tricks: dict[str, None]) -> str:
    """Hidden characters go; Cyrillic and Greek letters become Latin ones in words that also hold Latin letters."""
    changed = _HIDDEN.sub("", text)
    if re.search("[^\\W\\d_][\u00ad\u200b-\u200d\u2060\ufeff][^\\W\\d_]", text):
        tricks[HIDDEN] = None
    if _FOREIGN.search(changed):
        words = changed.split(" ")
        for at, word in enumerate(words):
            if _FOREIGN.search(word) and re.search("[A-Za-z]", word):
                words[at] = word.casefold().translate(LOOK_ALIKE_LETTERS)
                tricks[LOOK_ALIKES] = None
        changed = " ".join(words)
    return changed


def _joined(match: re.Match[str]) -> str:
    """Letters that stand apart, as one word; what counts or lists something (`1 2 3 4`) stays."""
    digits = sum(map(str.isdigit, match[0]))
    return match[0] if 3 * digits > len(match[0]) // 2 else match[0].replace(match["gap"], "")


def _plain(match: re.Match[str]) -> str:
    """A word in leetspeak in letters; what counts something (`2nd`, `covid19`, `9mm`) stays."""
    word = match[0]
    if _COUNTED.fullmatch(word):
        return word
    changed = _INNER_LEET.sub(lambda inner: inner[0].translate(_LEET), word)
    return changed.translate(_LEET) if changed != word and sum(map(str.isalpha, changed)) >= 3 else word


def _shortened(match: re.Match[str]) -> str:
    return match[1] * (2 if match[1] in "ls" else 1)


def _picture(match: re.Match[str]) -> str:
    return f" {_name_of(match[0])} "


@lru_cache(2000)
def _name_of(picture: str) -> str:
    """An emoji as one word: its Unicode name."""
    name = _WORDS_FOR.get(picture, "") or unicodedata.name(picture, "")
    return "" if "MODIFIER" in name or "SELECTOR" in name else fold(name).replace(" ", "").replace("-", "")

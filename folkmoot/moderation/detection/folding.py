"""Text normalisation for the detector: removes case, diacritics and common disguises.

`k1ll`, `k i l l`, `kіll` (with a Cyrillic letter), `kiiiill` and `k*ll*` all become a plain word. The names of
the removed disguises are kept: a moderator understands them as a reason, and they are rare in harmless text.
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

LONGEST = 4000  # characters of one text that are scored

_HIDDEN = re.compile("[\u00ad\u034f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u206a-\u206f\ufe00-\ufe0f\ufeff]")
_URL = re.compile(r"https?://\S+|www\.\S+|\[url\]")
_MENTION = re.compile(r"@\w[\w.-]*(?:@[\w.-]+)?|\[user\]")
_SPACED = re.compile(r"(?<![^\W_])(?:[^\W_](?P<gap>[ .\-_*·]))(?:[^\W_](?P=gap)){2,}[^\W_](?![^\W_])")
_INNER_SYMBOL = re.compile(r"(?<=[a-z])[*_~^|`·•](?=[a-z])")
_STRETCHED = re.compile(r"([a-z])\1{2,}")
_LEETSPEAK_WORD = re.compile(r"(?<![\w@$!|€])(?=[@$!|€\w]*[a-z])(?=[@$!|€\w]*[0134578@$!|€])[a-z0-9@$!|€]{3,}")
_LEET = str.maketrans("0134578@$!|€9", "oieastbasiieg")
_INNER_LEET = re.compile(r"(?<=[a-z])[0134579@$!|€]+(?=[a-z])|^[@$€0345](?=[a-z]{4,})|(?<=[a-z]{3})[@$0€](?=$)")
_QUANTITY = re.compile(r"\d+(?:st|nd|rd|th|x\d*|[a-z]{1,2}|krat|ti|ty|leta|lety|tych)|[a-z]{1,4}\d+|\d+[a-z]\d+|\w\d[a-z]")
_DIGITS = re.compile(r"\d+")
_QUOTES = str.maketrans("„“”«»‚‘’`´″", '"""""\'\'\'\'\'"')
_FOREIGN = re.compile(r"[\u0370-\u052f]")
_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)?|[!?\".,:;()#@&%*/+-]")
_NON_SPACE = re.compile(r"\S+")
_EDGES = " \n\t.,:;!?()\"'„“”»«…"
_EMOJI_WORDS = {
    "🔪": "knife", "🗡": "dagger", "🔫": "gun", "💣": "bomb", "🪓": "axe", "⚰": "coffin", "🪦": "grave", "💀": "skull", "☠": "skull",
    "🔥": "fire", "🩸": "blood", "🪢": "rope", "⚔": "swords", "🧨": "bomb", "😂": "laugh", "🤣": "laugh",
}
_EMOJI = re.compile("[\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]")


class Folded(NamedTuple):
    """`text`: words and punctuation marks with one space between them. `disguises`: the names of those removed."""

    text: str
    disguises: tuple[str, ...]


def unmask(text: str) -> Folded:
    """The text in plain words, and the disguises that were removed."""
    disguises: dict[str, None] = {}
    text = text[:LONGEST]
    if not text.isascii():
        text = _without_foreign_letters(text, disguises)
    text = fold(text)
    if not text.isascii():
        text = _EMOJI.sub(_emoji_word, text.translate(_QUOTES))
    text = _MENTION.sub(" @ ", _URL.sub(" # ", text))
    text = _substitute(_SPACED, _join_letters, text, SPACED, disguises)
    text = _substitute(_LEETSPEAK_WORD, _decode_leetspeak, text, LEETSPEAK, disguises)
    text = _substitute(_INNER_SYMBOL, "", text, SPLIT, disguises)
    text = _substitute(_STRETCHED, _collapse_repeats, text, STRETCHED, disguises)
    return Folded(" ".join(_TOKEN.findall(_DIGITS.sub("0", text))), tuple(disguises))


def spellings(text: str) -> dict[str, str]:
    """The spelling in the text of each folded word."""
    found: dict[str, str] = {}
    for run in [*_SPACED.finditer(text), *_NON_SPACE.finditer(text)]:
        for word in unmask(run[0]).text.split(" "):
            found.setdefault(word, run[0].strip(_EDGES) or run[0])
    return found


def _substitute(pattern: re.Pattern[str], by: "str | object", text: str, name: str, disguises: dict[str, None]) -> str:
    changed = pattern.sub(by, text)  # type: ignore[arg-type]
    if changed != text:
        disguises[name] = None
    return changed


def _without_foreign_letters(text: str, disguises: dict[str, None]) -> str:
    """Removes hidden characters; replaces Cyrillic and Greek letters by Latin ones in words that also have Latin letters."""
    changed = _HIDDEN.sub("", text)
    if re.search("[^\\W\\d_][\u00ad\u200b-\u200d\u2060\ufeff][^\\W\\d_]", text):
        disguises[HIDDEN] = None
    if _FOREIGN.search(changed):
        words = changed.split(" ")
        for at, word in enumerate(words):
            if _FOREIGN.search(word) and re.search("[A-Za-z]", word):
                words[at] = word.casefold().translate(LOOK_ALIKE_LETTERS)
                disguises[LOOK_ALIKES] = None
        changed = " ".join(words)
    return changed


def _join_letters(match: re.Match[str]) -> str:
    """Joins spaced-out letters into one word; numbers and lists (`1 2 3 4`) stay."""
    digits = sum(map(str.isdigit, match[0]))
    return match[0] if 3 * digits > len(match[0]) // 2 else match[0].replace(match["gap"], "")


def _decode_leetspeak(match: re.Match[str]) -> str:
    """Replaces leetspeak by letters; quantities (`2nd`, `covid19`, `9mm`) stay."""
    word = match[0]
    if _QUANTITY.fullmatch(word):
        return word
    changed = _INNER_LEET.sub(lambda inner: inner[0].translate(_LEET), word)
    return changed.translate(_LEET) if changed != word and sum(map(str.isalpha, changed)) >= 3 else word


def _collapse_repeats(match: re.Match[str]) -> str:
    return match[1] * (2 if match[1] in "ls" else 1)


def _emoji_word(match: re.Match[str]) -> str:
    return f" {_emoji_name(match[0])} "


@lru_cache(2000)
def _emoji_name(emoji: str) -> str:
    """An emoji as one word: its Unicode name."""
    name = _EMOJI_WORDS.get(emoji, "") or unicodedata.name(emoji, "")
    return "" if "MODIFIER" in name or "SELECTOR" in name else fold(name).replace(" ", "").replace("-", "")

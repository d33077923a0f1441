"""Text normalisation for the detector: removes case, diacritics and common disguises.

`k1ll`, `k i l l`, `kіll` (with a Cyrillic letter), `kiiiill` and `k*ll` all become a plain word. The names of the removed
disguises are kept: a moderator understands them as a reason, and they are rare in harmless text. Disguises of whole texts,
which could also be another language, are in `readings.py`.
"""

import re
import unicodedata
from collections import Counter
from functools import lru_cache
from itertools import chain, groupby
from string import ascii_lowercase
from typing import NamedTuple

from folkmoot.base.look_alikes import BLANKS, tables
from folkmoot.base.text import fold
from folkmoot.moderation.detection.vocabulary import vocabulary

LEETSPEAK = "leetspeak"
SPACED = "spaced-out letters"
LOOK_ALIKES = "look-alike letters"
STRETCHED = "repeated letters"
HIDDEN = "hidden characters"
SPLIT = "symbols inside words"

_URL = re.compile(r"https?://\S+|www\.\S+|\[url\]")
_MENTION = re.compile(r"@\w[\w.-]*(?:@[\w.-]+)?|\[user\]")
_GAP = r"[\W_]{1,4}"
_SPACED = re.compile(rf"(?<![^\W_])[^\W_](?:{_GAP}[^\W_](?![^\W_])){{3,}}")
_GAPS = re.compile(r"[\W_]+")
_SYMBOL = re.compile(r"[*_~^|`·•]")
_INNER_SYMBOL = re.compile(rf"(?<=[a-z]){_SYMBOL.pattern}(?=[a-z])")
_STARRED = re.compile(r"(?<![\w*])[a-z]+(?:[*#_]+[a-z]+)+(?![\w*])")
_STRETCHED = re.compile(r"([a-z])\1{2,}")
_STRETCHED_WORD = re.compile(r"(?<![a-z])[a-z]*?([a-z])\1{2,}[a-z]*")
_LEETSPEAK_WORD = re.compile(r"(?<![\w@$!|€])(?=[@$!|€\w]*[a-z])(?=[@$!|€\w]*[0134578@$!|€])[a-z0-9@$!|€]{3,}")
_SHORT_LEETSPEAK = re.compile(r"(?<![\w@$!|€])(?:[a-z][0-9]|[0-9][a-z])(?![\w@$!|€])")  # beside longer words only
_LEET_SIGN = re.compile(r"[0134578@$!|€]")
_LEET = {"0": "o", "1": "il", "2": "z", "3": "e", "4": "a", "5": "s", "6": "gb", "7": "t", "8": "b", "9": "g",
         "@": "a", "$": "s", "!": "il", "|": "li", "€": "e"}
_LEET_DEFAULTS = str.maketrans("0134578@$!|€9", "oieastbasiieg")
_INNER_LEET = re.compile(r"(?<=[a-z])[0134579@$!|€]+(?=[a-z])|^[@$€0345](?=[a-z]{4,})|(?<=[a-z]{3})[@$0€](?=$)")
_QUANTITY = re.compile(r"\d+(?:st|nd|rd|th|x\d*|[a-z]{1,2}|krat|ti|ty|leta|lety|tych)|[a-z]{1,4}\d+|\d+[a-z]\d+|\w\d[a-z]")
_VOWEL = "aeiouy "  # what a star stands for first; a space: nothing
_ANY_LETTER = f"{ascii_lowercase} "
_FLAG = re.compile("(?<![\U0001f1e6-\U0001f1ff])[\U0001f1e6-\U0001f1ff]{2}(?![\U0001f1e6-\U0001f1ff])")
_MIXED = re.compile(r"[^\s\x21-\x40\x5b-\x60\x7b-\x7f]+")  # a run of letters, and of symbols outside ASCII
_DIGITS = re.compile(r"\d+")
_QUOTES = str.maketrans("„“”«»‚‘’`´″", '"""""\'\'\'\'\'"')
_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)?|[!?\".,:;()#@&%*/+-]")
_LONG_RUN = re.compile(r"(\w{300})\w+(\w{300})")
_LONGEST_PHRASE = 4  # words of a phrase whose repetitions are left out
_NON_SPACE = re.compile(r"\S+")
_EDGES = " \n\t.,:;!?()\"'„“”»«…"
_EMOJI_WORDS = {
    "🔪": "knife", "🗡": "dagger", "🔫": "gun", "💣": "bomb", "🪓": "axe", "⚰": "coffin", "🪦": "grave", "💀": "skull", "☠": "skull",
    "🔥": "fire", "🩸": "blood", "🪢": "rope", "⚔": "swords", "🧨": "bomb", "😂": "laugh", "🤣": "laugh",
}
EMOJI = re.compile("[\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]")
_MANY_EMOJI = re.compile(rf"(?:{EMOJI.pattern}\s*){{9,}}")
_MANY_TAGS = re.compile(r"(?:#\w+\s+){9,}")
_BLANKS = str.maketrans(dict.fromkeys(BLANKS, " "))


class Folded(NamedTuple):
    """`text`: words and punctuation marks with one space between them. `disguises`: the names of those removed."""

    text: str
    disguises: tuple[str, ...]


def unmask(text: str) -> Folded:
    """The text in plain words, and the disguises that were removed."""
    disguises: dict[str, None] = {}
    if any(blank in text for blank in BLANKS):
        text = text.translate(_BLANKS)
    text = _MENTION.sub(" @ ", _URL.sub(" # ", text))
    if not text.isascii():
        text = _plain_letters(text, disguises)
    text = _substitute(_SPACED, _join_letters, _LONG_RUN.sub(r"\1\2", fold(text)), SPACED, disguises)
    if not text.isascii():
        text = text.translate(_QUOTES)
        if EMOJI.search(text):
            text = EMOJI.sub(_emoji_word, _MANY_EMOJI.sub(_few_of_many, text))
    if "#" in text:
        text = _MANY_TAGS.sub(_few_of_many, text)
    if "*" in text or "#" in text or "_" in text:
        text = _substitute(_STARRED, _decode_stars, text, SPLIT, disguises)
    if _LEET_SIGN.search(text):
        text = _substitute(_LEETSPEAK_WORD, _decode_leetspeak, text, LEETSPEAK, disguises)
        if LEETSPEAK in disguises:
            text = _SHORT_LEETSPEAK.sub(_decode_short_leetspeak, text)
    if _SYMBOL.search(text):
        text = _substitute(_INNER_SYMBOL, "", text, SPLIT, disguises)
    if _STRETCHED.search(text):
        text = _substitute(_STRETCHED_WORD, _collapse_repeats, text, STRETCHED, disguises)
    words = _TOKEN.findall(_DIGITS.sub("0", text))
    if len(set(words)) < 0.7 * len(words):
        words = _without_repetitions(words)
    return Folded(" ".join(words), tuple(disguises))


def plain_words(text: str) -> list[str]:
    """The folded words of a text whose words are not disguised."""
    return _TOKEN.findall(fold(_MENTION.sub(" ", _URL.sub(" ", text)).translate(_QUOTES)))


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


def decode(word: str) -> str:
    """A word in the Latin letters that it looks like: a known word if there is one, else the likeliest letters."""
    known = tables()
    choices: list[str] = []
    for character in word:
        letters = (not character.isascii() and _LEET.get(character)) or known.letters(character) or known.letters(character.lower())
        choices += [letters] if letters else [known.letters(bare) or bare for bare in fold(character)]
    likeliest = "".join(letters[0] for letters in choices)
    return likeliest if len(choices) < 2 else vocabulary().decode(choices) or likeliest


def _plain_letters(text: str, disguises: dict[str, None]) -> str:
    """Removes what shows nothing; replaces variants of Latin letters, and look-alikes in words that also have Latin letters."""
    known = tables()
    strange = {character for character in set(text) if character > "\u017f" or character in known.in_latin_blocks}
    if not strange:
        return text
    hidden = "".join(character for character in strange if known.ignorable.match(character))
    if hidden:
        if re.search(f"[^\\W\\d_][{hidden}]+[^\\W\\d_]", text):
            disguises[HIDDEN] = None
        text = text.translate(dict.fromkeys(map(ord, hidden)))
    marks = "".join(character for character in strange if unicodedata.category(character)[0] == "M" and character not in hidden)
    if marks:
        text = re.sub(f"(?<=[A-Za-z\u00c0-\u024f])[{marks}]+", "", text)
    variants: dict[str, str | int | None] = {character: known.latin[character][0] for character in strange & known.latin.keys()}
    if variants and not _are_flags(text):
        disguises[LOOK_ALIKES] = None
        text = text.translate(str.maketrans(variants))
    if not strange.isdisjoint(known.foreign):
        text = _substitute(_MIXED, _decode_mixed, text, LOOK_ALIKES, disguises)
    return text


def _are_flags(text: str) -> bool:
    """Whether the only variants of letters are pairs of regional indicators, which show flags."""
    without = _FLAG.sub("", text)
    return without != text and not any(character in tables().latin for character in without)


def _decode_mixed(match: re.Match[str]) -> str:
    word = match[0]
    return word if word.isascii() or not re.search("[A-Za-z]", word) else decode(word)


def _join_letters(match: re.Match[str]) -> str:
    """Joins spaced-out letters to words; numbers and lists (`1 2 3 4`) stay. Another gap than the usual one ends a word."""
    run = match[0]
    if 3 * sum(map(str.isdigit, run)) > len(run) // 2:
        return run
    gaps = _GAPS.findall(run)
    usual, times = Counter(gaps).most_common(1)[0]
    words = [""]
    for letter, gap in zip(filter(str.isalnum, run), [*gaps, ""], strict=True):
        words[-1] += letter
        if gap not in (usual, "") and 2 * times > len(gaps):
            words.append("")
    return " ".join(chain.from_iterable(map(_joined_words, words)))


def _joined_words(letters: str) -> list[str]:
    """The words that joined letters consist of."""
    letters = letters if letters.isalpha() else letters.translate(_LEET_DEFAULTS)
    return [letters] if letters in vocabulary() else vocabulary().segment(letters) or [letters]


def decode_leetspeak(word: str) -> str | None:
    """The known word that a word with digits or signs for letters stands for."""
    bare = word.rstrip("!|")
    found = vocabulary().decode([_LEET.get(letter, letter) for letter in bare])
    return found + word[len(bare):] if found else None


def _decode_short_leetspeak(match: re.Match[str]) -> str:
    return decode_leetspeak(match[0]) or match[0]


def _decode_stars(match: re.Match[str]) -> str:
    """A known word for one with stars in place of letters; else the word stays."""
    word = match[0]
    guesses = (vocabulary().decode([letter if letter.isalpha() else choice for letter in word]) for choice in (_VOWEL, _ANY_LETTER))
    return next(filter(None, guesses), word)


def _decode_leetspeak(match: re.Match[str]) -> str:
    """Replaces leetspeak by letters; quantities (`2nd`, `covid19`, `9mm`) stay unless they are a known word (`y0u`)."""
    word = match[0]
    bare = word.rstrip("!|")
    is_quantity = bare[:1].isdigit() and _QUANTITY.fullmatch(bare)
    is_code = len(bare) < 4 and bare[-1:].isdigit()
    if len(bare) > 2 and not (bare.isalpha() or is_quantity or is_code) and (found := decode_leetspeak(word)):
        return found
    if _QUANTITY.fullmatch(word):
        return word
    if "|" in word:  # between words
        return word.replace("|", " ")
    changed = _INNER_LEET.sub(lambda inner: inner[0].translate(_LEET_DEFAULTS), word)
    return changed.translate(_LEET_DEFAULTS) if changed != word and sum(map(str.isalpha, changed)) >= 3 else word


def _collapse_repeats(match: re.Match[str]) -> str:
    """The word without repeated letters: a known word if there is one."""
    return shortened(match[0]) or _STRETCHED.sub(lambda run: run[1] * (2 if run[1] in "ls" else 1), match[0])


def shortened(word: str) -> str | None:
    """The known word whose letters are repeated in this one."""
    runs = [(letter, len(list(run))) for letter, run in groupby(word)]
    return vocabulary().decode([choice for letter, count in runs for choice in ((letter, letter + " ") if count > 1 else (letter,))])


def _without_repetitions(words: list[str]) -> list[str]:
    """Each phrase at most twice in a row."""
    for size in range(1, _LONGEST_PHRASE + 1):
        kept: list[str] = []
        for word in words:
            kept.append(word)
            if len(kept) >= 3 * size and kept[-size:] == kept[-2 * size : -size] == kept[-3 * size : -2 * size]:
                del kept[-size:]
        words = kept
    return words


def _few_of_many(match: re.Match[str]) -> str:
    """The first and the last of many emoji or tags, so that they cannot outweigh the words."""
    found = EMOJI.findall(match[0]) or match[0].split()
    return " ".join(found[:4] + found[-4:]) + " "


def _emoji_word(match: re.Match[str]) -> str:
    return f" {_emoji_name(match[0])} "


@lru_cache(2000)
def _emoji_name(emoji: str) -> str:
    """An emoji as one word: its Unicode name."""
    name = _EMOJI_WORDS.get(emoji, "") or unicodedata.name(emoji, "")
    return "" if "MODIFIER" in name or "SELECTOR" in name else fold(name).replace(" ", "").replace("-", "")

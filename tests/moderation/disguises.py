"""Ways to write a text so that people read it and programs do not. `DISGUISES`: by name, a function that disguises a text."""

import re
import unicodedata
from collections.abc import Callable

Disguise = Callable[[str], str]
_ABC = "abcdefghijklmnopqrstuvwxyz"


def _bare(text: str) -> str:
    return "".join(one for one in unicodedata.normalize("NFD", text) if not unicodedata.combining(one))


def _letters(letters: str, others: str) -> Disguise:
    table = str.maketrans(letters, others)
    return lambda text: _bare(text).translate(table)


def _small(letters: str, others: str) -> Disguise:
    table = str.maketrans(letters, others)
    return lambda text: _bare(text).lower().translate(table)


def _from(first: int) -> Disguise:
    """Letters of a block that has the whole alphabet."""
    return _small(_ABC, "".join(map(chr, range(first, first + 26))))


def _between(sign: str) -> Disguise:
    """Something between the letters of each word."""
    return lambda text: " ".join(sign.join(word) for word in text.split(" "))


def _after(sign: str) -> Disguise:
    return lambda text: "".join(one + sign for one in text)


def _upside_down(text: str) -> str:
    return _bare(text).lower()[::-1].translate(str.maketrans("abcdefghijklmnopqrtuvwy", "ɐqɔpǝɟƃɥᴉɾʞlɯuodbɹʇnʌʍʎ"))


def _in_pieces(text: str) -> str:
    return " ".join(f"{word[: len(word) // 2]} {word[len(word) // 2 :]}" if len(word) > 3 else word for word in text.split(" "))


def _starred(text: str) -> str:
    return " ".join(f"{word[0]}{word[1:-1].replace('i', '*')}{word[-1]}" if len(word) > 3 else word for word in _bare(text).split(" "))


_PROSE = (
    "Ráno jsem šla kolem řeky a lávka byla celá bílá, pak přišel mlynář. Does anybody know who feeds the ducks on Sundays? "
)

DISGUISES: dict[str, Disguise] = {
    # other alphabets
    "cyrillic": _small("aceiopsxyjhdqwlkmtbu", "асеіорѕхујһԁԛԝӏкмтьц"),
    "cherokee": lambda text: _bare(text).upper().translate(str.maketrans("ABCDEGHIJKLMOPRSTVWYZU", "ᎪᏴᏟᎠᎬᏀᎻᎥᎫᏦᏞᎷᎾᏢᎡᏚᎢᏙᎳᎩᏃᏌ")),
    "armenian": _small("ghijlnopqsuwz", "գհіյӏոօթզՏսաշ"),
    "greek": _small("abeikmnoptuvwx", "αβεικμηορτυνωχ"),
    "lisu": lambda text: _bare(text).upper().translate(str.maketrans("ABCDEFGHIJKLMNOPRSTUVWXYZ", "ꓮꓐꓚꓓꓰꓝꓖꓧꓲꓙꓗꓡꓟꓠꓳꓑꓣꓢꓔꓴꓦꓪꓫꓬꓜ")),
    "syllabics": _small("abcdhjklmnpruvxy", "ᗩᗷᑕᗪᕼᒍᛕᒪᗰᑎᑭᖇᑌᐯ᙭Ƴ"),
    "ideographs": _small(_ABC, "卂乃匚ᗪ乇千Ꮆ卄丨ﾌҜㄥ爪几ㄖ卩Ɋ尺丂ㄒㄩᐯ山乂ㄚ乙"),
    # variants of Latin letters
    "mathematical bold": _from(0x1D41A),
    "mathematical script": _from(0x1D4EA),
    "fullwidth": _from(0xFF41),
    "circled": _from(0x24D0),
    "circled, negative": _from(0x1F150),
    "squared, negative": _from(0x1F170),
    "parenthesized": _from(0x249C),
    "regional indicators": _from(0x1F1E6),
    "small capitals": _small("abcdefghijklmnoprtuvwyz", "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀᴛᴜᴠᴡʏᴢ"),
    "superscripts": _small("abcdefghijklmnoprstuvwxyz", "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ"),
    "hooks": _small("abcdeghiklmnoprstuvwyz", "ąɓƈɗęɠɦɨƙłɱŋøƥɽşŧųʋŵƴƶ"),
    "capital I for l": lambda text: text.replace("l", "I"),
    # hidden characters and marks
    "zero-width space": _between("\u200b"),
    "soft hyphen": _between("\u00ad"),
    "tag characters": _between("\U000e0061"),
    "variation selectors": _between("\ufe0f"),
    "variation selectors, supplement": _between("\U000e0101"),
    "grapheme joiner": _between("\u034f"),
    "zalgo": _after("\u0337\u0321\u034d\u0489\u0315"),
    "struck through": _after("\u0336"),
    "keycaps": _after("\u20e3"),
    # blanks, lines and signs between letters or words
    "hangul filler": _between("\u3164"),
    "halfwidth hangul filler": _between("\uffa0"),
    "braille blank": _between("\u2800"),
    "no-break space": _between("\u00a0"),
    "spaces": _between(" "),
    "two spaces": _between("  "),
    "spaces everywhere": " ".join,
    "one letter a line": lambda text: "\n".join(text.replace(" ", "")),
    "one letter a line, blank line between words": lambda text: "\n\n".join("\n".join(word) for word in text.split(" ")),
    "slashes": _between("/"),
    "slashes everywhere": lambda text: "/".join(text.replace(" ", "")),
    "a digit between letters": _between("1"),
    "each word a mention": lambda text: " ".join("@" + re.sub(r"\W", "", word) for word in _bare(text).split(" ")),
    "slashes between words": lambda text: text.replace(" ", "/"),
    "dots": _between("."),
    "hyphens": _between("-"),
    "underscores": _between("_"),
    "emoji": _between("🌸"),
    "braille blank between words": lambda text: text.replace(" ", "\u2800"),
    "zero-width space between words": lambda text: text.replace(" ", "\u200b"),
    "no spaces": lambda text: text.replace(" ", ""),
    "hashtag": lambda text: "#" + text.title().replace(" ", ""),
    "in pieces": _in_pieces,
    "pipes between words": lambda text: text.replace(" ", "|"),
    "emoji between words": lambda text: text.replace(" ", "🌸"),
    "arrows": _between("→"),
    "letters left out": lambda text: " ".join(f"{word[:2]}_{word[3:]}" if len(word) > 4 else word for word in _bare(text).split(" ")),
    # digits, repetition, direction
    "digits": _small("aeiostb", "4310578"),
    "signs": _letters("aeio", "@€!0"),
    "stars": _starred,
    "letters three times": lambda text: "".join(one * 3 for one in text),
    "letters twice": lambda text: "".join(one if one == " " else one * 2 for one in text),
    "upside down": _upside_down,
    "backwards": lambda text: text[::-1],
    "right-to-left override": lambda text: f"\u202e{text[::-1]}\u202c",
}

# Two at once.
DISGUISES |= {
    f"{first}, {second}": lambda text, first=first, second=second: DISGUISES[second](DISGUISES[first](text))  # type: ignore[misc]
    for first, second in [
        ("cyrillic", "one letter a line"), ("cyrillic", "zero-width space"), ("cyrillic", "zalgo"), ("cyrillic", "no spaces"),
        ("backwards", "cyrillic"), ("small capitals", "slashes"), ("regional indicators", "spaces"), ("zalgo", "spaces"),
        ("mathematical bold", "backwards"), ("circled", "hangul filler"), ("cherokee", "two spaces"), ("letters three times", "cyrillic"),
    ]
}

PADDINGS: dict[str, Disguise] = {
    "a long address before": lambda text: f"https://example.org/{'a' * 4100} {text}",
    "a long address of many kinds before": lambda text: f"https://example.org/{'q1w/2e-3r.' * 410} {text}",
    "an address after": lambda text: f"{text} https://example.org/{'q1w2' * 1000}",
    "a long word": lambda text: f"{'abcdefgh' * 500} {text}",
    "many tags": lambda text: " ".join(f"#laska{number} #mir{number}" for number in range(60)) + " " + text,
    "many mentions": lambda text: " ".join(f"@karel{number}" for number in range(60)) + " " + text,
    "many lines": lambda text: "\n" * 5000 + text,
    "many spaces": lambda text: " " * 5000 + text,
    "many hidden characters": lambda text: "\u200b" * 5000 + text,
    "many emoji": lambda text: "😀" * 500 + " " + text,
    "many dots": lambda text: ". " * 2000 + text,
    "many numbers": lambda text: " ".join(map(str, range(1000))) + " " + text,
    "a phrase again and again": lambda text: "dobrý den " * 500 + text,
    "behind 5,000 characters": lambda text: _PROSE * 75 + text,
    "before 5,000 characters": lambda text: f"{text} " + _PROSE * 75,
    "in the middle of a long post": lambda text: f"{_PROSE * 3}{text} {_PROSE * 3}",
}

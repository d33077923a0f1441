"""Disguises are removed and named; other text is only folded."""

import pytest

from folkmoot.moderation.detection import folding
from folkmoot.moderation.detection.folding import unmask


@pytest.mark.parametrize(("text", "plain", "disguise"), [
    ("I will k1ll you", "i will kill you", folding.LEETSPEAK),
    ("5t4b th3m", "stab them", folding.LEETSPEAK),
    ("k i l l them", "kill them", folding.SPACED),
    ("k.i.l.l them", "kill them", folding.SPACED),
    ("z-a-b-i-t", "zabit", folding.SPACED),
    ("zаbіju tě", "zabiju te", folding.LOOK_ALIKES),
    ("kiiiiill", "kill", folding.STRETCHED),
    ("zabijuuuu", "zabiju", folding.STRETCHED),
    ("k\u200bill", "kill", folding.HIDDEN),
    ("zab*ju", "zabiju", folding.SPLIT),
])
def test_a_disguise_is_undone_and_named(text: str, plain: str, disguise: str) -> None:
    folded = unmask(text)
    assert folded.text == plain
    assert folded.disguises == (disguise,)


@pytest.mark.parametrize(("text", "plain"), [
    ("Žluťoučký kůň", "zlutoucky kun"),
    ("ＫＩＬＬ", "kill"),
    ("the 2nd of 20 trains", "the 0nd of 0 trains"),
    ("covid19 and mp3", "covid0 and mp0"),
    ("wait!!", "wait ! !"),
    ("я тебя знаю", "я тебя знаю"),
    ("@honza viz https://example.org/x", "@ viz #"),
    ("v 8 a o 3", "v 0 a o 0"),
    ("🔪 pro tebe", "knife pro tebe"),
    ("👍🏽", "thumbsupsign"),
    ("", ""),
])
def test_other_text_is_only_folded(text: str, plain: str) -> None:
    folded = unmask(text)
    assert folded.text == plain
    assert not folded.disguises


def test_the_original_spelling_is_found() -> None:
    spelled = folding.spellings("Zítra Tě Z4BIJU, ty s v i n ě!")
    assert spelled["zabiju"] == "Z4BIJU"
    assert spelled["svine"] == "s v i n ě"
    assert spelled["zitra"] == "Zítra"

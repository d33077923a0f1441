"""A disguise or padding neither hides a threat nor makes a harmless text suspicious.

The threats are plain ones: the detector queues them as they stand. What it does not find undisguised is another matter.
"""

import zlib

import pytest

from folkmoot.moderation.detection.detector import Detector
from folkmoot.moderation.detection.readings import readings
from folkmoot.moderation.learning.trial import shipped_rows
from tests.moderation.disguises import DISGUISES, PADDINGS
from tests.series import length

THREATS = [
    ("Zítra si na tebe počkám a zabiju tě, ty svině.", "cs"),
    ("Najdu tě a rozbiju ti hubu.", "cs"),
    ("Přijdu si pro tebe v noci a podříznu tě.", "cs"),
    ("I will find you and break every bone in your body.", "en"),
    ("They all deserve to be hanged from the lamp posts.", "en"),
    ("I will kill you and your whole family.", "en"),
]
HARMLESS = [
    ("Upekla jsem koláč a zvu sousedy na kávu.", "cs"), ("Kdo má zítra cestu do Brna, vezme mi balík?", "cs"),
    ("Včera jsme sázeli stromky a dnes mě bolí záda.", "cs"), ("Zítra v pět tě vyzvednu, počkej u zastávky.", "cs"),
    ("I finally read the book you lent me and the ending was lovely.", "en"),
    ("We lost three to nothing and it was still a good evening.", "en"),
    ("Could somebody bring two chairs and a kettle tomorrow evening?", "en"),
    ("My grandmother is baking plum cakes for the whole street.", "en"),
]


@pytest.mark.parametrize("name", [*DISGUISES, *PADDINGS])
def test_a_threat_is_found_and_a_harmless_text_is_not_hidden(name: str) -> None:
    change = (DISGUISES | PADDINGS)[name]
    texts = [(change(text), lang) for text, lang in [*THREATS, *HARMLESS]]
    findings = Detector.load().score([text for text, _ in texts], [lang for _, lang in texts])
    missed = [THREATS[at] for at, finding in enumerate(findings[: len(THREATS)]) if not finding.queue]
    assert not missed, [readings(change(text))[-1] for text, _ in missed]
    assert not [HARMLESS[at] for at, finding in enumerate(findings[len(THREATS) :]) if finding.hide]
    assert sum(finding.queue for finding in findings[len(THREATS) :]) <= 1


def test_disguises_cost_at_most_a_tenth_of_the_threats_that_are_found() -> None:
    """On held-out threats of all kinds, on average over all disguises: the same rows each time, all of them in the long series."""
    rows = sorted((row for row in shipped_rows() if row.threat and "kind" in row.labels), key=lambda row: zlib.crc32(row.id.encode()))
    rows = rows[: length(80, len(rows))]
    langs = [row.lang for row in rows]
    detector = Detector.load()
    plain = sum(finding.queue for finding in detector.score([row.text for row in rows], langs))
    assert plain >= len(rows) // 2
    found = {
        name: sum(finding.queue for finding in detector.score([change(row.text) for row in rows], langs)) / plain
        for name, change in DISGUISES.items()
    }
    assert sum(found.values()) / len(found) >= 0.9, sorted(found.items(), key=lambda pair: pair[1])[:10]
    assert min(found.values()) >= 0.6, sorted(found.items(), key=lambda pair: pair[1])[:10]


@pytest.mark.parametrize("text", [
    "Завтра о п'ятій чекаю на тебе біля зупинки, поїдемо до мами.", "Сьогодні ввечері граємо на подвір'ї, приходьте всі!",
    "Я приготувала борщ і запрошую сусідів на обід.", "Завтра в пять буду ждать тебя у остановки, не опаздывай.",
    "Мама испекла пирог, приходите вечером пить чай.", "Наша команда вчера проиграла, но вечер был хороший.",
    "Αύριο στις πέντε θα σε περιμένω στη στάση του λεωφορείου.", "Η γιαγιά μου έφτιαξε πίτα για όλη τη γειτονιά.",
    "Վաղը ժամը հինգին քեզ կսպասեմ կանգառում։", "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ ᎤᏪᏥᏍᏗ", "明日の五時に駅で待っていますね。",
    "내일 다섯 시에 정류장에서 기다릴게요.",
    "سأنتظرك غدا في الخامسة عند المحطة.", "אני אחכה לך מחר בחמש ליד התחנה.",
    "ฉันจะรอคุณที่ป้ายรถเมล์พรุ่งนี้",
    "कल पाँच बजे बस स्टॉप पर मिलेंगे।",
    "Morgen um fünf warte ich an der Haltestelle auf dich.", "Jutro o piątej czekam na ciebie na przystanku.",
    "Holnap ötkor várlak a megállóban.", "Dođem po tebe u sedam, ideš s nama u kino?", "Pridi k nam na čaj, te čakamo doma.",
    "Spotkamy się jutro pod szkołą, powiem ci wszystko.", "Ti vengo a prendere dopo cena, ho una sorpresa.",
    "Sutra u pet te čekam na stanici, idemo na more.", "Ngày mai tôi sẽ đợi bạn ở trạm xe buýt lúc năm giờ.",
])
def test_everyday_text_in_other_languages_gets_no_signal(text: str) -> None:
    (finding,) = Detector.load().score([text], [None])
    assert not finding.queue, (finding, readings(text))


def test_the_disguise_is_named_as_a_reason() -> None:
    detector = Detector.load()
    for name, reason in (("cyrillic", "look-alike letters"), ("backwards", "reversed text"), ("no spaces", "words without spaces"),
                         ("digits", "leetspeak"), ("zero-width space", "hidden characters"), ("spaces", "spaced-out letters")):
        (finding,) = detector.score([DISGUISES[name](THREATS[0][0])], ["cs"])
        assert reason in finding.reasons, name

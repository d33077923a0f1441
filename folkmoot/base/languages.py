"""Languages in which people write: the codes that are stored with posts, and how other tags are reduced to them.

The codes are those that Mastodon knows, so that its apps can show them: ISO 639-1, some of ISO 639-3, and the written
forms of Chinese. Apps and browsers send longer tags (BCP 47) and codes of three letters (ISO 639-2); `language_of` finds
the known part.
"""

import re

from babel.core import get_global

_TWO_LETTERS = frozenset(
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo es et eu"
    " fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn"
    " ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os"
    " pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw"
    " ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu".split()
)
_THREE_LETTERS = frozenset(
    "ast ceb chr ckb cnr csb dsb fil frr fur gsw haw hsb jbo kab ldn lfn lij mnw moh nap nds oci pap pdc pms rom rue sco scn sma smj"
    " smn sms szl tok vai vec vmf xal zba zgh".split()
)
KNOWN = _TWO_LETTERS | _THREE_LETTERS | {"zh-CN", "zh-HK", "zh-TW", "zh-YUE"}
_CHINESE = {"hans": "zh-CN", "hant": "zh-TW"}  # by script, for tags without a known region
_OLD_CODES = {"iw": "he", "in": "id", "ji": "yi", "jw": "jv", "mo": "ro", "yue": "zh-YUE"}

# Offered where a member chooses the language of a post, each in its own name.
NAMES = {
    "ar": "العربية", "be": "Беларуская", "bg": "Български", "bn": "বাংলা", "ca": "Català", "cs": "Čeština", "cy": "Cymraeg", "da": "Dansk",
    "de": "Deutsch", "el": "Ελληνικά", "en": "English", "eo": "Esperanto", "es": "Español", "et": "Eesti", "eu": "Euskara", "fa": "فارسی",
    "fi": "Suomi", "fr": "Français", "ga": "Gaeilge", "gl": "Galego", "he": "עברית", "hi": "हिन्दी", "hr": "Hrvatski", "hu": "Magyar",
    "hy": "Հայերեն", "id": "Bahasa Indonesia", "is": "Íslenska", "it": "Italiano", "ja": "日本語", "ka": "ქართული", "ko": "한국어",
    "lt": "Lietuvių", "lv": "Latviešu", "mk": "Македонски", "nb": "Norsk bokmål", "nl": "Nederlands", "pl": "Polski", "pt": "Português",
    "ro": "Română", "ru": "Русский", "sk": "Slovenčina", "sl": "Slovenščina", "sq": "Shqip", "sr": "Српски", "sv": "Svenska", "th": "ไทย",
    "tr": "Türkçe", "uk": "Українська", "ur": "اردو", "vi": "Tiếng Việt", "yi": "ייִדיש", "zh-CN": "简体中文", "zh-TW": "繁體中文",
}


def language_of(tag: str) -> str | None:
    """The known language of a tag: `es` of `es-419`, `cs` of `ces`, `zh-TW` of `zh-Hant`; None for a tag that names no known one."""
    primary, *parts = re.split(r"[-_]", tag.strip().lower())
    primary = _OLD_CODES.get(primary, primary)
    if primary not in KNOWN:
        primary = get_global("language_aliases").get(primary, "")
    for part in parts:
        if (written := f"{primary}-{part.upper()}") in KNOWN:
            return written
    if primary == "zh":
        primary = next((_CHINESE[part] for part in parts if part in _CHINESE), primary)
    return primary if primary in KNOWN else None

"""Languages in which people write: the codes that are stored with posts, and how other tags are reduced to them.

The codes are those that Mastodon knows, so that its apps can show them: ISO 639-1, some of ISO 639-3, and the written
forms of Chinese. Apps and browsers send longer tags (BCP 47) and codes of three letters (ISO 639-2); `language_of` finds
the known part.
"""

import re

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
# Codes of three letters for languages that have a known one (Unicode CLDR, supplemental data, languageAlias).
_OTHER_CODES = {pair[:3]: pair[4:] for pair in (
    "aar:aa abk:ab adp:dz afr:af aka:ak alb:sq als:sq amh:am ara:ar arb:ar arg:an arm:hy asm:as ava:av ave:ae aym:ay ayr:ay aze:az"
    " azj:az bak:ba bam:bm baq:eu bel:be ben:bn bis:bi bod:bo bos:bs bre:br bul:bg bur:my cat:ca ces:cs cha:ch che:ce chi:zh chu:cu"
    " chv:cv cls:sa cmn:zh cor:kw cos:co cre:cr cwd:cr cym:cy cze:cs dan:da deu:de div:dv drh:mn drw:fa dut:nl dzo:dz ekk:et ell:el"
    " eng:en epo:eo esk:ik est:et eus:eu ewe:ee fao:fo fas:fa fat:ak fij:fj fin:fi fra:fr fre:fr fry:fy fuc:ff ful:ff gaz:om geo:ka"
    " ger:de gla:gd gle:ga glg:gl glv:gv gre:el grn:gn gug:gn guj:gu hat:ht hau:ha hbs:sr heb:he her:hz hin:hi hmo:ho hrv:hr hun:hu"
    " hye:hy ibo:ig ice:is ido:io iii:ii ike:iu iku:iu ile:ie ina:ia ind:id ipk:ik isl:is ita:it jav:jv jpn:ja kal:kl kan:kn kas:ks"
    " kat:ka kau:kr kaz:kk khk:mn khm:km kik:ki kin:rw kir:ky kmr:ku knc:kr kng:kg kom:kv kon:kg kor:ko kpv:kv kua:kj kur:ku lao:lo"
    " lat:la lav:lv lim:li lin:ln lit:lt ltz:lb lub:lu lug:lg lvs:lv mac:mk mah:mh mal:ml mao:mi mar:mr may:ms mkd:mk mlg:mg mlt:mt"
    " mol:ro mon:mn mri:mi msa:ms mya:my nau:na nav:nv nbl:nr nde:nd ndo:ng nep:ne nld:nl nno:nn nob:nb nor:no npi:ne nya:ny ojg:oj"
    " oji:oj ori:or orm:om ory:or oss:os pan:pa pbu:ps per:fa pes:fa pli:pi plt:mg pol:pl por:pt prp:gu prs:fa pus:ps que:qu quz:qu"
    " rmy:rom roh:rm ron:ro rum:ro run:rn rus:ru sag:sg san:sa scc:sr scr:hr sin:si slk:sk slo:sk slv:sl sme:se smo:sm sna:sn snd:sd"
    " som:so sot:st spa:es sqi:sq src:sc srd:sc srp:sr ssw:ss sun:su swa:sw swc:sw swe:sv swh:sw tah:ty tam:ta tat:tt tel:te tgk:tg"
    " tgl:fil tha:th tib:bo tir:ti tnf:fa ton:to tsn:tn tso:ts tuk:tk tur:tr twi:ak uig:ug ukr:uk urd:ur uzb:uz uzn:uz ven:ve vie:vi"
    " vol:vo wel:cy wln:wa wol:wo xho:xh ydd:yi yid:yi yor:yo zha:za zho:zh zsm:ms zul:zu zyb:za"
).split()}
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
        primary = _OTHER_CODES.get(primary, "")
    for part in parts:
        if (written := f"{primary}-{part.upper()}") in KNOWN:
            return written
    if primary == "zh":
        primary = next((_CHINESE[part] for part in parts if part in _CHINESE), primary)
    return primary if primary in KNOWN else None

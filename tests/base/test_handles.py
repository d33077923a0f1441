"""Handles and languages in all their spellings."""

import pytest
from babel.core import get_global

from folkmoot.base.handles import Handle, domain_key, handle_of, mentions_of, own_path
from folkmoot.base.languages import KNOWN, NAMES, language_of

OWN = "xn--pklad-zsa96e.cz"


@pytest.mark.parametrize("text", [
    "bob", "@bob", "@BOB", "bob@příklad.cz", "@Bob@PŘÍKLAD.CZ", "acct:bob@xn--pklad-zsa96e.cz", " @bob@Příklad.cz. ", "@bob@příklad.cz:443",
    "@bob@pr\u030ci\u0301klad.cz", "\u2068@bob\u2069\u200e", "@bob\u200b@příklad.cz",
])
def test_the_own_domain_is_left_out_in_every_spelling(text: str) -> None:
    assert handle_of(text, OWN) == handle_of(text, "příklad.cz") == Handle("bob", "")


def test_other_domains_and_ports_stay() -> None:
    assert handle_of("@bob@Example.org", OWN) == Handle("bob", "example.org")
    assert handle_of("@bob@localhost:8420", "localhost:8420") == Handle("bob", "")
    assert handle_of("@bob@localhost:8421", "localhost:8420") == Handle("bob", "localhost:8421")
    assert domain_key("-.-") == "-.-"
    assert domain_key("ř" * 300) == "ř" * 300  # no host can have this name


def test_mentions_are_listed_once_with_their_first_spelling() -> None:
    found = mentions_of("@Bob@PŘÍKLAD.cz @bob @eva@example.org", OWN)
    assert found == {Handle("bob"): "@Bob@PŘÍKLAD.cz", Handle("eva", "example.org"): "@eva@example.org"}


def test_urls_of_this_network_have_a_path() -> None:
    for url in ("https://příklad.cz/@bob", "HTTPS://XN--PKLAD-ZSA96E.CZ/@bob", "http://příklad.cz:443/@bob"):
        assert own_path(url, f"https://{OWN}") == "/@bob"
    assert own_path("https://example.org/@bob", f"https://{OWN}") is None


@pytest.mark.parametrize(("tag", "language"), [
    ("cs", "cs"), ("es-419", "es"), ("en-US", "en"), ("EN_us", "en"), ("zh-Hant-TW", "zh-TW"),
    ("zh-tw", "zh-TW"), ("zh-Hant", "zh-TW"), ("zh-Hans-SG", "zh-CN"), ("zh-Hant-HK", "zh-HK"), ("zh", "zh"), ("cmn-Hans-CN", "zh-CN"),
    ("ces", "cs"), ("cze-CZ", "cs"), ("eng", "en"), ("cmn", "zh"), ("fil", "fil"), ("slk", "sk"),
    ("pt-BR", "pt"), ("iw", "he"), ("csb", "csb"), ("sr-Latn-RS", "sr"), ("yue", "zh-YUE"), ("de-CH-1996", "de"), (" fr ", "fr"),
    ("čeština", None), ("xx", None), ("", None), ("x-private", None), ("i-klingon", None), ("e", None), ("-", None), ("cs" * 500, None),
])
def test_a_tag_is_reduced_to_the_language_that_is_known(tag: str, language: str | None) -> None:
    assert language_of(tag) == language


def test_known_and_offered_languages_are_stored_as_they_are() -> None:
    assert set(NAMES) <= KNOWN
    assert {code: language_of(code) for code in KNOWN} == {code: code for code in KNOWN}


def test_other_codes_of_a_language_are_those_of_unicode() -> None:
    aliases = {code: known.partition("_")[0] for code, known in get_global("language_aliases").items() if len(code) == 3}
    assert len(aliases) > 200
    for code, known in aliases.items():
        if known in KNOWN and code not in KNOWN and code != "yue":
            assert language_of(code) == known, code

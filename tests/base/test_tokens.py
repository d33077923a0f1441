"""URLs, mentions and hashtags in texts of many scripts, with and without spaces."""

import pytest

from folkmoot.base.formatting import render
from folkmoot.base.tokens import Kind, hashtag_key, hashtags_of, is_hashtag, tokens_of


def _of(kind: Kind, text: str) -> list[str]:
    return [f"{token.name}@{token.domain}" if token.domain else token.name for token in tokens_of(text) if token.kind is kind]


@pytest.mark.parametrize(("text", "urls"), [
    ("https://example.com/a。次の文", ["https://example.com/a"]),
    ("（https://example.com/a）", ["https://example.com/a"]),
    ("「https://example.com/a」と『https://example.com/b』", ["https://example.com/a", "https://example.com/b"]),
    ("https://example.com/a、https://example.com/b", ["https://example.com/a", "https://example.com/b"]),
    ("例えばhttps://example.com/aを見て", ["https://example.com/a"]),
    ("https://example.comを見て", ["https://example.com"]),
    ("https://example.com:8080を見て", ["https://example.com:8080"]),
    ("https://example.com/a를 보세요", ["https://example.com/a"]),
    ("https://example.com/aครับ", ["https://example.com/a"]),
    ("https://ja.wikipedia.org/wiki/日本", ["https://ja.wikipedia.org/wiki/日本"]),
    ("https://ja.wikipedia.org/wiki/C言語", ["https://ja.wikipedia.org/wiki/C言語"]),
    ("https://ja.wikipedia.org/wiki/ジョン・レノン・", ["https://ja.wikipedia.org/wiki/ジョン・レノン"]),
    ("https://th.wikipedia.org/wiki/ที่นี่", ["https://th.wikipedia.org/wiki/ที่นี่"]),
    ("https://ar.wikipedia.org/wiki/مصر،", ["https://ar.wikipedia.org/wiki/مصر"]),
    ("https://example.com/a؟", ["https://example.com/a"]),
    ("https://cs.wikipedia.org/wiki/Příroda_(časopis)).", ["https://cs.wikipedia.org/wiki/Příroda_(časopis)"]),
    ("(https://en.wikipedia.org/wiki/Foo_(bar))", ["https://en.wikipedia.org/wiki/Foo_(bar)"]),
    ("[https://example.com/?a[]=1]", ["https://example.com/?a[]=1"]),
    ("„https://example.com/“, “https://example.com/”, «https://example.com/», 'https://example.com/'", ["https://example.com/"] * 4),
    ("https://example.com/a… https://example.com/a!? https://example.com/a;", ["https://example.com/a"] * 3),
    ("https://example.com. https://example.com/?", ["https://example.com", "https://example.com/"]),
    ("https://example.com/praha–brno a https://example.com/a—b", ["https://example.com/praha–brno", "https://example.com/a"]),
    ("https://příklad.cz/cesta https://例え.jp/日本 https://xn--pklad-zsa96e.cz", ["https://příklad.cz/cesta", "https://例え.jp/日本", "https://xn--pklad-zsa96e.cz"]),
    ("https://example.com😀 https://example.com/a😀 https://i❤.ws/a", ["https://example.com", "https://example.com/a", "https://i❤.ws/a"]),
    ("HTTPS://EXAMPLE.COM/A http://localhost:8420/@bob http://[::1]:80/x", ["HTTPS://EXAMPLE.COM/A", "http://localhost:8420/@bob", "http://[::1]:80/x"]),
    ("https://example.com/a\u200e https://example.com/b\u2069", ["https://example.com/a", "https://example.com/b"]),
    ("https://good.example\\@evil.example", ["https://good.example"]),
    ("https://good.example@evil.example/ https://a:b@evil.example http:// xhttps://a.b https:///a", []),
])
def test_urls_end_where_a_reader_sees_their_end(text: str, urls: list[str]) -> None:
    assert _of(Kind.URL, text) == urls


@pytest.mark.parametrize(("text", "names"), [
    ("@bob, @Eva. (@jan_novak)!", ["bob", "Eva", "jan_novak"]),
    ("@bobさん、は@evaと", ["bob", "eva"]),
    ("@bob@example.org. @bob@příklad.cz, @bob@host:8420/", ["bob@example.org", "bob@příklad.cz", "bob@host:8420"]),
    ("@bob@example.orgさん @bob@ x@bob @@bob /@bob", ["bob@example.org", "bob"]),
    ("@dvořák a@b.cz @bobč", []),
    ("@b.o-b. שלום @bob!", ["b.o-b", "bob"]),
])
def test_mentions_have_names_of_ascii_and_hosts_of_any_script(text: str, names: list[str]) -> None:
    assert _of(Kind.MENTION, text) == names


@pytest.mark.parametrize(("text", "names"), [
    ("#ที่นี่ #हिन्दी #বাংলা #မြန်မာ #ខ្មែរ", ["ที่นี่", "हिन्दी", "বাংলা", "မြန်မာ", "ខ្មែរ"]),
    ("#می\u200cخواهم #ශ්\u200dරී #שָׁלוֹם #العربية، #عُمان", ["می\u200cخواهم", "ශ්\u200dරී", "שָׁלוֹם", "العربية", "عُمان"]),
    ("#東京・大阪。＃写真", ["東京・大阪", "写真"]),
    ("#a·b #col·lecció #Příroda! #snake_case #2024volby", ["a·b", "col·lecció", "Příroda", "snake_case", "2024volby"]),
    ("#한국어" + "가" * 90, ["한국어" + "가" * 90]),
    ("#1️⃣ #️⃣ #123 #_ #· a#b &#39; #😀 https://a.b/#c", []),
    ("#Cafe\u0301", ["Cafe\u0301"]),
    ("#smile😀 #heart❤️ #a️", ["smile", "heart", "a"]),
])
def test_hashtags_are_whole_words(text: str, names: list[str]) -> None:
    assert hashtags_of(text) == names


def test_the_first_spelling_of_a_hashtag_counts() -> None:
    assert hashtags_of("#Œuvre #œuvre #OEUVRE #Ærø #ærø #AERO") == ["Œuvre", "Ærø"]
    assert hashtag_key("#Příroda") == hashtag_key("＃PRIRODA ") == "priroda"
    assert hashtag_key("می\u200cخواهم") == hashtag_key("میخواهم")
    assert not is_hashtag("two words")
    assert not is_hashtag("a" * 101)
    assert not is_hashtag("\ufdfa")  # folds into four words


def test_the_html_of_a_hashtag_and_of_a_link_without_spaces() -> None:
    html = render("＃写真 https://example.com/a。次 @bobさん", base_url="https://moot.example", mention_url=lambda name, _: f"/@{name}")
    assert html == (
        '<p><a href="https://moot.example/tags/%E5%86%99%E7%9C%9F" class="mention hashtag" rel="tag">＃<span>写真</span></a> '
        '<a href="https://example.com/a" target="_blank" rel="nofollow noopener noreferrer" translate="no"><span class="invisible">https://</span>'
        '<span>example.com/a</span><span class="invisible"></span></a>。次 '
        '<span class="h-card" translate="no"><a href="/@bob" class="u-url mention">@<span>bob</span></a></span>さん</p>'
    )

"""The page counts the characters of a post as the server does."""

import pytest
from playwright.sync_api import Browser, expect

from folkmoot.base.formatting import count_characters
from tests.base import test_text, test_tokens
from tests.network_up import NetworkUp
from tests.web.browsing import log_in, open_page

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # playwright's own loop


def _examples() -> list[str]:
    tests = (
        test_tokens.test_urls_end_where_a_reader_sees_their_end, test_tokens.test_mentions_have_names_of_ascii_and_hosts_of_any_script,
        test_tokens.test_hashtags_are_whole_words, test_text.test_a_link_counts_as_23_and_a_mention_without_its_host,
        test_text.test_length_is_counted_in_characters_as_people_see_them,
    )
    found = [values[0] for test in tests for mark in test.pytestmark for values in mark.args[1]]  # type: ignore[attr-defined]
    return [*found, "a" + "\u0301" * 10_000, "👩" + "\u200d👩" * 5_000]


def test_the_page_counts_as_the_server_does(browser: Browser, running: NetworkUp) -> None:
    page = log_in(open_page(browser, running), "anna")
    page.goto("/posts/new")
    for text in _examples():
        assert page.evaluate("(text) => countCharacters(text)", text) == count_characters(text), text[:200]
    page.fill("#text", test_text.FAMILY * 72)
    expect(page.locator("[data-left]")).to_have_text("428")
    page.add_init_script("delete Intl.Segmenter")
    page.goto("/posts/new")
    page.fill("#text", "Příliš https://example.org/" + "x" * 100)
    expect(page.locator("[data-left]")).to_have_text("470")
    assert page.problems == []  # type: ignore[attr-defined]

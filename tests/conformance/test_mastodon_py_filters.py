"""Filters with the real library Mastodon.py against a running network: both versions, and the event of a change."""

import pytest
from mastodon import CallbackStreamListener, Mastodon, MastodonNotFoundError

from tests.conformance.test_mastodon_py import until
from tests.conformance.test_streaming import _token
from tests.network_up import NetworkUp
from tests.newcomers import newcomer

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture
def apis(running: NetworkUp) -> tuple[Mastodon, Mastodon]:
    names = newcomer(running, "jana"), newcomer(running, "karel")
    jana, karel = (Mastodon(access_token=_token(running, name), api_base_url=running.url) for name in names)
    return jana, karel


def test_filters_of_version_2(apis: tuple[Mastodon, Mastodon]) -> None:
    jana, karel = apis
    heard: list[bool] = []
    stream = jana.stream_user(CallbackStreamListener(filters_changed_handler=lambda: heard.append(True)), run_async=True)
    until(stream.is_receiving)
    status = karel.status_post("Na náměstí se staví zvonice")
    made = jana.create_filter_v2("Stavby", ["home", "thread"], "warn", 3600, [{"keyword": "zvonice", "whole_word": True}])
    until(lambda: heard)
    [result] = jana.status(status).filtered
    assert (result.filter.title, result.keyword_matches, result.status_matches) == ("Stavby", ["zvonice"], None)
    assert jana.filters_v2()[0].keywords[0].keyword == "zvonice"
    changed = jana.update_filter_v2(made, title="Stavba", filter_action="hide")
    assert (changed.title, changed.filter_action, changed.expires_at) == ("Stavba", "hide", made.expires_at)
    word = jana.add_filter_keyword_v2(made, "tramvaj", whole_word=False)
    assert [one.keyword for one in jana.filter_keywords_v2(made)] == ["zvonice", "tramvaj"]
    for keyword in jana.filter_keywords_v2(made):
        jana.delete_filter_keyword_v2(keyword)
    assert word.whole_word is False
    assert jana.status(status).filtered == []
    filtered = jana.add_filter_status_v2(made, status)
    assert jana.filter_status_v2(filtered).status_id == filtered.status_id == jana.filter_statuses_v2(made)[0].status_id
    assert [str(id_) for id_ in jana.status(status).filtered[0].status_matches] == [str(status.id)]
    jana.delete_filter_status_v2(filtered)
    jana.delete_filter_v2(made)
    with pytest.raises(MastodonNotFoundError):
        jana.filter_v2(made)
    stream.close()


@pytest.mark.filterwarnings("ignore::mastodon.errors.MastodonDeprecationWarning")
def test_filters_of_version_1(apis: tuple[Mastodon, Mastodon]) -> None:
    jana, karel = apis
    status = karel.status_post("Dnes hrajeme šachy")
    made = jana.filter_create("šachy", ["home", "notifications"], irreversible=False, whole_word=True, expires_in=None)
    assert made in jana.filters()
    assert (made.irreversible, made.whole_word, made.expires_at) == (False, True, None)
    assert jana.filters_apply([status], jana.filters(), "home") == []
    assert jana.status(status).filtered[0].filter.title == "šachy"
    changed = jana.filter_update(made, phrase="dáma", context=["home"], irreversible=True, whole_word=False, expires_in=60)
    assert jana.filter(made) == changed
    assert (changed.phrase, changed.context, changed.irreversible, changed.whole_word) == ("dáma", ["home"], True, False)
    [whole] = jana.filters_v2()
    assert (whole.title, whole.filter_action, len(whole.keywords)) == ("dáma", "hide", 1)
    jana.filter_delete(made)
    assert jana.filters() == jana.filters_v2() == []

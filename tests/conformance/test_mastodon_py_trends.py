"""Mastodon.py reads cards and trends of a running network, whose worker has given the posts their cards."""

import secrets

import pytest
from mastodon import MastodonNotFoundError

from folkmoot.base import clock, ids
from folkmoot.base.db import Database
from folkmoot.commands.options import settings_of
from folkmoot.network.accounts.queries import find_account_by_name
from folkmoot.network.cards.jobs import Cards
from folkmoot.network.cards.model import FetchCard
from folkmoot.network.cards.queries import insert_card
from folkmoot.network.folding import fold_counters
from folkmoot.network.media.store import media_store
from folkmoot.network.posts.actions.mark import favourite_post
from folkmoot.network.trends import jobs
from tests.conformance.test_mastodon_py import until
from tests.conformance.test_mastodon_py_day import _with_token
from tests.linked_pages import picture, sites_up
from tests.network_up import NetworkUp
from tests.newcomers import newcomer, on_database, post

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def _fetched(running: NetworkUp, url: str) -> None:
    """Fetches a page of a server of this test. The worker of the network finds it done today."""

    async def fetch(database: Database) -> None:
        async with sites_up() as sites:
            sites.put(url, '<meta property="og:title" content="Výlet do hor"><meta property="og:image" content="/h.jpg">')
            sites.put(url.rpartition("/")[0] + "/h.jpg", body=picture(), kind="image/jpeg")
            async with database.write() as tx:
                card = await insert_card(tx, ids.make_id(0, clock.now()), url)
            store = media_store(settings_of(running.data))
            await Cards(running.url, store, resolve=sites.resolve, connect=sites.connect).fetch(database, FetchCard(card.id))

    on_database(running, fetch)


def test_cards_and_trends(running: NetworkUp) -> None:
    part = secrets.token_hex(4)
    url, tag = f"http://hory-{part}.example/vylet", f"vylet{part}"
    _fetched(running, url)
    people = [newcomer(running, name) for name in ("anna", "bara", "cyril")]
    posts = [post(running, name, f"Pojďte na #{tag}: {url}") for name in people]
    reader = _with_token(running, newcomer(running, "dana"))
    reader.status_favourite(posts[0])
    until(lambda: all(reader.status_card(one) for one in posts))
    card = reader.status_card(posts[0])
    assert (card.title, card.type, card.url) == ("Výlet do hor", "link", url)
    assert (card.provider_name, card.html) == (f"hory-{part}.example", "")
    assert card.image.startswith(running.url)
    assert [int(status.id) for status in reader.timeline_link(url)] == posts[::-1]
    with pytest.raises(MastodonNotFoundError):
        reader.timeline_link("http://nikdo.example/")

    async def count(database: Database) -> None:
        for name in people[1:]:
            async with database.write() as tx:
                account = await find_account_by_name(tx, name)
                assert account
                await favourite_post(tx, account, posts[0])
        await fold_counters(database)
        await jobs.count(database)

    on_database(running, count)
    [shown] = [one for one in reader.trending_tags(limit=20) if one.name == tag]
    assert len(shown.history) == 7
    assert int(shown.history[0].accounts) == 3
    [link] = [one for one in reader.trending_links(limit=20) if one.url == url]
    assert int(link.history[0].uses) == 3
    assert posts[0] in [int(status.id) for status in reader.trending_statuses(limit=40)]

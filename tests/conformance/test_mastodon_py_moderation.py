"""Mastodon.py reports a post, its author is warned, and both read what came of it; and it reads that the rules have changed."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import uvicorn
from mastodon import Mastodon, MastodonAPIError, MastodonNotFoundError

from folkmoot.moderation.clauses.published import replace_own
from tests.moderation.court import Court
from tests.moderation.policies import edited, publish
from tests.village import Village

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(autouse=True)
def _own_policies_end_with_the_test() -> Iterator[None]:
    yield
    replace_own(())


@pytest.fixture
async def court(village: Village) -> Court:
    return await Court(village).open()


@pytest.fixture
async def url(court: Court) -> AsyncIterator[str]:
    """The application of this process at a port, for a client with its own sockets."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(court.village.front, lifespan="off", log_config=None, ws="none"))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await serving


async def _library(court: Court, url: str, name: str) -> Mastodon:
    token = (await court.village.by_app(name, "read write follow"))._token
    return await asyncio.to_thread(Mastodon, access_token=token, api_base_url=url)


async def _ask(call: Any, *arguments: Any, **named: Any) -> Any:
    return await asyncio.to_thread(call, *arguments, **named)


async def test_a_report_leads_to_a_warning_that_the_library_reads(court: Court, url: str) -> None:
    view = await court.village.write("author", "Přijďte si pro ránu.")
    reporter, author = await _library(court, url, "reporter"), await _library(court, url, "author")
    rule = next(one for one in await _ask(reporter.instance_rules) if one.id == "2")
    report = await _ask(
        reporter.report, view.post.author.id, [view.post.id], comment="Vyhrožuje.", category="violation", rule_ids=[rule.id])
    assert (report.action_taken, report.category, report.comment) == (False, "violation", "Vyhrožuje.")
    assert [str(one) for one in (*report.status_ids, *report.rule_ids)] == [str(view.post.id), "2"]
    assert report.target_account.acct == "author"
    with pytest.raises(MastodonAPIError):
        await _ask(reporter.report, view.post.author.id, [view.post.id], category="violation", rule_ids=["99"])
    case, = await court.queue()
    verdict = await court.decide("moderator", case, "remove", explanation="Zve na rvačku.")
    with pytest.raises(MastodonNotFoundError):
        await _ask(reporter.status, view.post.id)
    warning, = await _ask(author.notifications, types=["moderation_warning"])
    assert (warning.type, warning.moderation_warning.action) == ("moderation_warning", "delete_statuses")
    assert warning.moderation_warning.text
    assert [str(one) for one in warning.moderation_warning.status_ids] == [str(view.post.id)]
    outcome = await (await court.village.by_app("reporter")).get(f"/api/v1/reports/{report.id}")  # no method of the library
    assert (outcome.json["action_taken"], outcome.json["outcomes"][0]["action"]) == (True, verdict.action)


async def test_new_rules_are_announced_until_the_announcement_is_dismissed(court: Court, url: str) -> None:
    reader = await _library(court, url, "reader")
    assert await _ask(reader.announcements) == []
    await publish(court.database, edited("2030-01-10"))
    announcement, = await _ask(reader.announcements)
    assert (announcement.id, announcement.read) == ("2030011001", False)
    assert announcement.content
    await _ask(reader.announcement_dismiss, announcement)
    assert await _ask(reader.announcements) == []
    with pytest.raises(MastodonNotFoundError):
        await _ask(reader.announcement_dismiss, "2030011002")

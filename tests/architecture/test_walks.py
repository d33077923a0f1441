"""To follow a request, a reader opens four files at most: real requests are recorded, and their files are counted.

`walks.py` defines which files count. A restore is measured in `tests/portability/test_backup_and_restore.py`.
"""

from typing import Any

import pytest

from folkmoot.network.posts.model import PollDraft
from folkmoot.network.sessions.model import Role
from tests.architecture.walks import MOST_FILES, Recording, files_to_open
from tests.village import Answer, Village, Visitor
from tests.web.test_pages import form_token

PAGE, ENDPOINT = "/about", "/api/v1/markers?timeline[]=home"  # small requests: the files that they run belong to the entry point
PASSWORD = "tri hrusky dve svestky"


async def _recorded(visitor: Visitor, method: str, path: str, form: Any = None) -> tuple[Recording, Answer]:
    recording = Recording()
    with recording.on():
        answer = await visitor.send(method, path, form)
    assert answer.status < 400, answer.text
    return recording, answer


@pytest.fixture
async def settled(village: Village) -> Village:
    """Jana's home is warm, and Petr has written a newer post that is in no cache."""
    await village.settle("jana", "petr")
    await village.settle("karel", role=Role.MODERATOR)
    await village.follow("jana", "petr")
    await village.work()
    await (await village.by_app("jana")).get("/api/v1/timelines/home")
    await village.write("petr", "Co je nového?", cover="Novinky", poll=PollDraft(titles=("nic", "všechno"), expires_in=600))
    await village.work()
    return village


async def test_the_home_page_takes_few_files(settled: Village) -> None:
    jana = await settled.by_browser("jana")
    entry, _ = await _recorded(jana, "GET", PAGE)
    request, answer = await _recorded(jana, "GET", "/")
    assert "Co je nového?" in answer.text
    files = files_to_open(request, entry, ["timelines"])
    assert len(files) <= MOST_FILES, files


async def test_the_home_page_of_the_api_takes_few_files(settled: Village) -> None:
    jana = await settled.by_app("jana")
    entry, _ = await _recorded(jana, "GET", ENDPOINT)
    request, answer = await _recorded(jana, "GET", "/api/v1/timelines/home")
    assert "Co je nového?" in answer.text
    files = files_to_open(request, entry, ["timelines"])
    assert len(files) <= MOST_FILES, files


async def test_a_new_post_takes_few_files(settled: Village) -> None:
    jana = await settled.by_app("jana")
    entry, _ = await _recorded(jana, "GET", ENDPOINT)
    form = {"status": "Ahoj @petr #kašna", "poll[options][]": ["ano", "ne"], "poll[expires_in]": "600"}
    request, answer = await _recorded(jana, "POST", "/api/v1/statuses", form)
    assert answer.json["mentions"]
    assert answer.json["poll"]
    files = files_to_open(request, entry, ["posts"])
    assert len(files) <= MOST_FILES, files


async def test_a_report_takes_few_files(settled: Village) -> None:
    petr = await settled.write("petr", "Běda vám")
    jana, browser = await settled.by_app("jana"), await settled.by_browser("jana")
    entry, _ = await _recorded(jana, "GET", ENDPOINT)
    form = {"account_id": str(petr.post.author.id), "status_ids[]": str(petr.post.id), "category": "violation", "comment": "Vyhrožuje"}
    request, _ = await _recorded(jana, "POST", "/api/v1/reports", form)
    files = files_to_open(request, entry, ["reports"])
    assert len(files) <= MOST_FILES, files

    other = await settled.write("petr", "Počkejte")
    token = form_token((await browser.get("/")).text)
    entry, _ = await _recorded(browser, "GET", PAGE)
    form = {"form_token": token, "post": str(other.post.id), "rule": "1", "comment": "Zase"}
    request, _ = await _recorded(browser, "POST", "/reports", form)
    files = files_to_open(request, entry, ["reports"])
    assert len(files) <= MOST_FILES, files


async def test_a_sign_up_takes_few_files(settled: Village) -> None:
    nova = settled.nobody()
    token = form_token((await nova.get("/sign_up")).text)
    entry, _ = await _recorded(nova, "GET", PAGE)
    form = {"form_token": token, "username": "nova", "email": "nova@example.org", "password": PASSWORD, "agrees": "true"}
    request, answer = await _recorded(nova, "POST", "/sign_up", form)
    assert answer.headers["location"] == "/explore"
    files = files_to_open(request, entry, ["sessions"])
    assert len(files) <= MOST_FILES, files


def test_the_rule_counts_the_right_files() -> None:
    """Each exclusion once, beside files that count; five of those are too many."""
    entry = Recording({"web/application.py": {"network/sessions/cache.py"}, "network/sessions/cache.py": {"base/db.py"}})
    request = Recording({
        "web/application.py": {"network/sessions/cache.py", "web/posts.py"},  # the entry point
        "network/sessions/cache.py": {"base/db.py"},
        "web/posts.py": {"network/posts/actions.py", "web/templates/posts/post.html"},
        "network/posts/actions.py": {"network/posts/policy.py", "network/posts/queries.py", "network/accounts/queries.py"},
        "network/posts/policy.py": {"network/posts/model.py", "base/errors.py"},  # a leaf
        "network/posts/model.py": set(),
        "network/posts/queries.py": {"base/db.py"},
        "network/accounts/queries.py": {"base/db.py"},  # another noun
        "web/templates/posts/post.html": {"web/templates/posts/_part.html"},
        "web/templates/posts/_part.html": {"http/urls.py"},  # a leaf
        "http/urls.py": {"network/accounts/model.py"},
        "network/accounts/model.py": set(),
        "base/db.py": {"base/live.py"},
        "base/live.py": set(),
    })
    counted = ["network/posts/actions.py", "network/posts/queries.py", "web/posts.py", "web/templates/posts/post.html"]
    assert files_to_open(request, entry, ["posts"]) == counted
    assert len(files_to_open(request, entry, ["posts", "accounts"])) == 5 > MOST_FILES

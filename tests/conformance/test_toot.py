"""The real command-line client `toot` against a running network."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mastodon import Mastodon

from folkmoot.commands.demo import PASSWORD
from tests.api.test_accounts import picture
from tests.conformance.test_mastodon_py import allow_in_browser, until
from tests.forks import run_in_fork
from tests.network_up import NetworkUp, moot
from tests.newcomers import newcomer

TOOT = str(Path(sys.executable).parent / "toot")
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


class Toot:
    def __init__(self, home: Path) -> None:
        self._environment = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home), "NO_COLOR": "1", "BROWSER": "true"}

    def __call__(self, *arguments: str, typed: str = "") -> str:
        answer = run_in_fork("toot.cli:cli", ["toot", *arguments], self._environment, typed=typed, seconds=180)
        assert answer.returncode == 0, f"toot {' '.join(arguments)}: {answer.stdout}{answer.stderr}"
        return answer.stdout


@pytest.fixture(scope="module")
def me(running: NetworkUp) -> str:
    return newcomer(running, "karel", follows=["peter"], followed_by=["jana"])


@pytest.fixture(scope="module")
def friend(running: NetworkUp) -> str:
    return newcomer(running, "josef")


@pytest.fixture(scope="module")
def toot(running: NetworkUp, tmp_path_factory: pytest.TempPathFactory, me: str) -> Toot:
    """Runs `toot login`: opens the printed URL in a browser and enters the code."""
    home = tmp_path_factory.mktemp("toot")
    program = Toot(home)
    login = subprocess.Popen([TOOT, "login", "--instance", running.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, env=program._environment)
    assert login.stdin
    assert login.stdout
    shown = ""
    while not (address := re.search(r"(http://\S+/oauth/authorize\S*)\s", shown)):
        letter = login.stdout.read(1)
        assert letter, shown
        shown += letter
    if "Open link" in shown or "?" in shown:
        login.stdin.write("n\n")
        login.stdin.flush()
    code = allow_in_browser(address[1], me, PASSWORD)
    rest, _ = login.communicate(f"{code}\n", timeout=180)
    assert login.returncode == 0, shown + rest
    return program


def test_common_commands(toot: Toot, tmp_path: Path, me: str, friend: str) -> None:
    assert me in toot("whoami")
    file = tmp_path / "picture.png"
    file.write_bytes(picture())
    posted = json.loads(toot("post", "Z terminálu #terminál", "--media", str(file), "--description", "Hnědá plocha", "--json"))
    id_ = posted["id"]
    assert posted["media_attachments"][0]["description"] == "Hnědá plocha"
    reply = json.loads(toot("post", "Odpověď z terminálu", "--reply-to", id_, "--json"))
    assert reply["in_reply_to_id"] == id_
    for verb in ("favourite", "reblog", "bookmark", "pin"):
        toot(verb, id_)
    shown = json.loads(toot("status", id_, "--json"))
    assert (shown["favourited"], shown["reblogged"], shown["bookmarked"], shown["pinned"]) == (True, True, True, True)
    assert "Z terminálu" in toot("bookmarks")
    assert "Odpověď z terminálu" in toot("thread", id_)
    toot("unfollow", "peter")
    toot("follow", "peter")
    assert "peter" in toot("following", me)
    until(lambda: "Z terminálu" in toot("timelines", "home", "--limit", "5", "--json"))
    assert "Z terminálu" in toot("timelines", "tag", "terminál", "--limit", "5", "--json")
    assert toot("notifications")
    assert "Dvořáková" in toot("search", "dvorak")
    assert "Folkmoot" in toot("instance")
    toot("mute", friend)
    assert friend in toot("muted")
    toot("unmute", friend)
    toot("delete", id_)
    assert "Z terminálu" not in toot("timelines", "tag", "terminál", "--limit", "5", "--json")


def test_the_other_commands(toot: Toot, tmp_path: Path, me: str, friend: str) -> None:
    options = ("--poll-option", "ano", "--poll-option", "ne", "--poll-expires-in", "1 day")
    asked = json.loads(toot("post", "Jdeme? #terminal", *options, "--json"))
    id_, poll_id = asked["id"], asked["poll"]["id"]
    assert "ano" in toot("polls", "show", poll_id)
    private = json.loads(toot("post", "jen nám", "-v", "private", "-s", "-p", "pozor", "-l", "cs", "--json"))
    assert (private["visibility"], private["sensitive"], private["spoiler_text"], private["language"]) == ("private", True, "pozor", "cs")
    answer = json.loads(toot("post", "a dál", "--reply-last", "--json"))
    assert answer["in_reply_to_id"] == private["id"]
    assert json.loads(toot("thread", private["id"], "--json"))["descendants"][0]["id"] == answer["id"]
    toot("reblog", id_)
    assert [account["acct"] for account in json.loads(toot("reblogged-by", id_, "--json"))] == [me]
    for verb in ("favourite", "unfavourite", "bookmark", "unbookmark", "pin", "unpin", "unreblog"):
        toot(verb, id_)
    assert json.loads(toot("status", id_, "--json"))["reblogged"] is False
    assert "Jdeme?" in toot("timelines", "account", me, "--limit", "20", "--json")
    assert json.loads(toot("timelines", "public", "--local", "--limit", "2", "--json"))
    toot("timelines", "favourites", "--json")
    assert isinstance(json.loads(toot("timelines", "trending", "--json")), list)  # what others write on this network
    assert re.search("#termin[aá]l", toot("tags", "info", "terminal"))  # as the first post of this network wrote it
    toot("tags", "featured")
    toot("tags", "follow", "kasna")
    assert re.search("ka[sš]na", toot("tags", "followed"))
    toot("tags", "unfollow", "kasna")
    assert "kasna" not in toot("tags", "followed")
    assert "scheduled" in toot("post", "Zítra z terminálu", "--scheduled-in", "1 day")
    assert "no lists" in toot("lists", "list")
    assert json.loads(toot("whois", "jana", "--json"))["acct"] == "jana"
    assert "jana" in toot("followers", me)
    toot("block", friend)
    assert [account["acct"] for account in json.loads(toot("blocked", "--json"))] == [friend]
    toot("unblock", friend)
    picture_file = tmp_path / "picture.png"
    picture_file.write_bytes(picture())
    assert json.loads(toot("upload", str(picture_file), "--json"))["type"] == "image"
    changed = json.loads(toot("update-account", "--note", "Od terminálu", "--language", "cs", "--avatar", str(picture_file), "--json"))
    assert (changed["source"]["language"], changed["note"]) == ("cs", "<p>Od terminálu</p>")
    assert json.loads(toot("search", asked["url"], "--resolve", "--json"))["statuses"][0]["id"] == id_
    assert json.loads(toot("instance", "--json"))["uri"]
    toot("diag", "--server")
    toot("notifications", "--type", "mention", "--json")
    toot("notifications", "--clear")
    assert json.loads(toot("notifications", "--json")) == []


def test_a_locked_account_accepts_requests(toot: Toot, running: NetworkUp, me: str) -> None:
    asks = newcomer(running, "josef")
    made = moot("token", "create", asks, "--scopes", "read write", data=running.data)
    josef = Mastodon(access_token=made.stdout.strip(), api_base_url=running.url)
    karel = josef.account_lookup(me)
    toot("update-account", "--locked")
    assert josef.account_follow(karel).requested
    assert asks in toot("follow-requests", "list")
    toot("follow-requests", "accept", asks)
    assert josef.account_relationships(karel)[0].following
    toot("update-account", "--no-locked")

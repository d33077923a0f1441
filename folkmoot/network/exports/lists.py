"""Lists as CSV, with the file names and columns of Mastodon, so that other servers can import them."""

import csv
import io
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from folkmoot.base.db import Database, Row
from folkmoot.network.exports.queries import pages


@dataclass(frozen=True)
class CsvList:
    """`name` of the rows in `queries.py`; `row_of(row, domain, base_url)` returns the cells."""

    name: str
    header: Sequence[str]
    row_of: Callable[[Row, str, str], Sequence[str]]


def _address(row: Row, domain: str) -> str:
    return f"{row['username']}@{row['domain'] or domain}"


def _flag(value: bool) -> str:
    return "true" if value else "false"


def post_uri(row: Row, base_url: str) -> str:
    """The ActivityPub identity of a post of another list."""
    return str(row["uri"]) if row["uri"] else f"{base_url}/users/{row['username']}/statuses/{row['post_id']}"


LISTS = {
    "following_accounts.csv": CsvList(
        "following", ("Account address", "Show boosts", "Notify on new posts", "Languages"),
        lambda row, domain, _: (
            _address(row, domain), _flag(row["shows_boosts"]), _flag(row["notifies"]), ", ".join(row["languages"] or ())),
    ),
    "followers.csv": CsvList("followers", ("Account address",), lambda row, domain, _: (_address(row, domain),)),
    "muted_accounts.csv": CsvList(
        "muted", ("Account address", "Hide notifications"),
        lambda row, domain, _: (_address(row, domain), _flag(row["hides_notifications"])),
    ),
    "blocked_accounts.csv": CsvList("blocked", (), lambda row, domain, _: (_address(row, domain),)),
    "blocked_domains.csv": CsvList("blocked_domains", (), lambda row, _domain, _url: (row["domain"],)),
    "lists.csv": CsvList("lists", (), lambda row, domain, _: (row["title"], _address(row, domain))),
    "followed_hashtags.csv": CsvList("hashtags", (), lambda row, *_: (row["name"],)),
    "bookmarks.csv": CsvList("bookmarks", (), lambda row, _, base_url: (post_uri(row, base_url),)),
}


async def write_list(database: Database, file: str, account_id: int, domain: str, base_url: str) -> AsyncIterator[bytes]:
    """The content of one of `LISTS`, in parts."""
    wanted = LISTS[file]
    if wanted.header:
        yield _lines([wanted.header])
    async for rows in pages(database, wanted.name, account_id):
        yield _lines([wanted.row_of(row, domain, base_url) for row in rows])


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()

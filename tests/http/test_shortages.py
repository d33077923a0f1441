"""A full disk and its relatives: health checks name the reason, writes are refused kindly, and nothing written is lost.

Disks are really full here: a small file system of its own, which needs root. PostgreSQL reports a full disk through a trigger.
"""

import errno
import html
import logging
import os
import re
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from folkmoot.base.db import Database
from folkmoot.base.disk import LEAST_FREE, measure
from folkmoot.base.errors import StorageFull, Unavailable
from folkmoot.base.shortage import find_shortage
from tests.api.test_accounts import picture
from tests.village import Village, settings_for

_NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a small file system")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 40 MB with 1,000 inodes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m,nr_inodes=1000,mode=755", "none", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path) -> Path:
    """Fills the file system of a folder to the last byte."""
    file = folder / "filler"
    with file.open("ab", 0) as stream, pytest.raises(OSError, match="No space left"):
        while True:
            stream.write(b"\0" * 2**20)
    return file


@_NEEDS_ROOT
def test_what_is_short_is_measured(small_disk: Path) -> None:
    assert measure(small_disk) == ""
    with (small_disk / "large").open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, 40 * 2**20 - LEAST_FREE + 2**20)
    assert measure(small_disk) == "the disk is full: 31 MB are free"
    filler = fill(small_disk)
    assert measure(small_disk) == "the disk is full"
    filler.unlink()
    (small_disk / "large").unlink()
    assert measure(small_disk) == ""
    for number in range(2000):
        try:
            (small_disk / str(number)).touch()
        except OSError:
            break
    assert measure(small_disk) == "the disk is full: no inode is free"
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    assert measure(small_disk) == "the file system is read-only"
    assert measure(small_disk / "missing") == "no file can be written: No such file or directory"


def test_too_many_open_files_are_named(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    next_one = os.open(os.devnull, os.O_RDONLY)
    os.close(next_one)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next_one, hard))
    try:
        assert measure(tmp_path) == "too many files are open"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert not list(tmp_path.iterdir())


def test_a_cause_is_found_behind_other_errors() -> None:
    error = ValueError("while saving")
    error.__cause__ = OSError(errno.EDQUOT, "Disk quota exceeded")
    assert find_shortage(error) == "the disk quota is used up"
    read_only = asyncpg.InsufficientPrivilegeError('could not open file "base/5/16384": Read-only file system')
    assert find_shortage(read_only) == "the file system is read-only"
    assert find_shortage(asyncpg.InsufficientPrivilegeError("permission denied for table posts")) == ""
    assert find_shortage(FileNotFoundError(errno.ENOENT, "x")) == ""


async def _fail_writes(db: Database, sqlstate: str) -> None:
    async with db.write() as tx:
        await tx.execute(
            "CREATE FUNCTION run_out() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION 'could not extend file: it is full' USING ERRCODE = '{sqlstate}'; END $$"
        )
        await tx.execute("CREATE TRIGGER run_out BEFORE INSERT ON posts FOR EACH ROW EXECUTE FUNCTION run_out()")


async def _succeed_again(db: Database) -> None:
    async with db.write() as tx:
        await tx.execute("DROP FUNCTION run_out CASCADE")


async def test_a_full_disk_of_postgresql_refuses_writes_kindly_and_loses_nothing(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_browser("jana")
    page = (await jana.get("/posts/new")).text
    token = re.findall(r'name="form_token" value="([^"]+)"', page)[0]
    text = "Ztratil se pes.\nSlyší na <Azora> & \"mlask\"."
    form = {"form_token": token, "text": text, "visibility": "0", "use_poll": "1", "poll_titles[]": ["ano", "ne"], "language": "cs"}
    await _fail_writes(village.database, "53100")
    refused = await jana.post("/posts", form)
    assert refused.status == 507
    assert "There is no room left on our server" in refused.text
    kept = fields_of(refused.text)
    assert kept["text"] == [text]
    assert {"ano", "ne"} < {value for values in kept.values() for value in values}
    assert (kept["visibility"], kept["language"]) == (["0"], ["cs"])
    by_app = await (await village.by_app("jana")).send("POST", "/api/v1/statuses", as_json={"status": text})
    assert (by_app.status, by_app.json) == (507, {"error": StorageFull.message})
    assert "PostgreSQL cannot write: the disk is full" in (await village.nobody().get("/readyz")).json["reasons"]
    assert (await jana.get("/")).status == 200
    await _succeed_again(village.database)
    again = await jana.post("/posts", kept)
    assert again.status == 303
    assert "mlask" in (await jana.get("/")).text
    assert not [one for one in (await village.nobody().get("/readyz")).json["reasons"] if "cannot write" in one]


async def test_a_form_that_fails_for_another_reason_comes_back_whole(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_browser("jana")
    token = re.findall(r'name="form_token" value="([^"]+)"', (await jana.get("/posts/new")).text)[0]
    text = "Ztratil se pes.\nSlyší na <Azora> & \"mlask\"."
    form = {"form_token": token, "text": text, "visibility": "0", "use_poll": "1", "poll[options][]": ["ano", "ne"], "language": "cs"}
    await _fail_writes(village.database, "XX000")  # a bug
    failed = await jana.post("/posts", form)
    assert failed.status == 500
    assert 'action="/posts"' in failed.text
    kept = fields_of(failed.text)
    sent = {name: value if isinstance(value, list) else [value] for name, value in form.items()}
    assert kept | {"form_token": [token]} == sent  # with a new token
    await _succeed_again(village.database)
    assert (await jana.post("/posts", kept)).status == 303
    assert "mlask" in (await jana.get("/")).text


async def test_a_form_is_shown_again_only_to_its_sender(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_browser("jana")
    token = re.findall(r'name="form_token" value="([^"]+)"', (await jana.get("/posts/new")).text)[0]
    await _fail_writes(village.database, "XX000")
    for wrong in ({"origin": "https://evil.example"}, {"sec_fetch_site": "cross-site"}):
        assert "Nezapomenuto" not in (await jana.post("/posts", {"form_token": token, "text": "Nezapomenuto"}, **wrong)).text
    assert "Nezapomenuto" not in (await jana.post("/posts", {"form_token": "x.y", "text": "Nezapomenuto"})).text
    assert "tajne heslo" not in (await jana.post("/posts", {"form_token": token, "text": "Nezapomenuto", "password": "tajne heslo"})).text


def fields_of(page: str, action: str = "/posts") -> dict[str, list[str]]:
    """The fields of the form that is shown again, as a browser would send them."""
    form = page[page.rindex("<form", 0, page.index(f'action="{action}"')):]
    form = form[:form.index("</form>")]
    found: dict[str, list[str]] = {}

    def add(name: str, value: str) -> None:
        found.setdefault(html.unescape(name), []).append(html.unescape(value))

    for field in re.findall(r"<input ([^>]*)>", form):
        values = dict(re.findall(r'([\w-]+)="([^"]*)"', field))
        is_choice = values.get("type") in ("radio", "checkbox")
        if "name" in values and values.get("type") != "file" and (not is_choice or re.search(r"\bchecked\b", field)):
            add(values["name"], values.get("value", "on" if is_choice else ""))
    for name, value in re.findall(r'<textarea [^>]*name="([^"]+)"[^>]*>\n?(.*?)</textarea>', form, re.DOTALL):
        add(name, value)
    for name, options in re.findall(r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        if chosen := re.search(r'value="([^"]*)"[^>]* selected', options):
            add(name, chosen[1])
    return found


@_NEEDS_ROOT
async def test_readiness_names_a_full_disk_once_in_the_log_and_recovers(
    db: Database, dsn: str, small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    village = Village(db, settings_for(small_disk, dsn))
    await village.settle("jana")
    jana = await village.by_app("jana", "read write")
    caplog.set_level(logging.INFO, "folkmoot.health")
    filler = fill(small_disk)
    for _ in range(3):
        answer = await village.nobody().get("/readyz")
        assert answer.status == 503
        assert answer.json["reasons"][0] == "the disk is full"
    assert [record.message for record in caplog.records if "the disk is full" in record.message] == [
        f"not ready: {'; '.join(answer.json['reasons'])}"
    ]
    refused = await jana.upload("/api/v2/media", "file", picture())
    assert (refused.status, refused.json["error"]) == (507, StorageFull.message)
    filler.unlink()
    village.front._health._context.disk._measured_at = -1
    assert "the disk is full" not in (await village.nobody().get("/readyz")).json["reasons"]
    assert (await jana.upload("/api/v2/media", "file", picture())).status in (200, 202)


async def test_a_database_that_stopped_because_of_its_disk_is_explained(village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    context = village.front._health._context

    async def full() -> str:
        return "the disk is full"

    assert type(await context.explain(Unavailable())) is Unavailable
    monkeypatch.setattr(context.disk, "shortage", full)
    assert isinstance(await context.explain(Unavailable(log_text="database: gone")), StorageFull)
    assert await context.explain(ValueError()) is None

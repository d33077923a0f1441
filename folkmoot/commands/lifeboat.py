"""`moot lifeboat`: publishes a page somewhere else, for members who cannot reach the network."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from folkmoot.base.errors import Problem
from folkmoot.commands.options import data_option, json_option, open_database, run, settings_of, show
from folkmoot.commands.progress import show_progress
from folkmoot.config import Settings

if TYPE_CHECKING:
    from folkmoot.portability.names.letter import Letter
    from folkmoot.portability.progress import Progress

_PAGE = 200  # posts on a page of the archive


@click.command()
@click.option("--to", "target", required=True, help="A folder, sftp:USER@HOST:/FOLDER or s3:https://HOST/BUCKET.")
@click.option("--en", default="", help="What members read in English. @FILE: the content of a file.")
@click.option("--cs", default="", help="What members read in Czech. @FILE: the content of a file.")
@click.option("--archive", is_flag=True, help="Publish all public posts too, without those that were deleted or hidden.")
@click.option("--dry-run", is_flag=True, help="Print what would be published, and publish nothing.")
@data_option
@json_option
def lifeboat(target: str, en: str, cs: str, archive: bool, dry_run: bool, data: Path, as_json: bool) -> None:
    """Publish a signed page with a message, and all names of the network, in a place that does not depend on this host.

    The installed web app shows it when the network does not answer. Public files only: no member needs to log in.
    """
    from folkmoot.portability.names.publishing import publish, require_place
    from folkmoot.portability.offsite.target import Credentials

    require_place(target)
    settings = settings_of(data)
    words = {language: text for language, text in (("en", _text_of(en)), ("cs", _text_of(cs))) if text}
    if not words:
        raise Problem("There is no message. Write it with --en TEXT, --cs TEXT, or --en @FILE.")
    letter, files = _letter_and_files(settings, words, has_archive=archive)
    with show_progress(as_json) as progress:
        posts = run(_add_archive(settings, letter, files, progress)) if archive else 0
        if not dry_run:
            progress.step("publishing")
            publish(target, files, Credentials(settings.offsite.user, settings.offsite.password, data / "secrets"))
    answer = {"to": target, "files": len(files), "posts": posts, "names": letter.names, "written_at": letter.written_at, "dry_run": dry_run}
    show(answer, as_json, _text(answer, settings))


def _text_of(option: str) -> str:
    if not option.startswith("@"):
        return option.strip()
    try:
        return Path(option[1:]).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Problem("%(file)s cannot be read: %(why)s.", file=option[1:], why=getattr(error, "strerror", "") or error) from error


def _letter_and_files(settings: Settings, words: dict[str, str], *, has_archive: bool) -> "tuple[Letter, dict[str, bytes]]":
    from folkmoot.base import clock
    from folkmoot.portability.backup_key import BackupKey
    from folkmoot.portability.data_directory import DataDirectory
    from folkmoot.portability.names.letter import Letter
    from folkmoot.portability.names.lifeboat import FILE, sign_letter
    from folkmoot.portability.names.paths import known_names
    from folkmoot.web.lifeboat import published_pages

    key = BackupKey.find(DataDirectory(settings.data))
    if key is None:
        raise Problem("This network has no recovery key, so nobody could verify the page. Make a backup first: moot backup --to REPO")
    letter = Letter(
        domain=settings.domain, network=settings.network.name, words=words, names=known_names(settings),
        written_at=clock.now().replace(microsecond=0), has_archive=has_archive,
    )
    return letter, {FILE: sign_letter(letter, key), **published_pages(settings, letter, has_archive=has_archive)}


async def _add_archive(settings: Settings, letter: "Letter", files: dict[str, bytes], progress: "Progress") -> int:
    """Adds pages with all public posts, as somebody without an account sees them. Returns the number of posts."""
    from folkmoot.base.paging import Page
    from folkmoot.http.fragments import FragmentCache
    from folkmoot.network.posts.model import Marks, Post, PostCounts, PostView, QuoteView
    from folkmoot.network.timelines.queries import get_public
    from folkmoot.web.lifeboat import Archive

    progress.step("reading the public posts")
    archive, cache = Archive(settings, letter.names, letter.written_at), FragmentCache[Post](lambda post: post)
    posts, number, before = 0, 0, None
    async with _database(settings) as database:
        while number == 0 or before is not None:
            async with database.read() as conn:
                timeline = await get_public(conn, None, Page(limit=_PAGE, max_id=before), is_local=True)
            found = await cache.gather(database, timeline.entries)
            quotes = await cache.gather_quotes(database, [shown.id for _, shown, _ in found if shown.quote], None)
            views = [
                PostView(
                    post=boost or shown, boosted=shown if boost else None, counts=PostCounts(), marks=Marks(),
                    quote=QuoteView.of(*quotes[shown.id]) if shown.id in quotes else None,
                )
                for _, shown, boost in found
            ]
            before = timeline.ids[-1] if len(timeline.ids) >= _PAGE else None
            number, posts = number + 1, posts + len(views)
            files[f"archive/{number}.html"] = archive.page(number, views, has_older=before is not None)
    return posts


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[Any]:
    """The database of the network. That of a restored copy, which does not run, is started for this time."""
    from folkmoot.portability.data_directory import DataDirectory, DataDirectoryProblem
    from folkmoot.portability.postgres import Postgres

    directory = DataDirectory(settings.data)
    try:
        if not settings.database.url:
            directory.lock()
    except DataDirectoryProblem:  # it runs
        async with open_database(settings) as database:
            yield database
        return
    if settings.database.url:
        async with open_database(settings) as database:
            yield database
        return
    server = Postgres(directory)
    server.start()
    try:
        async with open_database(settings) as database:
            yield database
    finally:
        server.stop()


def _text(answer: dict[str, Any], settings: Settings) -> str:
    verb = "would be published" if answer["dry_run"] else "are published"
    lines = [f"{answer['files']} files {verb} in {answer['to']}."]
    if answer["posts"]:
        lines.append(f"  posts      {answer['posts']}, on pages of {_PAGE}")
    lines.append(f"  names      {', '.join(answer['names'])}")
    if not settings.names.lifeboat:
        file = settings.data / "folkmoot.toml"
        lines.append(f"  → browsers show it if names.lifeboat in {file} is the address of this page. Set it, then restart.")
    return "\n".join(lines)

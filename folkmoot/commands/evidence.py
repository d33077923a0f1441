"""`moot evidence`: exports evidence packages, and checks them without a network."""

import sys
from pathlib import Path
from typing import Any

import click

from folkmoot.base.errors import Problem
from folkmoot.commands.group import Group
from folkmoot.commands.options import NUMBER, data_option, json_option, open_database, run, settings_of, show


@click.group(cls=Group)
def evidence() -> None:
    """Export and check evidence packages."""


@evidence.command()
@click.argument("case", type=NUMBER)
@click.option("--to", "file", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The ZIP file to write.")
@click.option("--with-people", is_flag=True, help="Also show the entries that name reporters and moderators, by the numbers of accounts.")
@data_option
@json_option
def export(case: int, file: Path, with_people: bool, data: Path, as_json: bool) -> None:
    """Write the evidence package of a case.

    CASE is its number, as in `moot cases --json` and in the address of its page.
    """
    content = run(_export(case, with_people, data))
    try:
        file.write_bytes(content)
    except OSError as error:
        raise Problem("%(file)s cannot be written: %(why)s.", file=file, why=error.strerror) from error
    show({"file": str(file), "bytes": len(content)}, as_json, f"Written to {file}. Check it with: moot evidence verify {file}")


@evidence.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", help="The public key of the network, in Base64, from its page /journal/heads.")
@click.option("--heads", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A kept copy of the page /journal/heads.")
@json_option
def verify(file: Path, key: str | None, heads: Path | None, as_json: bool) -> None:
    """Check an evidence package. It needs no network and no database. Exit code 1 if it is not genuine."""
    from folkmoot.moderation.answers.package_file import check
    from folkmoot.moderation.contacts.model import key_bytes
    from folkmoot.moderation.journal.anchors import NotPublished, read_published

    wanted = key_bytes(key) if key else None
    if key and wanted is None:
        raise Problem("--key is not a public key in Base64.")
    try:
        own, kept = read_published(heads.read_text("utf-8", "replace"), wanted) if heads else (wanted, [])
    except NotPublished as error:
        raise Problem("%(file)s is not a list of heads: %(why)s.", file=heads, why=error) from error
    found = check(file.read_bytes(), own, kept)
    answer: dict[str, Any] = {
        "genuine": found.is_genuine, "faults": found.faults, "key": found.key, "network": found.network, "made_at": found.made_at,
        "decisions": found.decisions, "unproven": found.unproven, "proven": found.proven, "withheld": found.withheld,
        "key_given": own is not None,
    }
    if found.is_genuine:
        lines = [f"The package of {found.network} is complete and unchanged.", *(f"  {one}" for one in found.decisions),
                 f"{found.proven} entries of the journal are proven; {found.withheld} more are in the chain, and name a person."]
        for one in found.unproven:
            lines.append(f"Not proven, because only entries that name a person contain it: {one}. They are in a package that was exported"
                         " with --with-people.")
        if own is None:
            lines.append(f"It is signed with the key {found.key}. Compare this key with the one on {found.network}/journal/heads.")
    else:
        lines = [f"{file} is NOT genuine:", *(f"  {fault}" for fault in found.faults)]
    show(answer, as_json, "\n".join(lines))
    sys.exit(0 if found.is_genuine else 1)


async def _export(case_id: int, with_people: bool, data: Path) -> bytes:
    from folkmoot.base.errors import NotFound
    from folkmoot.http.urls import Urls
    from folkmoot.moderation.answers.assembling import package_of_case
    from folkmoot.moderation.journal.actions import anchor, seal
    from folkmoot.moderation.journal.anchors import AnchorKey
    from folkmoot.portability.data_directory import JOURNAL_END
    from folkmoot.web.rendering import Templates
    from folkmoot.web.static_files import StaticFiles

    settings = settings_of(data)
    templates = Templates(settings, Urls(settings.base_url, settings.media.base_url, settings.secret), StaticFiles())
    async with open_database(settings) as database:
        await seal(database, settings.secret, settings.data / JOURNAL_END)
        await anchor(database)
        async with database.read() as conn:
            try:
                return await package_of_case(
                    conn, AnchorKey(settings.secret), (settings.network.name, settings.base_url), case_id,
                    lambda document, proof: templates.render(
                        settings.network.language, "notices/package.html", document=document, proof=proof
                    ),
                    with_people=with_people,
                )
            except NotFound as problem:
                raise NotFound("There is no case %(number)s.", number=case_id) from problem

"""`moot privacy`: shows and publishes the privacy policy of the network."""

from pathlib import Path

import click

from folkmoot.commands.group import Group
from folkmoot.commands.markdown_file import FILE, read_file
from folkmoot.commands.options import data_option, open_database, run, settings_of


@click.group(cls=Group)
def privacy() -> None:
    """Show and publish the privacy policy of the network."""


@privacy.command(name="show")
@click.argument("language")
@data_option
def show_privacy(language: str, data: Path) -> None:
    """Print the privacy policy in LANGUAGE (en or cs), as a file to edit."""
    click.echo(run(_text(language, data)))


@privacy.command()
@click.argument("language")
@click.argument("file", type=FILE)
@data_option
def publish(language: str, file: Path, data: Path) -> None:
    """Publish FILE as the privacy policy in LANGUAGE (en or cs), at once.

    Lines that begin with `## ` are headings, empty lines separate paragraphs. Before the first one is published, the text of the release
    is shown, which says what the program does.
    """
    run(_publish(language, read_file(file), data))
    click.echo(f"Published. It is shown at {settings_of(data).base_url}/privacy.")


async def _text(language: str, data: Path) -> str:
    from folkmoot.base import i18n
    from folkmoot.base.errors import Problem
    from folkmoot.network.privacy.actions import shown_privacy_policy
    from folkmoot.network.privacy.model import text_of

    settings = settings_of(data)
    translators = i18n.load(settings.network.time_zone)
    if language not in translators:
        raise Problem("There are no pages in this language.")
    async with open_database(settings) as database, database.read() as conn:
        sections, _, _ = await shown_privacy_policy(conn, translators[language])
    return text_of(sections)


async def _publish(language: str, text: str, data: Path) -> None:
    from folkmoot.network.privacy.actions import publish_privacy_policy

    async with open_database(settings_of(data)) as database, database.write() as tx:
        await publish_privacy_policy(tx, language, text)

"""`moot token`: access tokens for programs of one's own, without the way through a browser."""

from pathlib import Path

import click

from folkmoot.commands.options import data_option, json_option, open_database, run, settings_of, show


@click.group()
def token() -> None:
    """Make access tokens for programs."""


@token.command()
@click.argument("name")
@click.option("--scopes", default="read write follow push", show_default=True, help="What the token may do.")
@click.option("--app", default="moot", show_default=True, help="The app's name, as its owner sees it in the settings.")
@data_option
@json_option
def create(name: str, scopes: str, app: str, data: Path, as_json: bool) -> None:
    """Make a token for the account NAME and print it: it is shown once, here."""
    from folkmoot.base.errors import NotFound, Problem
    from folkmoot.network.sessions import apps, queries
    from folkmoot.network.sessions import scopes as known
    from folkmoot.network.sessions.model import OUT_OF_BAND

    async def work() -> str:
        async with open_database(settings_of(data)) as database, database.write() as tx:
            login = await queries.find_login_by_name(tx, name.removeprefix("@"))
            if login is None:
                raise NotFound("There is no account %(name)s here.", name=name)
            registered = await apps.register_app(tx, app, [OUT_OF_BAND], scopes)
            return await apps.issue_token(tx, registered.id, login.account_id, known.text(known.parse(scopes)))

    if not app.strip():
        raise Problem("--app takes a name, as in --app \"my phone\".")
    if not scopes.strip() or known.unknown(known.parse(scopes)):
        raise Problem(
            "--scopes takes scopes of the client API, as in --scopes \"read write follow push\"; unknown: %(unknown)s.",
            unknown=" ".join(sorted(known.unknown(known.parse(scopes)))) or "an empty text",
        )

    secret = run(work())
    show({"token": secret, "name": name, "scopes": scopes}, as_json, secret)

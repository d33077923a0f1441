"""`moot token`: creates access tokens for programs, without the OAuth flow in a browser."""

from pathlib import Path

import click

from folkmoot.commands.group import Group
from folkmoot.commands.options import data_option, json_option, open_database, run, settings_of, show


@click.group(cls=Group)
def token() -> None:
    """Create access tokens for programs."""


@token.command()
@click.argument("name")
@click.option("--scopes", default="read write follow push", show_default=True, help="OAuth scopes of the token.")
@click.option("--app", default="moot", show_default=True, help="Name of the app, as shown in the account's settings.")
@data_option
@json_option
def create(name: str, scopes: str, app: str, data: Path, as_json: bool) -> None:
    """Create a token for account NAME and print it. It is shown only once."""
    from folkmoot.base.errors import NotFound, Problem
    from folkmoot.network.sessions import apps, queries
    from folkmoot.network.sessions import scopes as known
    from folkmoot.network.sessions.model import OUT_OF_BAND

    async def work() -> str:
        async with open_database(settings_of(data)) as database, database.write() as tx:
            login = await queries.find_login_by_name(tx, name.removeprefix("@"))
            if login is None:
                raise NotFound("There is no account %(name)s on this network.", name=name)
            registered = await apps.register_app(tx, app, [OUT_OF_BAND], scopes)
            return await apps.issue_token(tx, registered.id, login.account_id, known.text(known.parse(scopes)))

    if not app.strip():
        raise Problem("--app needs a name, for example --app \"my phone\".")
    if not scopes.strip() or known.unknown(known.parse(scopes)):
        raise Problem(
            "--scopes needs OAuth scopes, for example --scopes \"read write follow push\". Unknown: %(unknown)s.",
            unknown=" ".join(sorted(known.unknown(known.parse(scopes)))) or "an empty text",
        )

    secret = run(work())
    show({"token": secret, "name": name, "scopes": scopes}, as_json, secret)

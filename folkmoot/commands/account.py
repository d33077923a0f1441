"""`moot account`: creates accounts and changes their roles."""

from pathlib import Path

import click

from folkmoot.commands.options import data_option, json_option, open_database, run, settings_of, show

_ROLE = click.Choice(["member", "juror", "moderator", "operator"])


@click.group()
def account() -> None:
    """Create accounts and change their roles."""


@account.command()
@click.argument("name")
@click.option("--email", required=True, help="E-mail address.")
@click.option("--password", required=True, prompt=True, hide_input=True, confirmation_prompt=True, help="Password; prompted if missing.")
@click.option("--role", type=_ROLE, default="member", show_default=True, help="Role of the account.")
@click.option("--display-name", default="", help="Display name.")
@data_option
@json_option
def create(name: str, email: str, password: str, role: str, display_name: str, data: Path, as_json: bool) -> None:
    """Create the account NAME. It can be used immediately."""
    from folkmoot.network.sessions.actions import create_member
    from folkmoot.network.sessions.model import Role

    async def work() -> dict[str, str]:
        async with open_database(settings_of(data)) as database:
            made = await create_member(database, name, email, password, Role(role), display_name=display_name)
        return {"id": str(made.id), "name": made.username, "role": role}

    answer = run(work())
    show(answer, as_json, f"Created @{answer['name']} ({role}). Log in with the name or the e-mail address.")


@account.command()
@click.argument("name")
@click.argument("role", type=_ROLE)
@data_option
@json_option
def role(name: str, role: str, data: Path, as_json: bool) -> None:
    """Change the role of account NAME to ROLE."""
    from folkmoot.base.errors import NotFound
    from folkmoot.network.sessions import queries
    from folkmoot.network.sessions.actions import forget_viewer
    from folkmoot.network.sessions.model import Role

    async def work() -> None:
        async with open_database(settings_of(data)) as database, database.write() as tx:
            login = await queries.find_login_by_name(tx, name.removeprefix("@"))
            if login is None:
                raise NotFound("There is no account %(name)s on this network.", name=name)
            await queries.update_role(tx, login.account_id, Role(role))
            forget_viewer(tx, login.account_id)

    run(work())
    show({"name": name, "role": role}, as_json, f"@{name.removeprefix('@')} is now {role}.")

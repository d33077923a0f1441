"""`moot account`: creates accounts, changes roles, helps with log-ins, decides about sign-ups, deletes accounts.

A password is never an argument, because every user of the machine can read the arguments of a running command.
"""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from folkmoot.commands.group import Group
from folkmoot.commands.options import data_option, json_option, open_database, run, settings_of, show

T = TypeVar("T")
_ROLE = click.Choice(["member", "moderator", "operator"])


@click.group(cls=Group)
def account() -> None:
    """Create, help and delete accounts; decide about sign-ups."""


@account.command()
@click.argument("name")
@click.option("--email", required=True, help="E-mail address.")
@click.option("--password-file", type=click.File("r"), help="File with the password in its first line; - for standard input.")
@click.option("--link", is_flag=True, help="Set no password; print a link with which one can be set within an hour.")
@click.option("--role", type=_ROLE, default="member", show_default=True, help="Role of the account.")
@click.option("--display-name", default="", help="Display name.")
@data_option
@json_option
def create(name: str, email: str, password_file: Any, link: bool, role: str, display_name: str, data: Path, as_json: bool) -> None:
    """Create the account NAME. It can be used immediately. The password is asked for, and not shown."""
    from folkmoot.base import clock
    from folkmoot.network.sessions.actions import create_member
    from folkmoot.network.sessions.assistance import get_login_by_name, make_password_link
    from folkmoot.network.sessions.model import Role

    settings = settings_of(data)
    password = clock.token() if link else _password(password_file)

    async def work() -> dict[str, str]:
        async with open_database(settings) as database:
            made = await create_member(database, name, email, password, Role(role), display_name=display_name)
            answer = {"id": str(made.id), "name": made.username, "role": role}
            if link:
                async with database.write() as tx:
                    answer["link"] = await make_password_link(tx, await get_login_by_name(tx, made.username), settings.base_url)
        return answer

    answer = run(work())
    how = f"Set a password within an hour: {answer['link']}" if link else "Log in with the name or the e-mail address."
    show(answer, as_json, f"Created @{answer['name']} ({role}). {how}")


@account.command()
@click.argument("name")
@click.argument("role", type=_ROLE)
@data_option
@json_option
def role(name: str, role: str, data: Path, as_json: bool) -> None:
    """Change the role of account NAME to ROLE."""
    from folkmoot.network.sessions import queries
    from folkmoot.network.sessions.actions import forget_viewer
    from folkmoot.network.sessions.assistance import get_login_by_name
    from folkmoot.network.sessions.model import Role

    async def change(tx: Any) -> None:
        login = await get_login_by_name(tx, name)
        await queries.update_role(tx, login.account_id, Role(role))
        forget_viewer(tx, login.account_id)

    _write(data, change)
    show({"name": name, "role": role}, as_json, f"@{name.removeprefix('@')} is now {role}.")


@account.command("reset-password")
@click.argument("name")
@click.option("--mail", "mails", is_flag=True, help="Mail the link to the member instead of printing it.")
@click.option("--lock", is_flag=True, help="Also sign out everywhere, and make the present password useless at once.")
@data_option
@json_option
def reset_password(name: str, mails: bool, lock: bool, data: Path, as_json: bool) -> None:
    """Make a link with which account NAME can set a new password, once, within an hour."""
    from folkmoot.base import clock
    from folkmoot.network.sessions.assistance import get_login_by_name, lock_password, make_password_link
    from folkmoot.network.sessions.passwords import hash_password

    settings = settings_of(data)

    async def make(tx: Any) -> str:
        login = await get_login_by_name(tx, name)
        if lock:
            await lock_password(tx, login.account_id, await hash_password(clock.token()))
        return await make_password_link(tx, login, settings.base_url, mails=mails)

    link = _write(data, make)
    answer = {"name": name, "locked": lock, "mailed": mails, **({} if mails else {"link": link})}
    show(answer, as_json, f"The link was mailed to @{name.removeprefix('@')}." if mails else link)


@account.command("sign-out")
@click.argument("name")
@data_option
@json_option
def sign_out(name: str, data: Path, as_json: bool) -> None:
    """End all sessions and apps of account NAME. The password still works; see also: reset-password --lock."""
    from folkmoot.network.sessions.assistance import get_login_by_name
    from folkmoot.network.sessions.assistance import sign_out as end

    async def work(tx: Any) -> None:
        await end(tx, (await get_login_by_name(tx, name)).account_id)

    _write(data, work)
    show({"name": name}, as_json, f"@{name.removeprefix('@')} is signed out everywhere.")


@account.command()
@data_option
@json_option
def waiting(data: Path, as_json: bool) -> None:
    """List sign-ups that wait for approval, with the reasons for joining."""
    from folkmoot.network.sessions.queries import count_waiting, list_waiting

    async def look() -> tuple[int, list[Any]]:
        async with open_database(settings_of(data)) as database, database.read() as conn:
            return await count_waiting(conn), await list_waiting(conn)

    count, found = run(look())
    rows = [{"name": one.username, "email": one.email, "reason": one.reason, "at": one.created_at} for one in found]
    lines = [f"  @{row['name']}  {row['email']}  {row['at']:%Y-%m-%d %H:%M} UTC\n    {row['reason'] or '(no reason)'}" for row in rows]
    advice = ["To decide: moot account approve NAME, or moot account refuse NAME --word TEXT"] if rows else []
    show({"count": count, "waiting": rows}, as_json, "\n".join([f"{count} waiting.", *lines, *advice]))


@account.command()
@click.argument("name")
@data_option
@json_option
def approve(name: str, data: Path, as_json: bool) -> None:
    """Approve the sign-up of NAME. The member gets a mail."""
    from folkmoot.network.sessions.approval import approve_sign_up
    from folkmoot.network.sessions.assistance import get_login_by_name

    async def work(tx: Any) -> None:
        await approve_sign_up(tx, (await get_login_by_name(tx, name)).account_id)

    _write(data, work)
    show({"name": name, "approved": True}, as_json, f"@{name.removeprefix('@')} is in, and gets a mail.")


@account.command()
@click.argument("name")
@click.option("--word", default="", help="A paragraph for the mail to the person.")
@data_option
@json_option
def refuse(name: str, word: str, data: Path, as_json: bool) -> None:
    """Refuse the sign-up of NAME, mail the person, and delete what they sent."""
    from folkmoot.network.sessions.approval import refuse_sign_up
    from folkmoot.network.sessions.assistance import get_login_by_name

    async def work(tx: Any) -> None:
        await refuse_sign_up(tx, (await get_login_by_name(tx, name)).account_id, word)

    _write(data, work)
    show({"name": name, "approved": False}, as_json, f"@{name.removeprefix('@')} is refused and deleted, and gets a mail.")


@account.command()
@click.argument("name")
@click.option("--now", is_flag=True, help="Without the half hour in which the member can stay.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@data_option
@json_option
def delete(name: str, now: bool, yes: bool, data: Path, as_json: bool) -> None:
    """Delete the account NAME with everything that belongs to it. It is hidden at once, and removed after half an hour."""
    from datetime import timedelta

    from folkmoot.base.errors import NotFound
    from folkmoot.network.accounts.queries import find_account_by_name
    from folkmoot.network.departures.actions import begin_departure
    from folkmoot.network.departures.model import TIME_TO_REGRET

    async def work(tx: Any) -> Any:
        found = await find_account_by_name(tx, name.removeprefix("@"))
        if found is None:
            raise NotFound("There is no account %(name)s on this network.", name=name)
        departure, _ = await begin_departure(tx, found.id, wait=timedelta(0) if now else TIME_TO_REGRET)
        return departure.due_at

    settings_of(data)
    if not yes:
        click.confirm(f"Delete @{name.removeprefix('@')} with all posts and pictures?", abort=True, err=True)
    due_at = _write(data, work)
    text = f"@{name.removeprefix('@')} is hidden and signed out, and will be deleted at {due_at:%H:%M} UTC."
    show({"name": name, "due_at": due_at}, as_json, text)


def _write(data: Path, work: Callable[[Any], Awaitable[T]]) -> T:
    """Runs `work` in a write transaction."""
    async def whole() -> T:
        async with open_database(settings_of(data)) as database, database.write() as tx:
            return await work(tx)

    return run(whole())


def _password(file: Any) -> str:
    """The password: the first line of a file or of standard input, or typed twice without being shown."""
    from folkmoot.base.errors import Problem

    if file is None and sys.stdin.isatty():
        return str(click.prompt("Password (it is not shown)", hide_input=True, confirmation_prompt=True, err=True))
    password = str((file or sys.stdin).readline()).rstrip("\r\n")
    if not password:
        raise Problem("A password is needed: type it at a terminal, use --password-file FILE, or --link to set it in the browser.")
    return password

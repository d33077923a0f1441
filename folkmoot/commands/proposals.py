"""`moot proposals`: what waits for a second person. Whoever proposes or answers gives their password, as on the pages.

The password is never an argument, because every user of the machine can read the arguments of a running command.
"""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from folkmoot.base.errors import Problem
from folkmoot.commands.group import Group
from folkmoot.commands.options import NUMBER, data_option, json_option, open_database, run, settings_of, show

if TYPE_CHECKING:
    from folkmoot.base.db import WriteTx
    from folkmoot.moderation.proposals.model import Proposal
    from folkmoot.network.sessions.model import Viewer

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


def by_option(command: F) -> F:
    """The options `--by` and `--password-file`: who of the team acts."""
    command = click.option("--by", required=True, help="Your account; a moderator or operator.")(command)
    return click.option(
        "--password-file", type=click.File("r"), help="File with your password in its first line; else it is asked for, or read from"
        " standard input.",
    )(command)


def act_as(data: Path, name: str, password_file: Any, act: "Callable[[WriteTx, Viewer], Awaitable[T]]") -> T:
    """Runs an action as a member of the team, whose password is checked."""
    password = _password(password_file)

    async def work() -> T:
        from folkmoot.network.accounts.queries import get_account
        from folkmoot.network.sessions.assistance import get_login_by_name
        from folkmoot.network.sessions.model import Viewer
        from folkmoot.network.sessions.reauthentication import require_password

        async with open_database(settings_of(data)) as database:
            async with database.write() as tx:
                login = await get_login_by_name(tx, name)
                viewer = Viewer(account=await get_account(tx, login.account_id), login=login)
            await require_password(database, viewer, password)
            async with database.write() as tx:
                return await act(tx, viewer)

    return run(work())


@click.group(cls=Group)
def proposals() -> None:
    """List and answer what needs two people: deleting accounts, legal holds, decisions about more than fifty posts."""


@proposals.command("list")
@data_option
@json_option
def list_(data: Path, as_json: bool) -> None:
    """List the proposals that wait for a second person. Each expires a day after it was made."""

    async def work() -> "list[Proposal]":
        from folkmoot.base import clock
        from folkmoot.moderation.proposals.queries import list_waiting

        async with open_database(settings_of(data)) as database, database.read() as conn:
            return await list_waiting(conn, clock.now())

    found = [described(one) for one in run(work())]
    lines = [
        f"  {one['id']}  {one['kind']:14}  case {one['case_id']}  until {one['expires_at']:%Y-%m-%d %H:%M} UTC  {one['reason']}".rstrip()
        for one in found
    ]
    show({"proposals": found}, as_json, "\n".join(lines) or "Nothing waits for a second person.")


@proposals.command()
@click.argument("number", type=NUMBER)
@by_option
@data_option
@json_option
def agree(number: int, by: str, password_file: Any, data: Path, as_json: bool) -> None:
    """Agree to a proposal of somebody else, which takes effect then. NUMBER as in `moot proposals list`."""
    show(_answer(number, by, password_file, data, agrees=True), as_json, f"Agreed to {number}.")


@proposals.command()
@click.argument("number", type=NUMBER)
@by_option
@data_option
@json_option
def refuse(number: int, by: str, password_file: Any, data: Path, as_json: bool) -> None:
    """Refuse a proposal of somebody else. NUMBER as in `moot proposals list`."""
    show(_answer(number, by, password_file, data, agrees=False), as_json, f"Refused {number}.")


@proposals.command("delete-account")
@click.argument("case", type=NUMBER)
@click.option("--reason", required=True, help="Why a suspension is not enough. The author reads it.")
@by_option
@data_option
@json_option
def delete_account(case: int, reason: str, by: str, password_file: Any, data: Path, as_json: bool) -> None:
    """Propose to delete the account that the decision about CASE has suspended."""

    async def act(tx: "WriteTx", viewer: "Viewer") -> "Proposal":
        from folkmoot.base.errors import NotFound
        from folkmoot.moderation.verdicts.queries import list_verdicts_of_cases
        from folkmoot.moderation.verdicts.two_people import propose_deletion

        verdict = (await list_verdicts_of_cases(tx, [case])).get(case)
        if verdict is None:
            raise NotFound("There is no decision about case %(number)s.", number=case)
        return await propose_deletion(tx, viewer, verdict.id, reason)

    made = act_as(data, by, password_file, act)
    show(described(made), as_json, f"Proposed. Somebody else has a day to agree: moot proposals agree {made.id} --by NAME")


def described(one: "Proposal") -> dict[str, Any]:
    return {
        "id": str(one.id), "kind": one.kind, "state": one.state, "case_id": str(one.case_id), "count": one.count, "reason": one.reason,
        "until": one.until, "proposed_by_id": str(one.proposed_by_id), "proposed_at": one.proposed_at, "expires_at": one.expires_at,
    }


def _answer(number: int, by: str, password_file: Any, data: Path, *, agrees: bool) -> dict[str, Any]:
    async def act(tx: "WriteTx", viewer: "Viewer") -> "Proposal":
        from folkmoot.base.errors import NotFound
        from folkmoot.moderation.verdicts.two_people import answer_proposal

        try:
            return await answer_proposal(tx, viewer, number, agrees=agrees)
        except NotFound as problem:
            raise NotFound("There is no proposal %(number)s. See: moot proposals list", number=number) from problem

    return described(act_as(data, by, password_file, act))


def _password(file: Any) -> str:
    """The first line of a file or of standard input, or typed without being shown."""
    if file is None and sys.stdin.isatty():
        return str(click.prompt("Your password (it is not shown)", hide_input=True, err=True))
    password = str((file or sys.stdin).readline()).rstrip("\r\n")
    if not password:
        raise Problem("Your password is needed: type it at a terminal, or use --password-file FILE.")
    return password

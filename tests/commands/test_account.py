"""`moot account` on a running network: accounts, help with log-ins, decisions about sign-ups, deletion."""

import asyncio
import json
import re
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from folkmoot.base.errors import Problem
from folkmoot.commands.options import open_database, settings_of
from folkmoot.network.sessions import queries
from folkmoot.network.sessions.actions import SignUp, SignUpPolicy, log_in, sign_up
from folkmoot.network.sessions.password_change import reset_password
from tests.network_up import NetworkUp, moot

PASSWORD = "tri hrusky ve stodole"


def _with(network: NetworkUp, work: Callable[[Any], Awaitable[Any]]) -> Any:
    async def whole() -> Any:
        async with open_database(settings_of(network.data)) as database:
            return await work(database)

    return asyncio.run(whole())


def _can_log_in(network: NetworkUp, name: str, password: str) -> bool:
    async def work(database: Any) -> bool:
        try:
            await log_in(database, name, password, multiplier=1000)
        except Problem:
            return False
        return True

    return bool(_with(network, work))


def _answer(*arguments: str, network: NetworkUp, typed: str | None = None) -> Any:
    done = moot("account", *arguments, "--json", data=network.data, typed=typed)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_a_password_comes_from_a_file_or_standard_input(running: NetworkUp, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{PASSWORD}\nignored\n")
    secret.chmod(stat.S_IRUSR)
    _answer("create", "frantisek", "--email", "frantisek@example.org", "--password-file", str(secret), network=running)
    _answer("create", "bozena", "--email", "bozena@example.org", typed=PASSWORD, network=running)
    assert _can_log_in(running, "frantisek", PASSWORD)
    assert _can_log_in(running, "bozena", PASSWORD)
    refused = moot("account", "create", "nikdo", "--email", "nikdo@example.org", "--json", data=running.data)
    assert (refused.returncode, json.loads(refused.stdout)["error"]) == (1, "problem")
    assert "--password-file" in refused.stdout
    assert moot("account", "create", "nikdo", "--email", "nikdo@example.org", "--password", PASSWORD, data=running.data).returncode == 2


def test_a_link_sets_a_password_and_a_log_in_can_be_ended(running: NetworkUp) -> None:
    made = _answer("create", "alois", "--email", "alois@example.org", "--link", network=running)
    code = re.fullmatch(rf"{running.url}/reset/([\w-]+)", made["link"])
    assert code
    _with(running, lambda database: reset_password(database, code[1], PASSWORD))
    assert _can_log_in(running, "alois", PASSWORD)

    async def count_sessions(database: Any) -> int:
        async with database.read() as conn:
            login = await queries.find_login_by_name(conn, "alois")
            return len(await queries.list_sessions(conn, login.account_id))

    assert _with(running, count_sessions) == 1
    _answer("sign-out", "@alois", network=running)
    assert _with(running, count_sessions) == 0
    assert _can_log_in(running, "alois", PASSWORD)
    locked = _answer("reset-password", "alois", "--lock", network=running)
    assert _with(running, count_sessions) == 0
    assert not _can_log_in(running, "alois", PASSWORD)
    _with(running, lambda database: reset_password(database, locked["link"].rpartition("/")[2], "jine dobre heslo"))
    assert _can_log_in(running, "alois", "jine dobre heslo")
    mailed = _answer("reset-password", "alois", "--mail", network=running)
    assert "link" not in mailed


def test_sign_ups_are_listed_approved_and_refused(running: NetworkUp) -> None:
    for name in ("prvni", "druhy"):
        form = SignUp(name, f"{name}@example.org", PASSWORD, True, reason="Znám Janu.")
        _with(running, lambda database, form=form: sign_up(database, form, SignUpPolicy("approval", multiplier=1000)))
    assert [(one["name"], one["reason"]) for one in _answer("waiting", network=running)["waiting"]] == [
        ("prvni", "Znám Janu."), ("druhy", "Znám Janu.")]
    _answer("approve", "prvni", network=running)
    _answer("refuse", "druhy", "--word", "Příště.", network=running)
    assert _answer("waiting", network=running)["count"] == 0
    assert _can_log_in(running, "prvni", PASSWORD)
    again = moot("account", "approve", "druhy", "--json", data=running.data)
    assert (again.returncode, json.loads(again.stdout)["error"]) == (1, "not_found")


def test_an_account_is_deleted_after_a_question(running: NetworkUp) -> None:
    _answer("create", "odchazejici", "--email", "odchazejici@example.org", typed=PASSWORD, network=running)
    assert moot("account", "delete", "odchazejici", data=running.data, typed="n\n").returncode == 1
    assert _can_log_in(running, "odchazejici", PASSWORD)
    assert _answer("delete", "odchazejici", "--yes", network=running)["name"] == "odchazejici"
    again = moot("account", "delete", "odchazejici", "--yes", "--json", data=running.data)
    assert (again.returncode, json.loads(again.stdout)["error"]) == (1, "conflict")


@pytest.mark.parametrize("command", [["waiting"], ["delete", "jana", "--yes"]])
def test_a_network_that_cannot_be_asked_has_its_own_exit_code(tmp_path: Path, command: list[str]) -> None:
    done = moot("account", *command, "--json", data=tmp_path / "nothing")
    assert (done.returncode, json.loads(done.stdout)["error"]) == (2, "cannot_ask")
    plain = moot("account", *command, data=tmp_path / "nothing")
    assert (plain.returncode, plain.stdout, len(plain.stderr.splitlines())) == (2, "", 1)

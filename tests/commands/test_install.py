"""`moot install` into a folder: every file, what a second run changes, and what a removal keeps. The programs of systemd are real."""

import configparser
import json
import os
import shutil
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from folkmoot import cli
from folkmoot.commands.options import start_command
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.hosts.code import PairingCode
from folkmoot.portability.install import machine, record, release
from folkmoot.portability.install.machine import Machine
from folkmoot.portability.install.release import Release
from folkmoot.portability.standby.sharing import install_settings

for program in ("systemd-sysusers", "systemctl"):
    if not shutil.which(program):
        pytest.skip(f"{program} is missing", allow_module_level=True)

ANSWERS = ("--domain", "moot.example.org", "--email", "hana@example.org", "--yes")
UNITS = "etc/systemd/system"


class Ended(NamedTuple):
    code: int
    stdout: str
    stderr: str

    @property
    def answer(self) -> Any:
        return json.loads(self.stdout)


class Root:
    """A folder that is installed into. Calling it runs `moot install` there."""

    def __init__(self, path: Path, run: Callable[..., Ended]) -> None:
        self.path = path
        self._run = run

    def __call__(self, *options: str) -> Ended:
        return self._run("install", "--root", str(self.path), *options)

    def text(self, path: str) -> str:
        return (self.path / path).read_text()

    def unit(self, name: str) -> configparser.RawConfigParser:
        parsed = configparser.RawConfigParser(strict=False)
        parsed.optionxform = str  # type: ignore[assignment,method-assign]
        parsed.read_string(self.text(f"{UNITS}/{name}"))
        return parsed

    @property
    def settings(self) -> dict[str, Any]:
        return tomllib.loads(self.text("var/lib/folkmoot/folkmoot.toml"))

    def state(self) -> dict[str, Any]:
        """Path, content and time of every file and link; of files with hashes of passwords only the path."""
        return {
            str(path.relative_to(self.path)): (os.readlink(path).encode(), 0) if path.is_symlink() else _read(path)
            for path in self.path.rglob("*") if path.is_symlink() or path.is_file()
        }


def _read(path: Path) -> tuple[bytes, int]:
    return path.read_bytes() if os.access(path, os.R_OK) else b"", path.stat().st_mtime_ns


@pytest.fixture
def root(open_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Root:
    """An empty system. Packages from the network are not installed: the programs of the environment are empty files."""

    def make_environment(made: Release) -> None:
        programs = made.folder / ".venv" / "bin"
        programs.mkdir(parents=True)
        for name in ("python", "caddy"):
            (programs / name).touch(0o755)

    monkeypatch.setattr(Release, "_make_environment", make_environment)
    monkeypatch.setattr(release, "_PARTS", ("requirements", "LICENSE"))  # the code is large; what is copied is the same for every file

    def run(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["moot", *arguments])
        capsys.readouterr()
        try:
            cli.main()
            code: Any = 0
        except SystemExit as end:
            code = end.code
        return Ended(int(code or 0), *capsys.readouterr())

    (open_folder / "root" / "etc").mkdir(parents=True)
    (open_folder / "root" / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    return Root(open_folder / "root", run)


def test_a_bare_system_becomes_a_host(root: Root) -> None:
    ended = root(*ANSWERS, "--language", "cs", "--registration", "invitation", "--json")
    assert ended.code == 0, ended
    assert ended.answer["done"] is True
    assert {row["state"] for row in ended.answer["files"]} == {"new"}
    settings = root.settings
    assert settings["server"] == {
        "base_url": "https://moot.example.org", "trusted_proxies": ["127.0.0.1"], "certificates": "/run/folkmoot-certificates.socket",
    }
    assert settings["network"] == {"language": "cs", "registration": "invitation", "contact_email": "hana@example.org"}
    service = root.unit("folkmoot.service")["Service"]
    assert service["ExecStart"] == "/usr/local/bin/moot up --no-demo --data /var/lib/folkmoot"
    assert (service["User"], service["Type"], service["Restart"]) == ("folkmoot", "notify", "always")
    assert root.unit("folkmoot-caddy.service")["Service"]["User"] == "folkmoot-caddy"
    keeper = root.unit("folkmoot-certificates@.service")["Service"]
    assert (keeper["User"], keeper["StandardInput"]) == ("folkmoot-caddy", "socket")
    socket = root.unit("folkmoot-certificates.socket")["Socket"]
    assert (socket["ListenStream"], socket["SocketUser"], socket["SocketMode"]) == (settings["server"]["certificates"], "folkmoot", "0600")
    for unit in ("sockets.target.wants/folkmoot-certificates.socket", "multi-user.target.wants/folkmoot.service",
                 "multi-user.target.wants/folkmoot-caddy.service", "timers.target.wants/folkmoot-doctor.timer"):
        assert (root.path / UNITS / unit).is_symlink()  # they start with the machine
    current = root.path / "opt/folkmoot/current"
    assert (current / "LICENSE").read_bytes() == (Path(__file__).parents[2] / "LICENSE").read_bytes()
    assert "release=$(readlink -f /opt/folkmoot/current)" in root.text("usr/local/bin/moot")
    assert os.access(root.path / "usr/local/bin/moot", os.X_OK)


CODE = PairingCode(bytes(16), bytes(12)).text


def test_a_standby_is_refused_what_its_primary_decides_and_changes_nothing_in_a_dry_run(root: Root) -> None:
    join = ("--join", "203.0.113.7", CODE, "--yes")
    before = root.state()
    for options, why in (
        (join, "cannot be used with --root"),
        ((*join, "--domain", "moot.example.org"), "--domain"),
        ((*join, "--smtp", "later"), "--smtp"),
        (("--join", "203.0.113.7", CODE[:-1] + "B", "--dry-run"), "mistyped"),
        (("--join", "https://moot.example.org", CODE, "--dry-run"), "is no address"),
    ):
        ended = root(*options)
        assert ended.code == 1
        assert why in ended.stderr
    planned = root(*join, "--dry-run")
    assert planned.code == 0, planned
    assert "The network at 203.0.113.7 would be copied to /var/lib/folkmoot" in planned.stdout
    assert "/etc/systemd/system/folkmoot-caddy.service" in planned.stdout
    assert root.state() == before


def test_a_standby_has_the_answers_of_its_primary(root: Root) -> None:
    """As `--join` goes on after the copy: the settings came from the primary, and nothing is asked."""
    data = root.path / "var/lib/folkmoot"
    directory = DataDirectory(data)
    data.mkdir(parents=True)
    network = {"language": "cs", "registration": "closed", "contact_email": "hana@example.org"}
    install_settings(directory, {"server": {"base_url": "https://moot.example.org"}, "network": network})
    ended = root("--yes", "--json")
    assert ended.code == 0, ended
    assert ended.answer["address"] == "https://moot.example.org"
    assert root.settings["network"] == network
    assert "moot.example.org {" in root.text("etc/folkmoot/Caddyfile")
    assert root.settings["server"]["trusted_proxies"] == ["127.0.0.1"]
    install_settings(directory, {"server": {"base_url": "https://moot.example.org"}, "network": network})  # once an hour
    assert root.settings["server"]["trusted_proxies"] == ["127.0.0.1"]  # this setting is the standby's own


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to other users")
def test_files_belong_to_the_users_that_read_them(root: Root, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("sezame\n")
    assert root(*ANSWERS, "--smtp", "notify@mail.example.org", "--smtp-password-file", str(tmp_path / "password")).code == 0
    found = Machine(root.path)
    network = found.user("folkmoot")
    assert network
    assert found.user("folkmoot-caddy") not in (None, network)

    def access(path: str) -> tuple[int, int, int]:
        status = (root.path / path).stat()
        return status.st_uid, status.st_gid, status.st_mode & 0o777

    assert access("var/lib/folkmoot") == (*network, 0o700)
    assert access("var/lib/folkmoot/secrets") == (*network, 0o700)
    assert access("var/lib/folkmoot/secrets/mail-password") == (*network, 0o600)
    assert access("var/lib/folkmoot/folkmoot.toml") == (0, network[1], 0o640)  # read, but not changed by the network
    assert access(f"{UNITS}/folkmoot.service") == (0, 0, 0o644)
    assert access("etc/folkmoot/installed.json") == (0, 0, 0o600)  # it has the hash of the password


def test_the_password_for_mail_is_in_secrets_only_and_is_never_shown(root: Root, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("sezame-otevri-se\n")
    options = (*ANSWERS, "--smtp", "notify@example.org@mail.example.org:465", "--smtp-password-file", str(tmp_path / "password"))
    shown = [root(*options, "--dry-run"), root(*options, "--dry-run", "--json"), root(*options)]
    assert [one.code for one in shown] == [0, 0, 0]
    assert not any("sezame" in one.stdout + one.stderr for one in shown)
    assert [path for path, (content, _) in root.state().items() if b"sezame" in content] == ["var/lib/folkmoot/secrets/mail-password"]
    assert root.settings["mail"] == {
        "host": "mail.example.org", "port": 465, "user": "notify@example.org", "security": "tls", "sender": "notify@example.org",
    }
    refused = root("--smtp", "notify@example.org@mail.example.net", "--yes", "--json")  # it would get the stored password
    assert (refused.code, "needs a password" in refused.answer["message"]) == (1, True)
    assert root.settings["mail"]["host"] == "mail.example.org"


def test_what_the_operator_chose_about_mail_and_proxies_stays(root: Root) -> None:
    root(*ANSWERS, "--smtp", "mail.example.org:25")
    file = root.path / "var/lib/folkmoot/folkmoot.toml"
    edited = file.read_text().replace('sender = "folkmoot@moot.example.org"', 'sender = "posta@example.org"')
    file.write_text(edited.replace('security = "starttls"', 'security = "none"').replace('["127.0.0.1"]', '["10.0.0.1", "127.0.0.1"]'))
    mail = root.settings["mail"]
    assert root("--language", "cs", "--yes").code == 0
    assert root.settings["mail"] == mail
    assert (mail["sender"], mail["security"]) == ("posta@example.org", "none")
    assert root.settings["server"]["trusted_proxies"] == ["10.0.0.1", "127.0.0.1"]
    assert root("--smtp", "later", "--yes").code == 0
    assert root.settings["mail"]["host"] == ""
    file.write_text(file.read_text().replace('# password = ""', 'password = "old"', 1))
    refused = root("--smtp", "notify@mail.example.net", "--yes", "--json")
    assert (refused.code, "has priority" in refused.answer["message"]) == (1, True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to other users")
def test_data_of_another_user_are_refused_and_an_empty_folder_is_taken(root: Root) -> None:
    database = root.path / "var/lib/folkmoot/postgres"
    database.mkdir(parents=True)
    os.chown(database, 4711, 4711)
    refused = root(*ANSWERS, "--json")
    assert (refused.code, "chown -R folkmoot: /var/lib/folkmoot" in refused.answer["message"]) == (1, True)
    assert not (root.path / UNITS / "folkmoot.service").exists()
    database.rmdir()
    assert root(*ANSWERS).code == 0
    user = Machine(root.path).user("folkmoot")
    assert user
    assert database.parent.stat().st_uid == user[0]


def test_a_second_run_changes_nothing_and_says_so(root: Root) -> None:
    root(*ANSWERS)
    before = root.state()
    again = root("--yes")
    assert (again.code, again.stdout) == (0, "Everything is installed as wanted. Nothing was changed.\n")
    assert root.state() == before


def test_another_domain_changes_two_files_and_keeps_what_the_operator_wrote(root: Root) -> None:
    root(*ANSWERS, "--language", "cs")
    settings = root.path / "var/lib/folkmoot/folkmoot.toml"
    settings.write_text(settings.read_text().replace('# description = ""', 'description = "Naše obec"  # of 2026'))
    root("--yes")  # applies what was edited
    before = root.state()
    ended = root("--domain", "Náves.example.org", "--yes")
    assert ended.code == 0, ended
    changed = {path for path, value in root.state().items() if before.get(path) != value}
    assert changed == {"etc/folkmoot/Caddyfile", "etc/folkmoot/installed.json", "var/lib/folkmoot/folkmoot.toml"}
    assert "xn--nves-5na.example.org {" in root.text("etc/folkmoot/Caddyfile")
    assert root.settings["server"]["base_url"] == "https://xn--nves-5na.example.org"
    assert root.settings["network"]["language"] == "cs"
    assert 'description = "Naše obec"  # of 2026' in settings.read_text()
    assert "moot.example.org and the full names of its members stop working" in ended.stderr


def test_settings_that_came_from_another_host_answer_the_questions(root: Root) -> None:
    """As on a standby: its settings come from the primary, and it must answer for the same name."""
    data = root.path / "var/lib/folkmoot"
    data.mkdir(parents=True)
    (data / "host.json").write_text('{"role": "standby", "epoch": 3}')
    (data / "folkmoot.toml").write_text(
        '[server]\nbase_url = "https://moot.example.org"\nport = 8500\n'
        '[network]\nregistration = "closed"\ncontact_email = "hana@example.org"\n'
    )
    assert root("--yes").code == 0
    assert "moot.example.org {" in root.text("etc/folkmoot/Caddyfile")
    assert "reverse_proxy 127.0.0.1:8500" in root.text("etc/folkmoot/Caddyfile")
    assert root.settings["network"]["registration"] == "closed"
    assert root.settings["server"]["trusted_proxies"] == ["127.0.0.1"]
    assert json.loads(root.text("var/lib/folkmoot/host.json")) == {"role": "standby", "epoch": 3}


def test_a_file_that_was_edited_is_replaced_and_kept(root: Root) -> None:
    root(*ANSWERS)
    caddy = root.path / "etc/folkmoot/Caddyfile"
    wanted = caddy.read_text()
    caddy.write_text(wanted + "# mine\n")
    ended = root("--yes", "--json")
    assert {row["path"] for row in ended.answer["files"] if row["state"] == "edited"} == {"/etc/folkmoot/Caddyfile"}
    assert caddy.read_text() == wanted
    assert caddy.with_name("Caddyfile.edited").read_text() == wanted + "# mine\n"


def test_a_run_that_was_killed_is_completed_by_the_next(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        """Nothing catches it."""

    def killed(*_arguments: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("folkmoot.portability.install.plan.Plan._start", killed)
        with pytest.raises(Killed):
            root(*ANSWERS)
    assert not (root.path / UNITS / "multi-user.target.wants").exists()
    assert "Nothing was changed" not in root("--yes").stdout
    assert (root.path / UNITS / "multi-user.target.wants" / "folkmoot.service").is_symlink()
    assert "Nothing was changed" in root("--yes").stdout


def test_a_first_run_that_failed_can_be_removed(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise machine.InstallProblem("folkmoot-caddy.service did not start")

    before = set(root.state())
    with monkeypatch.context() as patch:
        patch.setattr("folkmoot.portability.install.plan.Plan._start", fail)
        assert root(*ANSWERS).code == 1
    assert root("--remove", "--yes").code == 0
    of_users = ("etc/passwd", "etc/group", "etc/shadow", "etc/gshadow", "etc/.pwd")
    assert {path for path in set(root.state()) - before if not path.startswith(of_users)} == {"var/lib/folkmoot/folkmoot.toml"}


def test_a_dry_run_shows_every_file_in_full_and_changes_nothing(root: Root) -> None:
    shown = root(*ANSWERS, "--dry-run")
    as_json = root(*ANSWERS, "--dry-run", "--json").answer
    assert set(root.state()) == {"etc/passwd"}
    root(*ANSWERS)
    record = json.loads(root.text("etc/folkmoot/installed.json"))
    assert {row["path"] for row in as_json["files"]} == set(record["files"])
    for row in as_json["files"]:
        content = root.text(row["path"].lstrip("/"))
        assert row["content"] == content
        assert content.rstrip() in shown.stdout
        assert f"# ---- {row['path']}  (new, " in shown.stdout
    again = root("--registration", "open", "--yes", "--dry-run").stdout
    assert [line.split()[2] for line in again.splitlines() if line.startswith("# ---- /")] == ["/var/lib/folkmoot/folkmoot.toml"]
    assert root("--yes", "--dry-run").stdout == "Nothing was done. Everything is installed as wanted.\n"


def test_removal_keeps_the_data_and_what_the_operator_added(root: Root) -> None:
    before = set(root.state())
    root(*ANSWERS)
    (root.path / "var/lib/folkmoot/media").mkdir()
    (root.path / "var/lib/folkmoot/media/picture").write_text("pixels")
    (root.path / "etc/folkmoot/caddy.d/mine.caddy").write_text("header X-Mine yes\n")
    assert root("--remove").code == 1  # without a terminal it must be confirmed
    shown = root("--remove", "--dry-run")
    removable, stays = shown.stdout.splitlines()[1:-1], shown.stdout.splitlines()[-1]
    assert stays == "The data in /var/lib/folkmoot would stay."
    assert (root.path / UNITS / "folkmoot.service").exists()
    ended = root("--remove", "--yes", "--json")
    assert (ended.code, ended.answer["kept"], ended.answer["removed"]) == (0, ["/var/lib/folkmoot"], removable)
    assert "/etc/systemd/system/folkmoot.service" in removable
    of_users = ("etc/passwd", "etc/group", "etc/shadow", "etc/gshadow", "etc/.pwd")
    kept = {path for path in set(root.state()) - before if not path.startswith(of_users)}
    assert kept == {"var/lib/folkmoot/folkmoot.toml", "var/lib/folkmoot/media/picture", "etc/folkmoot/caddy.d/mine.caddy"}
    again = root("--remove", "--yes", "--json")
    assert (again.code, again.answer["error"]) == (1, "install")
    assert root("--yes").code == 0  # the answers are in the kept settings
    assert root.settings["server"]["base_url"] == "https://moot.example.org"


def test_a_new_release_replaces_the_old_one_and_the_one_before_is_kept(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    names = []
    for version in ("0.1.0", "0.2.0", "0.3.0"):
        monkeypatch.setattr("folkmoot.__version__", version)
        assert root(*ANSWERS).code == 0
        names.append(os.readlink(root.path / "opt/folkmoot/current"))
    assert [name.partition("-")[0] for name in names] == ["0.1.0", "0.2.0", "0.3.0"]
    assert {path.name for path in (root.path / "opt/folkmoot").iterdir()} == {"current", *names[1:]}


def test_an_incomplete_release_is_installed_again(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_release: Release) -> None:
        raise machine.InstallProblem("`pip` failed: %(why)s", why="no network")

    with monkeypatch.context() as patch:
        patch.setattr(Release, "_make_environment", fail)
        ended = root(*ANSWERS, "--json")
    assert (ended.code, ended.answer["message"]) == (1, "`pip` failed: no network")
    assert not (root.path / UNITS).exists()  # nothing starts without its program
    assert root(*ANSWERS).code == 0
    assert (root.path / "opt/folkmoot/current/.venv/bin/caddy").exists()


@pytest.mark.parametrize(("options", "says"), [
    ((), "--domain moot.example.org --email hana@example.org"), (("--domain", "moot.example.org"), "with: --email hana@example.org"),
    ((*ANSWERS, "--data", "/home/hana/moot"), "services see no home"), ((*ANSWERS, "--data", "/srv/a b"), "characters"),
    ((*ANSWERS[:-1],), "add --yes"), ((*ANSWERS, "--smtp", "notify@mail.example.org"), "needs a password"),
    (("--remove", "--yes"), "Nothing is installed here"),
])
def test_a_refusal_is_one_sentence_and_changes_nothing(root: Root, options: tuple[str, ...], says: str) -> None:
    ended = root(*options, "--json")
    assert ended.code == 1
    assert says in ended.answer["message"]
    assert set(root.state()) == {"etc/passwd"}


def test_other_data_are_refused_while_something_is_installed(root: Root) -> None:
    root(*ANSWERS)
    ended = root("--data", "/srv/moot", "--yes", "--json")
    assert ended.code == 1
    assert "--remove" in ended.answer["message"]


@pytest.mark.parametrize("user", [0, 1000])
def test_without_root_or_systemd_the_command_says_how_to_go_on(root: Root, monkeypatch: pytest.MonkeyPatch, user: int) -> None:
    monkeypatch.setattr(machine.os, "geteuid", lambda: user)
    monkeypatch.setattr(machine, "SYSTEMD", root.path / "run/systemd/system")
    with pytest.raises(machine.InstallProblem, match="needs systemd" if user == 0 else "sudo bin/moot install"):
        Machine().require()
    (root.path / "run/systemd/system").mkdir(parents=True)
    monkeypatch.setattr(machine.os, "geteuid", lambda: 0)
    Machine().require()


def test_other_commands_advise_systemctl_where_the_network_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "RECORD", tmp_path / "installed.json")
    assert start_command(tmp_path) == f"moot up --data {tmp_path}"
    (tmp_path / "installed.json").write_text(json.dumps({"data": str(tmp_path)}))
    assert start_command(tmp_path) == "systemctl start folkmoot"
    assert start_command(tmp_path / "other") == f"moot up --data {tmp_path / 'other'}"

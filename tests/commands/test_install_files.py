"""The files of an installed host are accepted by the programs that read them: systemd, Caddy and logrotate."""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from folkmoot.commands.settings import sample
from folkmoot.portability.install.answers import Answers, read_smtp
from folkmoot.portability.install.caddyfile import caddyfile
from folkmoot.portability.install.files import File, Wanted, files
from folkmoot.portability.install.settings_file import SettingsFileProblem, parsed, with_values
from tests.network_up import free_port

MOST_EXPOSED = 2.0  # of 10, as `systemd-analyze security` measures
CADDY = Path(sys.executable).with_name("caddy")
ANSWERS = Answers("moot.example.org", "hana@example.org", "cs", read_smtp("notify@mail.example.org"))


def _all(answers: Answers = ANSWERS) -> dict[str, File]:
    return {file.path.name: file for file in files(Wanted(answers, PurePosixPath("/var/lib/folkmoot")), sample())}


UNITS = [name for name in _all() if name.endswith((".service", ".timer", ".socket"))]


def _needs(program: str) -> str:
    """Where the program is; skips the test if nowhere."""
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") or pytest.skip(f"{program} is missing")


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units as files. Their programs are not installed here, so others stand for them."""
    for name in UNITS:
        text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", _all()[name].content, flags=re.MULTILINE)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_systemd_accepts_every_unit_without_a_warning(units: Path) -> None:
    verified = subprocess.run(
        [_needs("systemd-analyze"), "verify", "--man=no", *(units / name for name in UNITS)], capture_output=True, text=True
    )
    about_ours = [line for line in verified.stderr.splitlines() if "folkmoot" in line]
    assert (verified.returncode, about_ours) == (0, [])


@pytest.mark.parametrize("name", [name for name in UNITS if name.endswith(".service")])
def test_services_are_barely_exposed(units: Path, name: str) -> None:
    measured = subprocess.run(
        [_needs("systemd-analyze"), "security", "--offline=true", "--no-pager", units / name], capture_output=True, text=True
    )
    found = re.search(r"Overall exposure level for \S+: (\d+\.\d+)", measured.stdout)
    assert found, measured
    assert float(found[1]) <= MOST_EXPOSED


def test_logrotate_accepts_its_file(tmp_path: Path) -> None:
    file = tmp_path / "folkmoot"
    me = subprocess.run(["id", "-un"], capture_output=True, text=True).stdout.strip()
    text = _all()["folkmoot"].content.replace("su folkmoot folkmoot", f"su {me} {subprocess.getoutput('id -gn')}")
    file.write_text(text.replace("/var/lib/folkmoot/", f"{tmp_path}/"))
    file.chmod(0o644)
    log = tmp_path / "postgres.log"
    with log.open("a") as appended:
        appended.write("first\n")
        appended.flush()
        done = subprocess.run(
            [_needs("logrotate"), "--force", "--state", tmp_path / "state", file], capture_output=True, text=True
        )
        appended.write("second\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert log.read_text() == "second\n"
    assert len(list(tmp_path.glob("postgres.log.1*"))) == 1


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The configuration as Caddy understands it."""
    if not CADDY.exists():
        pytest.skip("caddy is missing")
    file = tmp_path_factory.mktemp("caddy") / "Caddyfile"
    file.write_text(_all()["Caddyfile"].content)
    done = subprocess.run([CADDY, "adapt", "--config", file], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "not formatted" not in done.stderr
    return json.loads(done.stdout)


def test_caddy_has_no_admin_interface_and_logs_nothing_private(adapted: Any) -> None:
    assert adapted["admin"] == {"disabled": True, "config": {"persist": False}}
    logs = adapted["logging"]["logs"]
    assert len(logs) == 2  # Caddy's own log, in which failed requests are, and that of all requests
    for log in logs.values():
        fields = log["encoder"]["fields"]
        private = {*(f"request>{name}" for name in ("remote_ip", "remote_port", "client_ip", "headers", "tls")), "resp_headers", "user_id"}
        assert {name for name, field in fields.items() if field["filter"] == "delete"} == private
        uri = fields["request>uri"]

        def logged(path: str, uri: dict[str, str] = uri) -> str:
            return re.sub(uri["regexp"], uri["value"].replace("$1", r"\1"), path)

        assert logged("/reset/JHrNXuBi?next=/") == "/reset"
        assert logged("/search?q=secret") == "/search"
        assert logged("/@hana/123") == "/@hana"
        assert logged("/api/v1/accounts/12/follow?x=1") == "/api/v1/accounts"
        assert logged("/?access_token=1") == "/"


def test_caddy_compresses_texts_but_no_event_streams(adapted: Any) -> None:
    text = json.dumps(adapted)
    compressed = re.search(r'"handler": "encode", "match": \{"headers": \{"Content-Type": (\[[^]]*\])', text)
    assert compressed, text
    kinds = [kind.rstrip("*") for kind in json.loads(compressed[1])]
    assert "application/json" in kinds
    assert not any("text/event-stream".startswith(kind) for kind in kinds)


@pytest.mark.parametrize(("language", "sentence"), [("cs", "Síť se právě znovu spouští."), ("en", "The network is restarting.")])
def test_visitors_get_a_friendly_page_and_apps_json_while_the_network_does_not_answer(tmp_path: Path, language: str, sentence: str) -> None:
    if not CADDY.exists():
        pytest.skip("caddy is missing")
    port, backend = free_port(), free_port()
    text = caddyfile(Answers("moot.example.org", "hana@example.org", language), backend)
    text = text.replace("moot.example.org {", f"http://127.0.0.1:{port} {{").replace("lb_try_duration 10s", "lb_try_duration 0s")
    (tmp_path / "Caddyfile").write_text(text)
    where = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    with subprocess.Popen([CADDY, "run", "--config", tmp_path / "Caddyfile"], stderr=subprocess.PIPE, text=True, env=where) as caddy:
        try:
            assert caddy.stderr
            next(line for line in caddy.stderr if "serving initial configuration" in line)
            for path, kind in (("/", "text/html; charset=utf-8"), ("/api/v1/instance", "application/json")):
                with pytest.raises(urllib.error.HTTPError) as answered:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10)
                with answered.value as answer:
                    assert (answer.code, answer.headers["content-type"], answer.headers["retry-after"]) == (503, kind, "5")
                    body = answer.read().decode()
                assert sentence in body
                assert kind != "application/json" or sentence in json.loads(body)["error"]
        finally:
            caddy.terminate()


def test_values_keep_the_words_of_the_operator() -> None:
    text = '# mine\n[network]\n# Name.\nname = "Náves"  # ours\n# language = "en"\n\n# The server.\n[server]\nport = 9000\n'
    edited = with_values(
        text, {("network", "language"): "cs", ("server", "port"): 8420, ("mail", "host"): "m", ("network", "time_zone"): "UTC"}
    )
    assert edited == (
        '# mine\n[network]\n# Name.\nname = "Náves"  # ours\nlanguage = "cs"\ntime_zone = "UTC"\n\n# The server.\n[server]\nport = 8420\n'
        '\n[mail]\nhost = "m"\n'
    )
    assert with_values(edited, {("network", "name"): "Náves", ("server", "port"): 8420}) == edited


def test_a_form_that_cannot_be_edited_is_refused_with_the_line_to_write() -> None:
    listed = '[server]\ntrusted_proxies = [\n  "10.0.0.1",\n]\n'
    with pytest.raises(SettingsFileProblem) as refused:
        with_values(listed, {("server", "trusted_proxies"): ["127.0.0.1"]})
    assert refused.value.code == "settings_file"
    with pytest.raises(SettingsFileProblem, match="not valid TOML"):
        with_values("[server", {})


def test_every_setting_of_the_answers_exists_and_mail_can_be_switched_off_again(tmp_path: Path) -> None:
    from folkmoot import config

    file = tmp_path / "folkmoot.toml"
    file.write_text(_all()["folkmoot.toml"].content)
    settings = config.load(tmp_path)  # unknown names are errors
    assert (settings.mail.host, settings.mail.port, settings.mail.user) == ("mail.example.org", 587, "notify")
    assert settings.mail.sender == "folkmoot@moot.example.org"
    without = Answers("moot.example.org", "hana@example.org")
    file.write_text(with_values(file.read_text(), without.values(parsed(file.read_text()))))
    assert config.load(tmp_path).mail.host == ""

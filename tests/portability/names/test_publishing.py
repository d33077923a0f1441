"""The lifeboat is published in each kind of place, by real servers, and is never half there."""

import shlex
import sys
from pathlib import Path

import obstore
import pytest
from obstore.store import S3Store

from folkmoot.portability.host import HostState
from folkmoot.portability.names import publishing
from folkmoot.portability.names.model import NamesProblem
from folkmoot.portability.names.packages import command_to_install
from folkmoot.portability.names.publishing import OPEN_TO_APPS, publish
from folkmoot.portability.offsite.ssh_key import ensure_ssh_key
from folkmoot.portability.offsite.ssh_server import KNOWN_HOSTS
from folkmoot.portability.offsite.target import Credentials
from tests.portability.names.hosts import make_host
from tests.portability.servers import s3_server, ssh_server

FILES = {"index.html": b"<h1>one</h1>", "lifeboat.json": b"{}", "archive/1.html": b"<h1>posts</h1>", "fonts/a.woff2": b"font"}
NOTHING = Credentials()


def _kept(folder: Path) -> dict[str, bytes]:
    files = [file for file in folder.rglob("*") if file.is_file() and file.name not in OPEN_TO_APPS]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def test_a_folder_gets_all_files_and_they_are_replaced(tmp_path: Path) -> None:
    publish(str(tmp_path / "site"), FILES, NOTHING)
    publish(str(tmp_path / "site"), {**FILES, "index.html": b"<h1>two</h1>"}, NOTHING)
    assert _kept(tmp_path / "site") == {**FILES, "index.html": b"<h1>two</h1>"}
    assert b"Access-Control-Allow-Origin" in (tmp_path / "site" / ".htaccess").read_bytes()
    assert (tmp_path / "site" / "index.html").stat().st_mode & 0o777 == 0o644  # a web server reads it
    (tmp_path / "file").touch()
    with pytest.raises(NamesProblem):
        publish(str(tmp_path / "file"), FILES, NOTHING)


@pytest.mark.parametrize("target", ["http://pages.example", "https://pages.example/moot", "ftp:pages.example:/moot"])
def test_an_address_does_not_become_a_folder_of_that_name(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NamesProblem, match="must be a folder"):
        publish(target, FILES, NOTHING)
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_answered_by_a_command_that_can_be_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    for lists in ("dns", "s3"):
        python, *pip, file = shlex.split(command_to_install(lists))
        assert (python, pip, Path(file).is_file()) == (sys.executable, ["-m", "pip", "install", "-r"], True)
    monkeypatch.setattr(publishing, "find_spec", lambda _name: None)
    with pytest.raises(NamesProblem) as problem:
        publish("s3:https://s3.example/page", FILES, NOTHING)
    assert command_to_install("s3") in str(problem.value.message % problem.value.params)


def test_an_sftp_server_gets_all_files(open_folder: Path) -> None:
    data = make_host(open_folder / "data", HostState())
    authorized = open_folder / "authorized"
    authorized.write_text(ensure_ssh_key(data) + "\n")
    with ssh_server(open_folder, authorized) as server:
        port = server.location.rpartition(":")[2].partition("/")[0]
        key = (open_folder / "server-key.pub").read_text().rsplit(" ", 1)[0]
        (data.path / "secrets" / KNOWN_HOSTS).write_text(f"[127.0.0.1]:{port} {key}\n")
        credentials = Credentials(secrets=data.path / "secrets")
        for _ in range(2):
            publish(server.location, FILES, credentials)
        assert server.folder
        assert _kept(server.folder) == FILES
        (data.path / "secrets" / KNOWN_HOSTS).write_text("")
        with pytest.raises(NamesProblem):  # an unknown server gets nothing
            publish(server.location, FILES, credentials)


def test_a_store_gets_all_files_with_their_types(open_folder: Path) -> None:
    with s3_server(open_folder) as server:
        address = server.location.removeprefix("s3:").rpartition("/moot/")[0]
        given = Credentials(server.user, server.password)
        store = S3Store(
            "moot", endpoint=address, access_key_id=server.user, secret_access_key=server.password, region="us-east-1",
            virtual_hosted_style_request=False, client_options={"allow_http": True},
        )
        _make_bucket(address, server.user, server.password)
        publish(f"s3:{address}/moot/page", FILES, given)
        for name, content in FILES.items():
            found = obstore.get(store, f"page/{name}")
            assert bytes(found.bytes()) == content
        assert obstore.get(store, "page/index.html").attributes["Content-Type"] == "text/html; charset=utf-8"
        with pytest.raises(NamesProblem):
            publish(f"s3:{address}/moot/page", FILES, Credentials(server.user, "wrong"))
    with pytest.raises(NamesProblem):
        publish("s3:https://host.example", FILES, given)


def _make_bucket(address: str, user: str, password: str) -> None:
    """SeaweedFS makes a bucket with the first object, if the user is an administrator."""
    obstore.put(S3Store(
        "moot", endpoint=address, access_key_id=user, secret_access_key=password, region="us-east-1",
        virtual_hosted_style_request=False, client_options={"allow_http": True},
    ), "first", b"x", use_multipart=False)

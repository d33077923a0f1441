"""Where the repository is: a folder, an SFTP server, an S3-compatible store, or a REST server of restic.

`locate` checks a location that an operator typed. Credentials are passed to restic in its environment, because other
users of a machine can read arguments. A REST server or a policy of the store can refuse deletion: decision 0061.
"""

import os
import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from folkmoot.base.errors import Problem
from folkmoot.portability.offsite.ssh_server import KNOWN_HOSTS, SSH_KEY, SshServer, ssh_server

_SSH_OPTIONS = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3"]
_EXAMPLES = "a folder, sftp:USER@HOST:/FOLDER, s3:https://HOST/BUCKET/NAME or rest:https://HOST/NAME"


class RepositoryProblem(Problem):
    """The repository cannot be reached, opened, read or written."""

    code = "repository"


@dataclass(frozen=True)
class Credentials:
    """What the server of a repository asks for. `user`: access key of S3, or user of a REST server."""

    user: str = ""
    password: str = ""
    secrets: Path | None = None  # folder with the SSH key and the known hosts


@dataclass(frozen=True)
class Target:
    """A repository as restic takes it. `shown`: its location without a password."""

    location: str
    shown: str
    folder: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    ssh: SshServer | None = None

    @classmethod
    def of_folder(cls, folder: Path) -> "Target":
        absolute = folder.absolute()
        return cls(str(absolute), str(absolute), absolute)

    def __str__(self) -> str:
        return self.shown


def locate(location: str, credentials: Credentials | None = None) -> Target:
    """The repository at `location`. Raises RepositoryProblem if it cannot be one, or if a program is missing."""
    require_restic()
    kind = found.group(1) if (found := re.match(r"([a-z0-9]{2,}):", location)) else ""
    given = credentials or Credentials()
    if not kind:
        return Target.of_folder(Path(location))
    if kind == "sftp":
        return _sftp(location, given)
    if kind == "s3":
        keys = {"AWS_ACCESS_KEY_ID": given.user, "AWS_SECRET_ACCESS_KEY": given.password} if given.user else {}
        return Target(location, location, environment=keys)
    if kind == "rest":
        return _rest(location, given)
    raise RepositoryProblem("%(location)s cannot be a repository: it must be %(examples)s.", location=location, examples=_EXAMPLES)


def require_restic() -> None:
    if not shutil.which("restic"):
        raise RepositoryProblem(
            "restic is not installed, and backups need it. Debian, Ubuntu: apt-get install restic. macOS: brew install restic."
        )


def ssh_address(location: str) -> tuple[str, str, int | None]:
    """User (may be empty), host and port of `sftp:USER@HOST:/FOLDER` or `sftp://USER@HOST:PORT//FOLDER`."""
    if location.startswith("sftp://"):
        parts = urlsplit(location)
        return parts.username or "", parts.hostname or "", parts.port
    user, _, host = location.removeprefix("sftp:").partition(":")[0].rpartition("@")
    return user, host, None


def sftp_options(given: Credentials) -> list[str]:
    """Options of ssh and sftp: the key of this network, the servers that it knows, and no questions."""
    options = list(_SSH_OPTIONS)
    for name, before in ((SSH_KEY, ["-o", "IdentitiesOnly=yes", "-i"]), (KNOWN_HOSTS, ["-o"])):
        if given.secrets and (file := given.secrets / name).exists():
            options += [*before, f"UserKnownHostsFile={file}" if name == KNOWN_HOSTS else str(file)]
    return options


def _sftp(location: str, given: Credentials) -> Target:
    user, host, port = ssh_address(location)
    if not host or "/" in host or host.startswith("-") or user.startswith("-"):
        raise RepositoryProblem("%(location)s names no host. An example: sftp:backup@host.example:/srv/moot", location=location)
    if not shutil.which("ssh"):
        raise RepositoryProblem("ssh is not installed, and an SFTP server needs it. Debian, Ubuntu: apt-get install openssh-client.")
    command = ["ssh", *sftp_options(given), *(["-p", str(port)] if port else []), *(["-l", user] if user else []), host, "-s", "sftp"]
    return Target(location, location, options=("-o", f"sftp.command={shlex.join(command)}"), ssh=ssh_server(host, port, given.secrets))


def _rest(location: str, given: Credentials) -> Target:
    """restic 0.14 reads user and password of a REST server from the URL only, so that of the environment contains them."""
    parts = urlsplit(location.removeprefix("rest:"))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RepositoryProblem(
            "%(location)s names no server. An example: rest:https://host.example:8000/moot/", location=without_password(location)
        )
    host = parts.netloc.rpartition("@")[2]
    if given.user and not parts.username:
        parts = parts._replace(netloc=f"{quote(given.user, safe='')}:{quote(given.password, safe='')}@{host}")
    return Target(f"rest:{urlunsplit(parts)}", without_password(location))


def without_password(location: str) -> str:
    return re.sub(r"(://[^/@:]+):[^@/]*@", r"\1@", location)


def plain_environment() -> dict[str, str]:
    """The environment of the caller without the variables of restic, which would change what it does."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RESTIC_")}

"""An SFTP server as ssh on this host sees it: which keys both sides know, and what to type where one of them knows too little."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SSH_KEY, KNOWN_HOSTS = "offsite-ssh-key", "offsite-known-hosts"  # files in the folder of secrets


@dataclass(frozen=True)
class SshServer:
    """`key`: the file with the key of this host, or None if ssh chooses one of its user."""

    host: str
    port: int | None
    key: Path | None
    known_hosts: Path

    @property
    def learn(self) -> str:
        """The command that makes its key known to this host. Root runs it, and the user of the network must be able to read the file."""
        file = shlex.quote(str(self.known_hosts))
        before = "" if self.known_hosts.parent.is_dir() else f"mkdir -m 700 {shlex.quote(str(self.known_hosts.parent))} && "
        after = f" && chmod a+r {file}" if self.known_hosts.name == KNOWN_HOSTS else ""
        port = f"-p {self.port} " if self.port else ""
        return f"{before}ssh-keyscan {port}{self.host} >> {file}{after}"

    @property
    def forget(self) -> str:
        """The command that removes the key that is known."""
        name = f"[{self.host}]:{self.port}" if self.port else self.host
        return f"ssh-keygen -R {shlex.quote(name)} -f {shlex.quote(str(self.known_hosts))}"

    def refusal(self, text: str, where: object) -> tuple[str, dict[str, Any]] | None:
        """A sentence, and its parameters, if one side does not accept the key of the other. `text`: what ssh has printed."""
        if "IDENTIFICATION HAS CHANGED" in text:
            return (
                "The server of %(where)s has another key than before: it was installed anew, or another machine answers in its place. Ask"
                " its operator. Only if the new key is right: %(forget)s && %(learn)s",
                {"where": where, "forget": self.forget, "learn": self.learn})
        if "Host key verification failed" in text:
            return (
                "The key of the server of %(where)s is not known to this host. Add it, and compare it with what the server's operator says:"
                " %(learn)s", {"where": where, "learn": self.learn})
        if not is_denied(text):
            return None
        if self.key:
            return (
                "The server of %(where)s does not accept this host's SSH key. Add to authorized_keys there what this prints:"
                " ssh-keygen -y -f %(key)s", {"where": where, "key": self.key})
        return (
            "The server of %(where)s accepts no SSH key of this user. Make one if there is none (ssh-keygen -t ed25519), and add its line"
            " in ~/.ssh/*.pub to authorized_keys there.", {"where": where})


def is_denied(text: str) -> bool:
    """Whether the server accepts no key of this host."""
    return "ermission denied (" in text


def ssh_server(host: str, port: int | None, secrets: Path | None) -> SshServer:
    """Without a data directory, as before a restore, ssh uses the files of its user."""
    if secrets is None or not secrets.is_dir():
        return SshServer(host, port, None, Path.home() / ".ssh" / "known_hosts")
    return SshServer(host, port, key if (key := secrets / SSH_KEY).exists() else None, secrets / KNOWN_HOSTS)

"""A real IMAP server, Dovecot, for the tests of the mailbox. It runs as the user of the tests, in a folder of its own."""

import ctypes
import getpass
import grp
import imaplib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.waiting import SECONDS

_END_WITH_PARENT = 1  # option of prctl
PASSWORD = "hrusky"  # of every user
_CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_failure_delay = 0
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {login}
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:{folder}/mail/%u
mail_uid = {mail}
mail_gid = {mail_group}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = home={folder}/home
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


def find_dovecot() -> str | None:
    return shutil.which("dovecot", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")


def _end_with_parent() -> None:
    """A run that is killed leaves no server behind: the processes of Dovecot end with the first one."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_END_WITH_PARENT, signal.SIGTERM)


class ImapServer:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = find_dovecot()
        assert program
        for name in ("run", "state", "mail", "home"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        config = self._folder / "dovecot.conf"
        config.write_text(_CONFIG.format(
            folder=self._folder, password=PASSWORD, port=self.port, **self._users()
        ))
        self._process = subprocess.Popen([program, "-F", "-c", str(config)], start_new_session=True, preexec_fn=_end_with_parent)
        end = time.monotonic() + SECONDS
        while True:
            try:
                self.client().logout()
                return
            except (OSError, imaplib.IMAP4.abort):
                assert time.monotonic() < end, (self._folder / "log").read_text("utf-8")
                time.sleep(0.05)

    def forget_uids(self, user: str) -> None:
        """Numbers the mails of a user anew, as after a restore of the mail server. A numbering is known by the second in which it was
        begun, so this waits for the next one."""
        time.sleep(1 - time.time() % 1)
        for file in (self._folder / "mail" / user).glob("dovecot*"):
            file.unlink()

    def _users(self) -> dict[str, str]:
        """Root cannot own mails, so Debian's users of Dovecot do; anybody else runs everything."""
        if os.getuid() == 0:
            for name in ("mail", "home"):
                shutil.chown(self._folder / name, "nobody", "nogroup")
            return {"internal": "dovecot", "group": "dovecot", "login": "dovenull", "mail": "nobody", "mail_group": "nogroup"}
        user, group = getpass.getuser(), grp.getgrgid(os.getgid()).gr_name
        return {"internal": user, "group": group, "login": user, "mail": user, "mail_group": group}

    def stop(self) -> None:
        assert self._process
        os.killpg(self._process.pid, signal.SIGKILL)  # it would wait for its clients
        self._process.wait(SECONDS)

    def client(self, user: str = "nobody") -> imaplib.IMAP4:
        client = imaplib.IMAP4("127.0.0.1", self.port, timeout=SECONDS)
        client.login(user, PASSWORD)
        return client

    def put(self, user: str, *mails: bytes) -> None:
        """Puts mails into the mailbox of a user, as a mail server does."""
        client = self.client(user)
        for mail in mails:
            kind, answer = client.append("INBOX", "", "", mail)
            assert kind == "OK", answer
        client.logout()

"""The keeper of certificates: a program of Caddy's user that answers one question of the network and ends.

systemd starts it for each connection to a socket that only the network's user can open. It merges the certificates of the
question into Caddy's storage, and answers what is there. On a host that is not the primary it writes a part of the
configuration by which Caddy shows the certificate that it has and asks no authority: the public name leads to another host, so
an authority would refuse, and after some refusals it refuses the primary too. Caddy reloads without a failed request, except that a
connection which it has not accepted at this moment is reset; browsers ask again.
"""

import fcntl
import hashlib
import os
import signal
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import msgspec

from folkmoot.base import clock
from folkmoot.portability.certificates.model import FIXED, MOST_BYTES, PID, Answer, Bundle, Question
from folkmoot.portability.certificates.storage import merge, newest_for, read_storage, write_file

STORAGE = "caddy"  # in the folder of Caddy's user
_PART = "tls.caddy"


def answer(folder: Path, question: Question) -> Answer:
    """`folder`: of Caddy's user. One question at a time."""
    now = clock.now()
    with open(folder / "keeper.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        merge(folder / STORAGE, question.bundle, now)
        bundle = read_storage(folder / STORAGE, now)
        found = newest_for(question.domain, bundle, now)
        if _fix(folder / FIXED, {} if question.obtains else _fixed(folder / FIXED, question.domain, bundle, now)):
            _reload(folder / PID)
    return Answer(bundle=bundle, until=found.until if found else None)


def _fixed(folder: Path, domain: str, bundle: Bundle, now: datetime) -> Bundle:
    """The files by which Caddy shows a certificate and asks no authority. Without one, Caddy makes one that nobody trusts."""
    found = newest_for(domain, bundle, now)
    if found is None:
        return {_PART: b"tls internal\n"}
    name = f"{hashlib.sha256(found.pem).hexdigest()[:32]}.pem"  # another content has another name: Caddy compares configurations
    return {name: found.pem, _PART: f"tls {folder / name} {folder / name}\n".encode()}


def _fix(folder: Path, wanted: Bundle) -> bool:
    """Makes the files of the folder these, the configuration last. Returns whether that was a change."""
    before = {file.name: file for file in folder.glob("*")}
    new = {name: content for name, content in wanted.items() if name not in before or before[name].read_bytes() != content}
    old = before.keys() - wanted.keys()
    if _PART in old:  # it names the others
        before[_PART].unlink()
    for name, content in sorted(new.items(), key=lambda entry: entry[0] == _PART):
        write_file(folder / name, content)
    for name in old - {_PART}:
        before[name].unlink()
    return bool(new or old)


def _reload(file: Path) -> None:
    """Tells Caddy, if it runs, to read its configuration again."""
    with suppress(FileNotFoundError, ValueError, ProcessLookupError, PermissionError):
        process = int(file.read_text())
        if not _is_another_program(process):
            os.kill(process, signal.SIGUSR1)


def _is_another_program(process: int) -> bool:
    """Whether Caddy was killed and its number given to something else. The unit hides processes with more rights, such as Caddy."""
    with suppress(FileNotFoundError):
        return Path(f"/proc/{process}/comm").read_text().strip() != "caddy"
    return False


def main() -> None:
    """Reads a question from standard input, which is the connection, and writes the answer. The folder is the only argument."""
    text = sys.stdin.buffer.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        sys.exit("The question is too long.")
    try:
        question = msgspec.json.decode(text, type=Question)
    except msgspec.DecodeError as error:
        sys.exit(f"The question cannot be read: {error}")
    sys.stdout.buffer.write(msgspec.json.encode(answer(Path(sys.argv[1]), question)))


if __name__ == "__main__":
    main()

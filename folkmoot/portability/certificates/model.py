"""What the network and the keeper of certificates tell each other. No input or output."""

from datetime import datetime
from pathlib import Path

import msgspec

PID = "caddy.pid"  # in the folder of Caddy's user
FIXED = "fixed"  # beside it: what Caddy of a host shows that is not the primary
SECRET = "https-certificates"  # in DATA/secrets: the bundle, which a standby and a restored host get with all other secrets
MOST_BYTES = 1024 * 1024  # of a question and of an answer
Bundle = dict[str, bytes]  # files by their path below Caddy's folder


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """`obtains`: whether Caddy of this host may ask a certificate authority. `bundle`: what this host knows."""

    domain: str
    obtains: bool
    bundle: Bundle


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What Caddy has now. `until`: the end of the certificate for the domain, None if there is none."""

    bundle: Bundle
    until: datetime | None = None


def read_bundle(file: Path) -> Bundle:
    """A stored bundle; an empty one if there is none, or if another release has written something else."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Bundle)
    except (FileNotFoundError, msgspec.DecodeError):
        return {}

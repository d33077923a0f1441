"""A settings file on another machine: what was true on the machine before is commented out, and nothing else changes."""

import tomllib

import pytest

from folkmoot.commands.settings import sample
from folkmoot.portability.restored_settings import without_old_machine

BEFORE = """\
# Our network, since 2026.
[server]
host = "203.0.113.7"   # the public card
port = 8500
processes = 8
base_url = "https://moot.example.org"
trusted_proxies = ["127.0.0.1"]
certificates = "/run/folkmoot-certificates.socket"

[database]
url = "postgresql://moot@db.internal/moot"
readers = 12

[ hosts ]
name = "brno"
port = 8600
address = "brno.example.org"

[names]
provider = "cloudflare"
addresses = [
    "203.0.113.7",  # by hand
    "2001:db8::7",
]
others = ["https://moot.example.net"]

[secrets]
folder = "/run/secrets"
"""


def test_what_was_true_on_the_machine_before_is_left_out() -> None:
    text, names = without_old_machine(BEFORE)
    assert names == ["server.host", "server.processes", "server.certificates", "database.url", "hosts.name", "hosts.address",
                     "names.addresses", "secrets.folder"]
    assert tomllib.loads(text) == {
        "server": {"port": 8500, "base_url": "https://moot.example.org", "trusted_proxies": ["127.0.0.1"]},
        "database": {"readers": 12}, "hosts": {"port": 8600},
        "names": {"provider": "cloudflare", "others": ["https://moot.example.net"]}, "secrets": {},
    }
    assert [line.removeprefix("# of the machine before: ") for line in text.splitlines()] == BEFORE.splitlines()
    assert without_old_machine(text) == (text, [])


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "0.0.0.0", "::", "localhost", ""])
def test_an_address_that_every_machine_has_stays(host: str) -> None:
    text = f'[server]\nhost = "{host}"\n\n[hosts]\nhost = "{host}"\n'
    assert without_old_machine(text) == (text, [])


def test_a_file_without_such_settings_stays_as_it_is() -> None:
    assert without_old_machine(sample()) == (sample(), [])


@pytest.mark.parametrize("text", [
    "[server\nprocesses = 8", '[network]\ndescription = """\n[server]\nprocesses = 8\n"""\n[server]\nport = 1\n',
    '[network]\ndescription = """\n[server]\nprocesses = 7\n"""\n[server]\nprocesses = 8\n',
    '[network]\nname = "two\\u2028lines"\n',
    '[network]\nname = "two\u2028lines"\n', "",
])
def test_a_file_that_is_not_understood_stays_as_it_is(text: str) -> None:
    assert without_old_machine(text) == (text, [])

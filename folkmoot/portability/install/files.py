"""Every file of an installed host, in full, and what must restart when one changes. `moot install --dry-run` prints them."""

from dataclasses import dataclass, field
from pathlib import PurePosixPath

from folkmoot.portability.certificates.trust import ACME_ROOT
from folkmoot.portability.install import units
from folkmoot.portability.install.answers import Answers
from folkmoot.portability.install.caddyfile import caddyfile
from folkmoot.portability.install.settings_file import parsed, with_values

JOURNAL = "systemd-journald.service"
SETTINGS = "folkmoot.toml"


@dataclass(frozen=True)
class File:
    """One file. `restarts`: the unit that reads it at its start. `is_data`: it stays when the host is removed."""

    path: PurePosixPath
    content: str = field(repr=False)
    mode: int = 0o644
    user: str = "root"
    group: str = "root"
    restarts: str = ""
    is_data: bool = False
    is_secret: bool = False


@dataclass(frozen=True)
class Wanted:
    """What an operator wants: answers, the place of the data, and perhaps a password for mail and another certificate authority
    (`acme`: its directory, `acme_root`: its certificate)."""

    answers: Answers
    data: PurePosixPath
    port: int = 8420
    mail_password: str = field(default="", repr=False)
    acme: str = ""
    acme_root: str = ""


def files(wanted: Wanted, settings_text: str) -> list[File]:
    """All files. `settings_text`: the settings file as it is, or the sample."""
    data, etc, system = wanted.data, PurePosixPath("/etc"), PurePosixPath("/etc/systemd/system")
    settings = with_values(settings_text, wanted.answers.values(parsed(settings_text)))
    found = [
        File(etc / "sysusers.d/folkmoot.conf", units.users()),
        File(PurePosixPath(units.PROGRAM), units.program(data), 0o755),
        File(data / SETTINGS, settings, 0o640, group=units.USER, restarts=units.NETWORK_UNIT, is_data=True),
        File(system / units.NETWORK_UNIT, units.network_unit(data), restarts=units.NETWORK_UNIT),
        File(
            etc / "folkmoot/Caddyfile", caddyfile(wanted.answers, wanted.port, wanted.acme, str(ACME_ROOT) if wanted.acme_root else ""),
            restarts=units.PROXY_UNIT,
        ),
        File(system / units.PROXY_UNIT, units.proxy_unit(), restarts=units.PROXY_UNIT),
        File(system / units.KEEPER_SOCKET, units.keeper_socket(), restarts=units.KEEPER_SOCKET),
        File(system / units.KEEPER_UNIT, units.keeper_unit()),
        File(system / "folkmoot-doctor.service", units.check_unit(data)),
        File(system / units.CHECK_TIMER, units.check_timer(), restarts=units.CHECK_TIMER),
        File(etc / "systemd/journald.conf.d/folkmoot.conf", units.journal_limits(), restarts=JOURNAL),
        File(etc / "logrotate.d/folkmoot", units.log_rotation(data)),
    ]
    if wanted.acme_root:
        found.append(File(ACME_ROOT, wanted.acme_root, restarts=units.PROXY_UNIT))
    if wanted.mail_password:
        found.append(File(
            data / "secrets/mail-password", wanted.mail_password + "\n", 0o600, units.USER, units.USER, units.NETWORK_UNIT,
            is_data=True, is_secret=True,
        ))
    return found

"""Checks of the certificates that travel: whether Caddy of this host exchanges them, and whether the network has a valid one."""

from collections.abc import Iterator
from datetime import timedelta

from folkmoot.commands.checks.model import GOOD, WARNING, Finding
from folkmoot.config import Settings

_SOON, _SHARE = timedelta(days=7), 5  # Caddy renews when a third of the lifetime is left; some authorities give six days


def check_certificates(settings: Settings) -> Iterator[Finding]:
    """Nothing without `moot install`: then the operator has another TLS server, or none."""
    from folkmoot.base import clock
    from folkmoot.portability.certificates.exchange import has_keeper
    from folkmoot.portability.certificates.model import SECRET, read_bundle
    from folkmoot.portability.certificates.storage import newest_for
    from folkmoot.portability.host import PRIMARY, Host, HostProblem

    if not settings.is_secure or not settings.server.certificates:
        return
    if not has_keeper(settings):
        yield Finding("certificates.exchange", WARNING, f"{settings.server.certificates} is missing, so certificates stay with Caddy",
                      "after a move or a restore, visitors would wait for new ones", "moot install")
    domain = settings.domain.partition(":")[0]
    try:
        found = newest_for(domain, read_bundle(settings.data / "secrets" / SECRET), clock.now())
        is_primary = Host(settings.data).role == PRIMARY
    except (PermissionError, HostProblem):  # not for this user, or a finding of the machine
        return
    log = "on the primary: journalctl -u folkmoot-caddy" if not is_primary else "journalctl -u folkmoot-caddy says why"
    if found is None:
        yield Finding("certificates.domain", WARNING, f"the secrets of this network contain no valid certificate for {domain}",
                      "after a move or a restore, visitors would wait for one", log)
    elif found.until - clock.now() < min(_SOON, found.lifetime / _SHARE):
        yield Finding("certificates.domain", WARNING, f"the certificate for {domain} ends at {found.until:%Y-%m-%d %H:%M} UTC",
                      "it should have been renewed long before", log)
    else:
        yield Finding("certificates.domain", GOOD, f"the certificate for {domain} is among the secrets, valid until {found.until:%Y-%m-%d}")

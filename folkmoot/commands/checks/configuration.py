"""Checks of the settings: values that are acceptable for a trial, but not for a public network."""

from collections.abc import Iterator

from folkmoot.commands.checks.model import GOOD, WARNING, Finding
from folkmoot.config import Settings


def check_settings(settings: Settings) -> Iterator[Finding]:
    yield from _address(settings)
    yield from _mail(settings)
    yield from _public_words(settings)
    yield from _trial_values(settings)


def _address(settings: Settings) -> Iterator[Finding]:
    file = settings.data / "folkmoot.toml"
    if not settings.server.base_url:
        yield Finding("address.set", WARNING, f"no public address is set, so links point to {settings.base_url}",
                      "other people cannot open these links", f"set server.base_url in {file}, then restart")
    elif not settings.is_secure:
        yield Finding("address.https", WARNING, "the public address is not https", "passwords cross the network readable",
                      f"put caddy or haproxy in front, and set server.base_url to https://… in {file}")
    else:
        yield Finding("address.https", GOOD, f"public address {settings.base_url}")
    if settings.is_secure and not settings.server.trusted_proxies:
        yield Finding("address.proxies", WARNING, "no proxy is trusted, although the public address is https",
                      "all visitors seem to have the address of the proxy and share its limits",
                      f'set server.trusted_proxies = ["127.0.0.1"] (the address of the proxy) in {file}')
    if settings.is_secure and settings.server.host not in ("127.0.0.1", "::1", "localhost"):
        yield Finding(
            "address.listens", WARNING, f"the network also listens on {settings.server.host} without https",
            "visitors can bypass the proxy", "set server.host = \"127.0.0.1\" if the proxy runs on this machine, or use a firewall",
        )


def _mail(settings: Settings) -> Iterator[Finding]:
    file = settings.data / "folkmoot.toml"
    if not settings.mail.host:
        outbox = settings.data / "outbox"
        waiting = len(list(outbox.glob("*.eml")))
        yield Finding(
            "mail.set", WARNING, f"no mail server is set: mail goes to files in {outbox} ({waiting} so far)",
            "members get no links to reset passwords, and e-mail addresses are not confirmed", f"set mail.host in {file}, then restart",
        )
        return
    yield Finding("mail.set", GOOD, f"mail is sent through {settings.mail.host}")
    if settings.mail.sender.endswith("@localhost"):
        yield Finding(
            "mail.sender", WARNING, f"mails come from {settings.mail.sender}", "most mail servers refuse such a sender",
            f"set mail.sender in {file}",
        )
    if settings.mail.security == "none" and settings.mail.password:
        yield Finding("mail.security", WARNING, "the password of the mail server is sent unencrypted", "others on the way can read it",
                      'set mail.security = "starttls"')


def _public_words(settings: Settings) -> Iterator[Finding]:
    file = settings.data / "folkmoot.toml"
    if not settings.network.contact_email:
        yield Finding(
            "network.contact", WARNING, "no contact address is published", "people without an account, and authorities, cannot reach you",
            f"set network.contact_email in {file}, then restart",
        )
    if settings.is_secure and not settings.network.description:
        yield Finding("network.description", WARNING, "the network has no description", "visitors and app directories see an empty page",
                      f"set network.description in {file}")
    if settings.is_secure and not settings.network.source_url:
        yield Finding(
            "network.source", WARNING, "no address of the source code is published",
            "the licence (AGPL, section 13) requires it of changed versions",
            f"set network.source_url in {file} if you have changed the code",
        )


def _trial_values(settings: Settings) -> Iterator[Finding]:
    if settings.limits.multiplier > 2:
        yield Finding("limits.multiplier", WARNING, f"all limits are multiplied by {settings.limits.multiplier:g}",
                      "they no longer stop floods and guessed passwords", "remove limits.multiplier from the settings and the environment")
    if settings.log.level == "debug":
        yield Finding(
            "log.level", WARNING, "every request is logged", "the log grows fast and says who read what", 'set log.level = "info"',
        )

"""The texts of `moot install`: what will be done, what was done, and what remains for the operator."""

import asyncio
import socket
import ssl
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from folkmoot import config
from folkmoot.base import clock
from folkmoot.commands.checks.connections import check_web
from folkmoot.commands.checks.model import GOOD, Finding
from folkmoot.config import Settings
from folkmoot.portability.certificates.model import SECRET, read_bundle
from folkmoot.portability.certificates.storage import newest_for
from folkmoot.portability.certificates.trust import own_trust
from folkmoot.portability.host import STANDBY, Host, HostProblem
from folkmoot.portability.install import units
from folkmoot.portability.install.machine import InstallProblem, Machine
from folkmoot.portability.install.plan import CHANGED, EDITED, NEW, SAME, Plan

_SECONDS_FOR_WEB, _SECONDS_FOR_CERTIFICATE = 20.0, 60.0
_NO_CERTIFICATE = "none yet: it comes from the primary within an hour, and before a move"
_MARKS = {NEW: "new", CHANGED: "changed", EDITED: "replaced", SAME: "unchanged"}


def summary(plan: Plan, before: Settings) -> str:
    """What will be done, in some lines. `before`: the settings until now."""
    wanted = plan.wanted
    lines = [
        f"\n  network     {click.style(f'https://{wanted.answers.domain}', bold=True)}, joined by: {wanted.answers.registration}",
        f"  mail        {wanted.answers.smtp or f'written to {wanted.data}/outbox until a mail server is set'}",
        f"  data        {wanted.data}",
        f"  program     /opt/folkmoot/{plan.release.name}{'' if plan.release.is_current else '  (new)'}",
    ]
    if before.is_secure and before.domain != wanted.answers.domain:
        lines.append(click.style(f"  WARNING     links to {before.domain} and the full names of its members stop working", fg="red"))
    if plan.packages:
        lines.append(f"  packages    {', '.join(plan.packages)}")
    lines += [f"  {_MARKS[one.what]:10}  {one.file.path}{_kept(one.what, one.file.path.name)}" for one in plan.changes if one.what != SAME]
    if plan.restarts:
        lines.append(f"  (re)starts  {', '.join(plan.restarts)}")
    return "\n".join([*lines, ""])


def _kept(what: str, name: str) -> str:
    return f"  (you have changed it; your version is kept as {name}.edited)" if what == EDITED else ""


def in_full(plan: Plan, joins: str = "") -> str:
    """Every file, with its content, and all other steps. `joins`: the address of a primary, which this machine would follow."""
    lines = ["Nothing was done. These files would be written:"]
    if plan.is_empty and not joins:
        return "Nothing was done. Everything is installed as wanted."
    if joins:
        lines = [f"Nothing was done. The network at {joins} would be copied to {plan.wanted.data}, with its settings. Then these"
                 " files would be written:"]
    for change in (one for one in plan.changes if one.what != SAME):
        file = change.file
        lines += ["", f"# ---- {file.path}  ({_MARKS[change.what]}, {file.mode:04o} {file.user}:{file.group})",
                  "(the password; it is not shown)" if file.is_secret else file.content.rstrip()]
    lines += ["", "# ---- and these steps"]
    if plan.packages:
        lines.append(f"apt-get install {' '.join(plan.packages)}")
    lines += [
        f"copy the program and install its packages in /opt/folkmoot/{plan.release.name}" if not plan.release.is_current else
        f"keep the program in /opt/folkmoot/{plan.release.name}",
        "systemd-sysusers",
        f"systemctl enable {units.KEEPER_SOCKET} {units.NETWORK_UNIT} {units.PROXY_UNIT} {units.CHECK_TIMER}",
    ]
    lines += [f"systemctl restart {unit}" for unit in plan.restarts]
    if why := _why_not(plan):
        lines += ["", "# ---- but this machine is not ready for it yet", why]
    return "\n".join(lines)


def _why_not(plan: Plan) -> str:
    """The first reason why the plan would be refused, or ""."""
    try:
        plan.machine.require()
        plan.require()
    except InstallProblem as problem:
        return problem.message % problem.params
    return ""


def as_json(plan: Plan, *, is_done: bool) -> dict[str, Any]:
    rows = [
        {"path": str(one.file.path), "state": one.what, "mode": f"{one.file.mode:04o}", "owner": f"{one.file.user}:{one.file.group}",
         **({} if is_done or one.file.is_secret else {"content": one.file.content})} for one in plan.changes
    ]
    return {
        "done": is_done, "address": f"https://{plan.wanted.answers.domain}", "data": str(plan.wanted.data), "release": plan.release.name,
        "packages": plan.packages, "files": rows, "restarts": plan.restarts, **({} if is_done else {"refused": _why_not(plan)}),
    }


def finished(plan: Plan, machine: Machine) -> str:
    """What is true now, and what the operator does next."""
    answers, data = plan.wanted.answers, Path(plan.wanted.data)
    if not machine.is_live:
        needed = f" It also needs the packages {', '.join(plan.packages)} of its distribution." if plan.packages else ""
        return f"The system in {machine.root} is prepared. The network starts when it boots.{needed}"
    is_standby = _is_standby(data)
    certificate = _of_primary(data, answers.domain) if is_standby else _certificate(answers.domain)
    name = click.style(f"https://{answers.domain}", bold=True)
    lines = [
        f"\n  {'A standby of ' if is_standby else ''}{name} is installed, and starts with this machine.\n",
        f"  network      {_web(data)}",
        f"  certificate  {certificate}",
        f"  clock        {_clock(machine)}",
        "  firewall     visitors need ports 80 and 443 (TCP) and 443 (UDP); a second host needs 8421 (TCP)" + _ufw(machine),
        "  logs         journalctl -u folkmoot -u folkmoot-caddy",
        *(f"  WARNING      the package {name} could not be installed: {why}" for name, why in plan.missing.items()),
    ]
    if is_standby:
        lines.append("\n  Next: moot standby shows how it follows; moot move --dry-run says whether it could take over.")
    elif not plan.installed.release:  # the first time
        lines += [
            "\n  Next, your own account; the command prints a link to set its password:",
            f"    moot account create NAME --email {answers.email} --role operator --link",
            "  Then the first backup (moot backup --help), and moot doctor for what is still missing.",
        ]
    return "\n".join(lines)


def _is_standby(data: Path) -> bool:
    try:
        return Host(data).role == STANDBY
    except HostProblem:  # a network that was never started
        return False


def _web(data: Path) -> str:
    """Waits until the network is ready, and says whether it is."""
    settings = config.load(data)
    deadline = time.monotonic() + _SECONDS_FOR_WEB

    async def finding() -> Finding:
        return await anext(check_web(settings))

    while (found := asyncio.run(finding())).state != GOOD and time.monotonic() < deadline:
        time.sleep(0.5)
    return "runs" if found.state == GOOD else f"NOT READY: {found.what}. See: journalctl -u folkmoot"


def _of_primary(data: Path, domain: str) -> str:
    found = newest_for(domain, read_bundle(data / "secrets" / SECRET), clock.now())
    if found is None:
        return _NO_CERTIFICATE
    return f"that of the primary, valid until {found.until:%Y-%m-%d}; this host asks for none before it takes over"


def _certificate(domain: str) -> str:
    """Waits for the first certificate if the name is known, and says whether it came."""
    try:
        known = {str(entry[4][0]) for entry in socket.getaddrinfo(domain, 443, type=socket.SOCK_STREAM)}
    except OSError:
        return f"waits: {domain} has no address yet. Add an A record for {_own_address()}; all else happens by itself"
    context = own_trust()
    deadline = time.monotonic() + _SECONDS_FOR_CERTIFICATE
    why = ""
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", 443), 5) as plain, context.wrap_socket(plain, server_hostname=domain) as secure:
                ends = ssl.cert_time_to_seconds(str((secure.getpeercert() or {})["notAfter"]))
                return f"valid until {datetime.fromtimestamp(ends, UTC):%Y-%m-%d %H:%M} UTC, renewed by itself"
        except OSError as error:
            why = str(error)
        time.sleep(1)
    return (
        f"NOT YET ({why}). {domain} points to {', '.join(sorted(known))}; this machine is {_own_address()}. It is tried again by itself;"
        " see: journalctl -u folkmoot-caddy"
    )


def _own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only chooses the address
        except OSError:
            return "this machine"
        return str(probe.getsockname()[0])


def _clock(machine: Machine) -> str:
    is_set = machine.answers("sh", "-c", "timedatectl show -p NTPSynchronized --value | grep -q yes")
    return "set by the network (NTP)" if is_set else "NOT SYNCHRONIZED: certificates and log-ins need the right time. See: timedatectl"


def _ufw(machine: Machine) -> str:
    is_active = machine.answers("sh", "-c", "ufw status | grep -q 'Status: active'")
    return ". This machine's firewall is on: ufw allow 80,443/tcp && ufw allow 443/udp" if is_active else ""


def host_line(data: Path) -> str:
    """The name, role and epoch of the host, in colour, before something dangerous."""
    try:
        state = Host(data).state
        role = click.style(f"{state.role.upper()}, epoch {state.epoch}", fg="red", bold=True)
    except HostProblem:
        role = click.style("UNKNOWN ROLE", fg="red", bold=True)
    return f"  {click.style(socket.gethostname(), bold=True)}: {role}, {config.load(data).base_url}"


def removed(data: str) -> str:
    return (
        f"The network was removed from this machine. Kept: the data in {data}, certificates in {units.PROXY_DATA},"
        f" the users {units.USER} and {units.PROXY_USER}, and packages of the distribution.\n"
        "  start it again   bin/moot install   (from a clone)\n"
        f"  delete all data  rm -r {data} {units.PROXY_DATA} && userdel {units.USER} && userdel {units.PROXY_USER}"
    )

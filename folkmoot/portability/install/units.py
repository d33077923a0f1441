"""The units of systemd, and the small files of the programs that come with it.

The network and Caddy run as two users: neither can read the files of the other. Both see the system read-only, other
processes not at all, and gain no rights. `systemd-analyze security` measures this; docs/decisions/0063 has the numbers.
"""

from pathlib import PurePosixPath

from folkmoot.portability.certificates.model import PID

USER, PROXY_USER = "folkmoot", "folkmoot-caddy"
PROXY_DATA = "/var/lib/folkmoot-caddy"
NETWORK_UNIT, PROXY_UNIT, CHECK_TIMER = "folkmoot.service", "folkmoot-caddy.service", "folkmoot-doctor.timer"
KEEPER_SOCKET, KEEPER_UNIT = "folkmoot-certificates.socket", "folkmoot-certificates@.service"
KEEPER_PATH = "/run/folkmoot-certificates.socket"
PROGRAM = "/usr/local/bin/moot"
_STARTED_BY_HAND = "# Written by `moot install`, which replaces it. To change a unit: systemctl edit"

_HARDENING = """\
NoNewPrivileges=yes
PrivateDevices=yes
PrivateTmp=yes
ProtectSystem=strict
ProtectHome=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
KeyringMode=private
UMask=0077
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM
"""


def network_unit(data: PurePosixPath) -> str:
    """PostgreSQL, web processes and worker: the supervisor of `moot up` restarts them, so one that the kernel kills for memory
    does not end the others. Off-site copies may be in a folder below /mnt, /media or /srv."""
    return f"""\
{_STARTED_BY_HAND} folkmoot
[Unit]
Description=Folkmoot: database, web and worker
Wants=network-online.target
After=network-online.target time-sync.target {KEEPER_SOCKET}
RequiresMountsFor={data}
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart={PROGRAM} up --no-demo --data {data}
User={USER}
Group={USER}
Environment=HOME=/nonexistent PYTHONDONTWRITEBYTECODE=1
Restart=always
RestartSec=2
TimeoutStartSec=1h
TimeoutStopSec=30
KillMode=mixed
OOMPolicy=continue
LimitNOFILE=65536
ReadWritePaths={data} -/mnt -/media -/srv
CapabilityBoundingSet=
ProcSubset=pid
PrivateIPC=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
{_HARDENING}
[Install]
WantedBy=multi-user.target
"""


def proxy_unit() -> str:
    return f"""\
{_STARTED_BY_HAND} folkmoot-caddy
[Unit]
Description=Folkmoot: Caddy, HTTPS in front of the network
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=/opt/folkmoot/current/.venv/bin/caddy run --config /etc/folkmoot/Caddyfile --pidfile {PROXY_DATA}/{PID}
User={PROXY_USER}
Group={PROXY_USER}
Environment=HOME={PROXY_DATA} XDG_DATA_HOME={PROXY_DATA} XDG_CONFIG_HOME={PROXY_DATA}
Restart=always
RestartSec=2
TimeoutStopSec=30
KillMode=mixed
LimitNOFILE=1048576
StateDirectory=folkmoot-caddy
StateDirectoryMode=0700
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
ProcSubset=pid
PrivateIPC=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
{_HARDENING}
[Install]
WantedBy=multi-user.target
"""


def keeper_socket() -> str:
    """Only the user of the network can open it. Each connection starts a program that ends with it."""
    return f"""\
{_STARTED_BY_HAND} {KEEPER_SOCKET}
[Unit]
Description=Folkmoot: certificates, between the network and Caddy

[Socket]
ListenStream={KEEPER_PATH}
SocketUser={USER}
SocketGroup={USER}
SocketMode=0600
Accept=yes
MaxConnections=4

[Install]
WantedBy=sockets.target
"""


def keeper_unit() -> str:
    return f"""\
{_STARTED_BY_HAND} {KEEPER_UNIT}
[Unit]
Description=Folkmoot: certificates, between the network and Caddy
CollectMode=inactive-or-failed

[Service]
ExecStart=/opt/folkmoot/current/.venv/bin/python -P -m folkmoot.portability.certificates.keeper {PROXY_DATA}
User={PROXY_USER}
Group={PROXY_USER}
Environment=HOME={PROXY_DATA} PYTHONPATH=/opt/folkmoot/current PYTHONDONTWRITEBYTECODE=1
StandardInput=socket
StandardOutput=socket
StandardError=journal
RuntimeMaxSec=60
StateDirectory=folkmoot-caddy
StateDirectoryMode=0700
CapabilityBoundingSet=
ProcSubset=pid
PrivateIPC=yes
PrivateNetwork=yes
RestrictAddressFamilies=AF_UNIX
{_HARDENING}"""


def check_unit(data: PurePosixPath) -> str:
    """The nightly check: it fails if something is broken, so that `systemctl --failed` shows it. The log has the findings."""
    return f"""\
{_STARTED_BY_HAND} folkmoot-doctor
[Unit]
Description=Folkmoot: nightly check
After=folkmoot.service

[Service]
Type=oneshot
ExecStart={PROGRAM} doctor --data {data}
User={USER}
Group={USER}
Nice=10
IOSchedulingClass=idle
TimeoutStartSec=5min
ReadWritePaths={data} -/mnt -/media -/srv
CapabilityBoundingSet=
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
{_HARDENING}"""


def check_timer() -> str:
    return f"""\
{_STARTED_BY_HAND} {CHECK_TIMER}
[Unit]
Description=Folkmoot: nightly check

[Timer]
OnCalendar=*-*-* 03:30
RandomizedDelaySec=30min
Persistent=yes

[Install]
WantedBy=timers.target
"""


def users() -> str:
    return f"""\
# Written by `moot install`: the users of the network and of Caddy.
u {USER} - "Folkmoot" /nonexistent
u {PROXY_USER} - "Caddy of Folkmoot" {PROXY_DATA}
"""


def journal_limits() -> str:
    """Logs contain addresses of visitors only when something fails, and are kept for a month at most."""
    return """\
# Written by `moot install`: the log of this machine is kept for a month, in at most 1 GB.
[Journal]
Storage=persistent
SystemMaxUse=1G
MaxRetentionSec=1month
"""


def log_rotation(data: PurePosixPath) -> str:
    """PostgreSQL appends to its log, so the file can be emptied while it is open."""
    return f"""\
# Written by `moot install`: the log of PostgreSQL.
{data}/postgres.log {{
    su {USER} {USER}
    weekly
    maxsize 20M
    rotate 4
    compress
    copytruncate
    missingok
    notifempty
}}
"""


def program(data: PurePosixPath) -> str:
    """The command line. It runs the release itself and not the link, so that a running process never imports another release."""
    return f"""\
#!/bin/sh
# Written by `moot install`: the command line of Folkmoot.
release=$(readlink -f /opt/folkmoot/current) || exit 2
export FOLKMOOT_DATA="${{FOLKMOOT_DATA:-{data}}}" PYTHONPATH="$release"
exec "$release/.venv/bin/python" -P -m folkmoot "$@"
"""

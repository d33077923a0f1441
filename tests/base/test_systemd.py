"""Messages to systemd: what it receives, and that nothing fails without it."""

import socket
from pathlib import Path

import pytest

from folkmoot.base.systemd import notify


@pytest.mark.parametrize("is_abstract", [False, True])
def test_systemd_receives_the_state(is_abstract: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"@folkmoot-{tmp_path.parent.parent.name}-{tmp_path.parent.name}" if is_abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(name.replace("@", "\0", 1) if is_abstract else name)
        receiver.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        notify("READY=1")
        assert receiver.recv(100) == b"READY=1"


@pytest.mark.parametrize("address", ["", "/nowhere/notify", "@nobody-listens-here", "vsock:2:1"])
def test_nothing_fails_if_nobody_listens(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    notify("READY=1")

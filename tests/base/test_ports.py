"""Test processes choose their ports from ranges of their own."""

import pytest

from tests.network_up import free_port, own_ports


def test_no_two_processes_of_a_run_share_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    ports: list[int] = []
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "4")
    for number in range(4):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", f"gw{number}")
        assert len(own_ports()) > 2000
        assert free_port() in own_ports()
        ports += own_ports()
    assert len(ports) == len(set(ports))
    monkeypatch.delenv("PYTEST_XDIST_WORKER_COUNT")
    monkeypatch.delenv("PYTEST_XDIST_WORKER")
    assert len(own_ports()) == len(ports)

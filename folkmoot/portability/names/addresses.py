"""The public addresses of this machine."""

import socket

from folkmoot.base.http_client import is_public
from folkmoot.config import Settings

_ELSEWHERE = ((socket.AF_INET, "192.0.32.8"), (socket.AF_INET6, "2620:0:2d0:200::8"))  # any public one: nothing is sent


def own_addresses(settings: Settings) -> list[str]:
    """As the settings say, or of the network cards. Empty behind a router that translates addresses."""
    if settings.names.addresses:
        return settings.names.addresses
    return [address for family, elsewhere in _ELSEWHERE if is_public(address := _source(family, elsewhere))]


def _source(family: socket.AddressFamily, elsewhere: str) -> str:
    """The address that packets to `elsewhere` would come from; "" without a route."""
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((elsewhere, 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])

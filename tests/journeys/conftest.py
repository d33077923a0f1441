"""A journey goes through the doors of a running network, with a browser."""

from tests.web.conftest import browser

__all__ = ["browser"]

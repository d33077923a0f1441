"""Journeys use a running network through its public interfaces, with a browser."""

from tests.web.conftest import browser

__all__ = ["browser"]

"""A member who writes all the time."""

import json
import threading
import time
import urllib.request
from urllib.parse import urlencode

from tests.network_up import NetworkUp


class Writer(threading.Thread):
    """A member who posts all the time, and notes each post that was not accepted."""

    def __init__(self, network: NetworkUp, token: str, name: str = "post") -> None:
        """`name`: what its posts begin with."""
        super().__init__(daemon=True)
        self._name = name
        self._url, self._token, self._ended = network.url, token, threading.Event()
        self.failures: list[str] = []
        self.accepted = 0
        self.longest = 0.0

    def run(self) -> None:
        while not self._ended.is_set():
            began = time.monotonic()
            form = urlencode({"status": self.text(self.accepted)}).encode()
            request = urllib.request.Request(f"{self._url}/api/v1/statuses", form, {"Authorization": f"Bearer {self._token}"})
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    json.load(answer)
                self.accepted += 1
            except (OSError, ValueError) as error:
                self.failures.append(str(error))
            self.longest = max(self.longest, time.monotonic() - began)

    def text(self, number: int) -> str:
        return f"{self._name} {number}"

    def end(self) -> None:
        self._ended.set()
        self.join()

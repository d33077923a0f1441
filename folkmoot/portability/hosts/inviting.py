"""Answers the pairing requests of hosts that are not known yet, while an invitation is open."""

from typing import Any

import msgspec

from folkmoot.base.errors import Problem
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.hosts.answering import read_body, refusal_of, send_answer
from folkmoot.portability.hosts.messages import REFUSED, Refusal
from folkmoot.portability.hosts.pairing import LARGEST_REQUEST, PATH, JoinRequest, admit
from folkmoot.portability.hosts.refusals import Refusals


class Inviting:
    """The ASGI application for pairing streams. `name`: of this host."""

    def __init__(self, directory: DataDirectory, name: str, refusals: Refusals) -> None:
        self._directory = directory
        self._name = name
        self._refusals = refusals

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        source = scope["client"][0]
        if (scope["method"], scope["path"]) != ("POST", PATH):
            self._refusals.log(source, "it asks for something else than pairing")
            await send_answer(send, 404, b"", [])
            return
        try:
            request = msgspec.json.decode(await read_body(receive, LARGEST_REQUEST), type=JoinRequest)
            answer: msgspec.Struct = admit(self._directory, request, self._name, source)
            status = 200
        except (Problem, msgspec.DecodeError) as error:
            refusal = refusal_of(error) if isinstance(error, Problem) else Refusal("malformed", "This pairing request cannot be read.")
            self._refusals.log(source, refusal.sentence)
            status, answer = REFUSED, refusal
        await send_answer(send, status, msgspec.json.encode(answer), [])

"""An object in a process of its own, with a lab's environment: MIT reads its own only once."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, Self
from unittest import mock

from tests.lab.description import Lab, LabError
from tests.lab.programs import environment

SECONDS = 300.0


class Elsewhere:
    """Calls the methods of what ``make(*arguments)`` gives in the other process.

    What they raise is raised here. As a context manager it ends the process.
    """

    def __init__(
        self, lab: Lab, make: Callable[..., object], *arguments: object, **variables: str
    ) -> None:
        processes = multiprocessing.get_context("spawn")
        self._pipe, theirs = processes.Pipe()
        self.process = processes.Process(
            target=serve, args=(theirs, make, arguments), name=make.__name__, daemon=True
        )
        # It is born with them: a spawned process starts a new interpreter.
        with mock.patch.dict(os.environ, environment(lab) | variables):
            self.process.start()
        theirs.close()
        self.answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def call(self, method: str, *arguments: object, **named: object) -> Any:
        """Call a method there, and give what it gives."""
        self.begin(method, *arguments, **named)
        return self.answer()

    def begin(self, method: str, *arguments: object, **named: object) -> None:
        """Call a method there; ``answer`` gives what comes of it."""
        self._pipe.send((method, arguments, named))

    def answer(self) -> Any:
        """Wait for what the method gives."""
        if not self._pipe.poll(SECONDS):
            raise LabError(f"{self.process.name} does not answer within {SECONDS:.0f} seconds")
        good, value = self._pipe.recv()
        if not good:
            raise value
        return value

    def kill(self) -> None:
        """End the process at once, as ``kill -9`` does."""
        self.process.kill()
        self.process.join(SECONDS)


def serve(pipe: Connection, make: Callable[..., Any], arguments: tuple[object, ...]) -> None:
    """Make the object, and answer calls until the other end is gone."""
    there = tried(pipe, partial(make, *arguments), keep=True)
    while True:
        try:
            method, given, named = pipe.recv()
        except EOFError:
            return
        tried(pipe, partial(getattr(there, method), *given, **named))


def tried(pipe: Connection, call: Callable[[], Any], *, keep: bool = False) -> Any:
    """Call, and send what comes of it; ``keep``: give it here, and send nothing but success."""
    try:
        value = call()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the caller's
        pipe.send((False, portable(error)))
        return None
    pipe.send((True, None if keep else value))
    return value


def portable(error: Exception) -> Exception:
    """Give an error as it can be sent: those of requests hold their whole connection."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    except Exception:  # noqa: BLE001 - there is no end to what can be wrong with it
        return type(error)(str(error))
    return error

"""The unmodified pypsrp as a client of lab hosts; it lives ``elsewhere``, with the lab's realm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.lab.description import OPERATOR, Lab
from tests.lab.wsman.elsewhere import Elsewhere
from tests.lab.wsman.sample_client import Error, SampleClient

Cmdlet = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Answer:
    """What a pipeline gave, objects as dictionaries of their properties."""

    state: str
    output: list[Any]
    errors: list[Error]
    progress: list[tuple[str, str, int, str | None]]

    @property
    def hresult(self) -> str:
        """The HRESULT of the only error, as it is documented."""
        (error,) = self.errors
        return f"0x{error.hresult & 0xFFFFFFFF:08X}"


class PlainClient(SampleClient):
    """The sample client; what it gives can be sent between processes."""

    def ask(self, *cmdlets: Cmdlet) -> Answer:
        """Run a pipeline to its end."""
        self.run(*cmdlets)
        return self.answer()

    def look(self, seconds: int = 1) -> Answer:
        """Fetch what a pipeline that was begun has to say."""
        self.poll(seconds)
        return self.answer()

    def finish(self) -> Answer:
        """Wait for the end of a pipeline that was begun."""
        self.end()
        return self.answer()

    def answer(self) -> Answer:
        """Give what the pipeline has said."""
        found = self.result()
        return Answer(
            found.state, [plain(one) for one in found.output], found.errors, found.progress
        )


class HostClient:
    """An operator at his workstation, with one connection to one host."""

    def __init__(self, lab: Lab, host: str, user: str = OPERATOR) -> None:
        variables = {
            "KRB5_CLIENT_KTNAME": f"FILE:{lab.keytab(user)}",
            "KRB5CCNAME": "MEMORY:own",
        }
        self.elsewhere = Elsewhere(lab, PlainClient, **variables)
        self.lab = lab
        self.meet(host)

    def meet(self, host: str) -> None:
        """Turn to a host."""
        self.elsewhere.call("meet", self.lab.host_address(host), self.lab.fqdn(host), {})

    def run(self, *cmdlets: Cmdlet) -> Answer:
        """Run a pipeline to its end."""
        answer: Answer = self.elsewhere.call("ask", *cmdlets)
        return answer

    def call(self, method: str, *arguments: object) -> Any:
        """Call another method of the client."""
        return self.elsewhere.call(method, *arguments)

    def alive(self) -> bool:
        """Tell whether it has not been closed."""
        return self.elsewhere.process.is_alive()

    def close(self) -> None:
        """Die, without a word to the host."""
        self.elsewhere.kill()


def plain(value: Any) -> Any:
    """Give what pypsrp made of an object as dictionaries; an enumeration's value is its name."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    adapted = getattr(value, "adapted_properties", None)
    if adapted is None:
        return value
    found = {**adapted, **value.extended_properties}
    return {name: plain(one) for name, one in found.items()} or str(value)

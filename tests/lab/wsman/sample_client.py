"""A client to try the endpoint with: pypsrp as it is; it lives ``elsewhere``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pypsrp.complex_objects import PSInvocationState, RunspacePoolState
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import SelectorSet, WSMan

from tests.lab.wsman.soap import NAMESPACES, SHELLS


@dataclass(frozen=True)
class Error:
    """An error record as the client reads it."""

    message: str
    hresult: int
    identifier: str
    category: str
    target: str
    kind: str


@dataclass(frozen=True)
class Result:
    """What a client has of a pipeline so far."""

    state: str
    output: list[Any] = field(default_factory=list)
    errors: list[Error] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    progress: list[tuple[str, str, int, str | None]] = field(default_factory=list)


class SampleClient:
    """One WSMan connection of pypsrp, a pool and a pipeline."""

    def meet(self, server: str, hostname: str, options: Mapping[str, Any]) -> None:
        """Begin anew, with a host."""
        usual: dict[str, Any] = {
            "ssl": False,
            "auth": "negotiate",
            "no_proxy": True,
            "operation_timeout": 20,
            "negotiate_hostname_override": hostname,
        }
        self.settings = usual | dict(options)
        self.server = server
        # Untyped as all of pypsrp's pipelines are.
        self.wsman: Any = WSMan(server, **self.settings)
        self.pool: Any = None
        self.pipeline: Any = None

    def renew(self) -> None:
        """Make a new connection for the pool, as after a dropped one."""
        session = self.wsman.session_id
        self.wsman = WSMan(self.server, **self.settings)
        self.wsman.session_id = session
        self.pool.connection = self.pool.shell.wsman = self.wsman

    def open(self, idle_seconds: int | None = None) -> str:
        self.pool = RunspacePool(self.wsman, idle_timeout=idle_seconds)
        self.pool.open()
        return str(self.pool.id)

    def begin(self, *cmdlets: tuple[str, Mapping[str, Any]]) -> None:
        self.pipeline = PowerShell(self.pool)
        for cmdlet, parameters in cmdlets:
            self.pipeline.add_cmdlet(cmdlet).add_parameters(dict(parameters))
        self.pipeline.begin_invoke()

    def begin_script(self, text: str) -> None:
        self.pipeline = PowerShell(self.pool)
        self.pipeline.add_script(text)
        self.pipeline.begin_invoke()

    def run(self, *cmdlets: tuple[str, Mapping[str, Any]]) -> Result:
        """Run a pipeline to its end, in a pool of its own where none is open."""
        if self.pool is None:
            self.open()
        self.begin(*cmdlets)
        return self.end()

    def poll(self, seconds: int = 1) -> Result:
        """Fetch what there is, or wait for it."""
        self.pipeline.poll_invoke(timeout=seconds)
        return self.result()

    def end(self) -> Result:
        self.pipeline.end_invoke()
        return self.result()

    def stop(self) -> str:
        self.pipeline.stop()
        return named(self.pipeline.state)

    def disconnect(self) -> None:
        self.pool.disconnect()

    def reconnect(self) -> None:
        """Go on with the pool, as the same client."""
        # Whether it was asked for or happened.
        self.pool.state = RunspacePoolState.DISCONNECTED
        self.pipeline.state = PSInvocationState.DISCONNECTED
        self.pool.connect()
        self.pipeline.connect_async()

    def shells(self) -> list[str]:
        return [str(one.id) for one in RunspacePool.get_runspace_pools(self.wsman)]

    def adopt(self, identifier: str) -> int:
        """Connect to a shell that another client left; give the number of its pipelines."""
        pools = RunspacePool.get_runspace_pools(self.wsman)
        self.pool = next(one for one in pools if one.id == identifier)
        self.pool.connect()
        pipelines = self.pool.create_disconnected_power_shells()
        if pipelines:
            self.pipeline = pipelines[0]
            self.pipeline.connect_async()
        return len(pipelines)

    def state_of(self, identifier: str) -> str | None:
        """Ask for the state of a shell, anybody's."""
        selectors = SelectorSet()
        selectors.add_option("ShellId", identifier)
        body = self.wsman.get(SHELLS, selector_set=selectors)
        state: str | None = body.findtext(".//rsp:State", None, NAMESPACES)
        return state

    def tamper(self) -> None:
        """Change a bit of all that is sent from now on."""
        encryption = self.wsman.transport.encryption
        wrap = encryption.wrap_message

        def changed(message: bytes) -> tuple[str, bytes]:
            content_type, body = wrap(message)
            return content_type, body[:-40] + bytes([body[-40] ^ 1]) + body[-39:]

        encryption.wrap_message = changed

    def close(self) -> None:
        self.pool.close()

    def result(self) -> Result:
        """Give what the pipeline has said."""
        streams = self.pipeline.streams
        return Result(
            named(self.pipeline.state),
            list(self.pipeline.output),
            [read_error(one) for one in streams.error],
            [str(one.message) for one in streams.warning],
            [
                (one.activity, one.description, int(one.percent_complete), one.current_operation)
                for one in streams.progress
            ],
        )


def read_error(record: Any) -> Error:
    """Read an error record."""
    exception = record.exception
    return Error(
        exception.adapted_properties["Message"],
        exception.adapted_properties["HResult"],
        record.fq_error,
        record.reason,
        record.target_name,
        exception.types[0],
    )


def named(state: int) -> str:
    """Give the name of a pipeline's state."""
    return str(PSInvocationState(state))  # type: ignore[no-untyped-call]

"""WS-Man's operations on shells (MS-WSMV 3.1.4): each takes a request, and gives a reply's body."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from xml.etree.ElementTree import Element

import gssapi

from tests.lab.wsman.runtime import Cmdlet
from tests.lab.wsman.shell import Connection, Shell
from tests.lab.wsman.shells import IDLE_SECONDS, Shells
from tests.lab.wsman.soap import NAMESPACES, SHELLS, Code, Request, WSManFault, element, seconds

EARLIER = 0.2
"""A fault for a timeout leaves before the client stops waiting for it."""
ENVELOPE = 4096
"""Bytes of an envelope around its content."""
DONE, RUNNING = f"{SHELLS}/CommandState/Done", f"{SHELLS}/CommandState/Running"


@dataclass(frozen=True)
class Call:
    """A request, and who makes it where."""

    request: Request
    user: str
    evidence: gssapi.Credentials | None
    connection: Connection
    shells: Shells
    cmdlets: Mapping[str, Cmdlet]
    url: str
    output_bytes: int

    def shell(self, *, use: bool = False) -> Shell:
        """Give the shell that is meant; ``use``: its client is to be connected, and here."""
        found = self.shells.find(self.request.selectors.get("ShellId", ""), self.user)
        if use:
            found.use(self.connection)
        return found

    @property
    def seconds(self) -> float:
        """How long the operation may take."""
        return max(self.request.seconds - EARLIER, EARLIER)


@dataclass(frozen=True)
class Answer:
    """A reply's body; ``lost`` is called if it did not arrive."""

    content: list[Element]
    lost: Callable[[], None] = lambda: None


def answer(call: Call) -> Answer:
    """Carry out a request.

    Raises:
        WSManFault: it is refused, or nothing came of it in time.
        ConnectionError: the client left.
    """
    operation = OPERATIONS.get(call.request.verb)
    if operation is None:
        text = f"There is no operation {call.request.action} here."
        raise WSManFault(Code.NO_SUCH_RESOURCE, text)
    return operation(call)


def create(call: Call) -> Answer:
    wanted = call.request.body
    if not call.request.resource.startswith(NAMESPACES["ps"]):
        raise WSManFault(Code.NO_SUCH_RESOURCE, "There are only PowerShell's shells here.")
    idle = seconds(wanted.findtext("rsp:IdleTimeOut", "", NAMESPACES), usual=IDLE_SECONDS)
    shell = Shell(
        (wanted.get("ShellId") or str(uuid.uuid4())).upper(),
        call.request.resource,
        call.user,
        call.request.session,
        idle,
    )
    shell.use(call.connection)
    shell.feed(decoded(wanted.find("ps:creationXml", NAMESPACES)))
    call.shells.add(shell)
    selector = element("w:Selector", shell.identifier, Name="ShellId")
    parameters = element(
        "a:ReferenceParameters",
        element("w:ResourceURI", shell.resource),
        element("w:SelectorSet", selector),
    )
    return Answer(
        [
            element("x:ResourceCreated", element("a:Address", call.url), parameters),
            described(shell),
        ]
    )


def enumerate_(call: Call) -> Answer:
    mine = call.shells.of(call.user)
    if call.request.resource.endswith("/Command"):
        wanted = call.request.body.findtext(".//w:Selector", "", NAMESPACES).upper()
        found = [
            element(
                "rsp:Command",
                element("rsp:ShellId", shell.identifier),
                element("rsp:CommandId", identifier),
                element("rsp:State", "Done" if pipeline.done else "Running"),
            )
            for shell in mine
            if shell.identifier == wanted
            for identifier, pipeline in list(shell.pipelines.items())
        ]
    else:
        found = [described(shell) for shell in mine]
    content = (
        element("w:Items", *found),
        element("n:EnumerationContext"),
        element("w:EndOfSequence"),
    )
    return Answer([element("n:EnumerateResponse", *content)])


def get(call: Call) -> Answer:
    return Answer([described(call.shell())])


def delete(call: Call) -> Answer:
    call.shells.remove(call.shell())
    return Answer([])


def command(call: Call) -> Answer:
    shell, line = call.shell(use=True), call.request.body
    identifier = (line.get("CommandId") or str(uuid.uuid4())).upper()
    data = decoded(line.find("rsp:Arguments", NAMESPACES))
    shell.add(identifier, data, call.evidence, call.cmdlets, call.output_bytes)
    return Answer([element("rsp:CommandResponse", element("rsp:CommandId", identifier))])


def send(call: Call) -> Answer:
    shell = call.shell(use=True)
    for stream in call.request.body.iterfind("rsp:Stream", NAMESPACES):
        shell.feed(decoded(stream))
    return Answer([element("rsp:SendResponse")])


def receive(call: Call) -> Answer:
    shell = call.shell(use=True)
    wanted = call.request.body.find("rsp:DesiredStream", NAMESPACES)
    identifier = wanted.get("CommandId") if wanted is not None else None
    most_bytes = (call.request.most_bytes - ENVELOPE) * 3 // 4
    got = shell.receive(call.connection, identifier, call.seconds, most_bytes)
    about = {"CommandId": identifier} if identifier else {}
    content = [
        element("rsp:Stream", base64.b64encode(one).decode(), Name="stdout", **about)
        for one in got.batch.fragments
    ]
    if identifier:
        state = DONE if got.done else RUNNING
        content.append(element("rsp:CommandState", State=state, **about))
    return Answer([element("rsp:ReceiveResponse", *content)], lambda: shell.put_back(got))


def signal(call: Call) -> Answer:
    shell, body = call.shell(use=True), call.request.body
    identifier = body.get("CommandId", "")
    shell.pipeline(identifier)
    if body.findtext("rsp:Code", "", NAMESPACES).casefold().endswith("/terminate"):
        shell.forget(identifier)
    else:
        shell.finish(call.connection, identifier, call.seconds)
    return Answer([element("rsp:SignalResponse")])


def disconnect(call: Call) -> Answer:
    shell = call.shell(use=True)
    shell.disconnect()
    call.shells.expect(shell)
    return Answer([element("rsp:DisconnectResponse")])


def reconnect(call: Call) -> Answer:
    call.shell().reconnect(call.connection, call.request.session)
    return Answer([element("rsp:ReconnectResponse")])


def connect(call: Call) -> Answer:
    shell, body = call.shell(), call.request.body
    if identifier := body.get("CommandId"):
        shell.use(call.connection)
        shell.pipeline(identifier)
        return Answer([element("rsp:ConnectResponse")])
    data = decoded(body.find("ps:connectXml", NAMESPACES))
    told = shell.connect(call.connection, call.request.session, data)
    content = element("ps:connectResponseXml", base64.b64encode(told).decode())
    return Answer([element("rsp:ConnectResponse", content)])


def described(shell: Shell) -> Element:
    """Describe a shell (MS-WSMV 2.2.4.37)."""
    return element(
        "rsp:Shell",
        element("rsp:ShellId", shell.identifier),
        element("rsp:Name", "Runspace"),
        element("rsp:ResourceUri", shell.resource),
        element("rsp:Owner", shell.owner),
        element("rsp:IdleTimeOut", f"PT{shell.idle_seconds:.3f}S"),
        element("rsp:OutputStreams", "stdout"),
        element("rsp:State", "Connected" if shell.connected else "Disconnected"),
    )


def decoded(content: Element | None) -> bytes:
    """Read an element's base64."""
    if content is None:
        return b""
    return base64.b64decode(content.text or "")


OPERATIONS: Final[Mapping[str, Callable[[Call], Answer]]] = MappingProxyType(
    {
        "Create": create,
        "Enumerate": enumerate_,
        "Get": get,
        "Delete": delete,
        "Command": command,
        "Send": send,
        "Receive": receive,
        "Signal": signal,
        "Disconnect": disconnect,
        "Reconnect": reconnect,
        "Connect": connect,
    }
)

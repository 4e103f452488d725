"""The CIM of one host: a request's envelope in, an answer's or a fault's out."""

from __future__ import annotations

from tests.lab.cim import invoking, messages
from tests.lab.cim.cim_faults import CimFault, bad_schema, body, no_such_instance, plain
from tests.lab.cim.cim_values import instance
from tests.lab.cim.classes import classes
from tests.lab.cim.enumerating import AROUND, Enumerations
from tests.lab.cim.messages import Asked
from tests.lab.cim.view import Provider
from tests.lab.wsman.soap import NAMESPACES, Request

ENUMERATION, TRANSFER = NAMESPACES["n"], NAMESPACES["x"]


class Cim:
    """Answers; one for all listeners of a host."""

    def __init__(self, provider: Provider, machine: str) -> None:
        self.provider, self.machine = provider, machine
        self.enumerations = Enumerations()

    def answer(self, request: Request, user: str) -> tuple[bytes, bool]:
        """Give the answer, and whether it is a fault."""
        language = self.provider.language()
        try:
            if messages.identifies(request):
                return messages.identity(), False
            self.provider.admit(user)
            content = self.carry_out(messages.asked(request), user)
        except CimFault as fault:
            said = body(fault, self.machine, language, numbers=self.provider.numbers())
            return messages.refusal(request, said, language), True
        return messages.reply(request, content, language), False

    def carry_out(self, asked: Asked, user: str) -> str:
        """Carry out a request, and give the body of its answer; raise CimFault if it is refused."""
        action = asked.request.action
        if action == f"{TRANSFER}/Get":
            return self.get(asked, user)
        if action in {f"{ENUMERATION}/{verb}" for verb in ("Enumerate", "Pull", "Release")}:
            return self.enumerate_(asked, user)
        if action.casefold().startswith(f"{asked.request.resource.casefold()}/"):
            return self.invoke(asked, user)
        raise plain("a:ActionNotSupported", f"The action {action} is not supported here.")

    def enumerate_(self, asked: Asked, user: str) -> str:
        verb = asked.request.verb
        if asked.body.tag != f"{{{ENUMERATION}}}{verb}":
            raise bad_schema(f"the body is {asked.body.tag}")
        match verb:
            case "Pull":
                return self.enumerations.pull(asked, user)
            case "Release":
                return self.enumerations.release(asked, user)
        view = self.provider.view(user, asked.namespace)
        return self.enumerations.begin(asked, view, user, self.provider.server)

    def get(self, asked: Asked, user: str) -> str:
        view = self.provider.view(user, asked.namespace)
        kind = classes().find(asked.namespace, asked.kind)
        if view.blind:
            raise no_such_instance()
        return instance(invoking.addressed(view, kind, asked.selectors))

    def invoke(self, asked: Asked, user: str) -> str:
        view = self.provider.view(user, asked.namespace)
        kind = classes().find(asked.namespace, asked.kind)
        method = invoking.called(asked, kind)
        target = invoking.addressed(view, kind, asked.selectors)
        given = invoking.parameters(asked, method, view)
        outcome = self.provider.invoke(user, target, method.name, given)
        said = invoking.answered(asked, method, outcome)
        if AROUND + len(said.encode()) > asked.most_bytes:
            text = "The answer does not fit into an envelope of the size that is allowed."
            raise plain("w:EncodingLimit", text, "MaxEnvelopeSizeExceeded")
        return said

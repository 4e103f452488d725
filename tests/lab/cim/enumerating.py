"""Enumerate, Pull and Release: queries of WQL, in pages (DSP0226 8, MS-WSMV 3.1.4.1.30)."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from tests.lab.cim import wql
from tests.lab.cim.cim_faults import bad_schema, filter_on_a_class, plain
from tests.lab.cim.cim_values import Instance, fragment, instance, reference
from tests.lab.cim.classes import classes
from tests.lab.cim.messages import Asked
from tests.lab.cim.view import View
from tests.lab.wsman.soap import NAMESPACES, full

DIALECT = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
CONTEXT_SECONDS = 240.0
MOST_CONTEXTS = 1500
AROUND = 1500
"""Bytes of an envelope around its items."""
MODES = {"", "EnumerateEPR", "EnumerateObjectAndEPR"}
IN_ENUMERATE = {
    full(f"w:{name}")
    for name in ("OptimizeEnumeration", "MaxElements", "EnumerationMode", "Filter")
}


@dataclass
class Waiting:
    """Items of an enumeration that were not fetched yet."""

    user: str
    namespace: str
    items: list[str]
    touched: float = field(default_factory=time.monotonic)


class Enumerations:
    """The enumerations of one host."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting: dict[str, Waiting] = {}

    def begin(self, asked: Asked, view: View, user: str, server: str) -> str:
        """Carry out an Enumerate.

        Raises:
            CimFault: it is no query that is understood.
        """
        what = asked.body
        if strange := {one.tag for one in what} - IN_ENUMERATE:
            raise bad_schema(f"{sorted(strange)} in Enumerate")
        mode = (what.findtext("w:EnumerationMode", "", NAMESPACES) or "").strip()
        if mode not in MODES:
            raise plain("w:UnsupportedFeature", f"{mode} is not supported.", "EnumerationMode")
        items = [shown(*one, mode) for one in found(asked, view, server)]
        context = f"uuid:{str(uuid.uuid4()).upper()}"
        with self.lock:
            self.forget()
            self.waiting[context] = Waiting(user, asked.namespace, items)
        if what.find("w:OptimizeEnumeration", NAMESPACES) is None:
            pointer = f"<n:EnumerationContext>{context}</n:EnumerationContext>"
            return f"<n:EnumerateResponse>{pointer}</n:EnumerateResponse>"
        # Recorded: the first answer holds one item if there are more, whatever MaxElements says.
        batch, ended = self.batch(context, 1, asked.most_bytes)
        end = "<w:EndOfSequence/>" if ended else ""
        pointer = "" if ended else context
        return (
            f"<n:EnumerateResponse><n:EnumerationContext>{pointer}</n:EnumerationContext>"
            f"<w:Items>{batch}</w:Items>{end}</n:EnumerateResponse>"
        )

    def pull(self, asked: Asked, user: str) -> str:
        """Give the next page; without MaxElements it has one item."""
        context = self.known(asked, user)
        most = number(asked.body, "n:MaxElements")
        batch, ended = self.batch(context, most, asked.most_bytes)
        pointer = "" if ended else f"<n:EnumerationContext>{context}</n:EnumerationContext>"
        end = "<n:EndOfSequence/>" if ended else ""
        return f"<n:PullResponse>{pointer}<n:Items>{batch}</n:Items>{end}</n:PullResponse>"

    def release(self, asked: Asked, user: str) -> str:
        """End an enumeration before its end."""
        context = self.known(asked, user)
        with self.lock:
            self.waiting.pop(context, None)
        return ""

    def known(self, asked: Asked, user: str) -> str:
        """Give the context that is meant; raise CimFault if there is none of this caller."""
        context = (asked.body.findtext("n:EnumerationContext", "", NAMESPACES) or "").strip()
        with self.lock:
            self.forget()
            one = self.waiting.get(context)
            same = one and one.user == user
            if not one or not same or one.namespace.casefold() != asked.namespace.casefold():
                text = "The EnumerationContext is not valid."
                raise plain("n:InvalidEnumerationContext", text)
            one.touched = time.monotonic()
        return context

    def batch(self, context: str, most: int, most_bytes: int) -> tuple[str, bool]:
        """Take items, about half of what an envelope may hold; tell whether these were the last."""
        with self.lock:
            one = self.waiting.get(context)
            items = one.items if one else []
            taken: list[str] = []
            size = AROUND
            while items and len(taken) < most:
                length = len(items[0].encode())
                if taken and size + length > most_bytes // 2:
                    break
                if size + length > most_bytes:
                    text = "The item does not fit into an envelope of the size that is allowed."
                    raise plain("w:EncodingLimit", text, "MaxEnvelopeSizeExceeded")
                size += length
                taken.append(items.pop(0))
            if not items:
                self.waiting.pop(context, None)
        return "".join(taken), not items

    def forget(self) -> None:
        """Forget what nobody fetches; called with the lock held."""
        oldest = time.monotonic() - CONTEXT_SECONDS
        old = [context for context, one in self.waiting.items() if one.touched < oldest]
        for context in old:
            del self.waiting[context]
        if len(self.waiting) > MOST_CONTEXTS:
            raise plain("w:QuotaLimit", "Too many enumerations are open.")


def number(body: Element, name: str) -> int:
    """Read MaxElements; 1 if it is not given."""
    text = (body.findtext(name, "", NAMESPACES) or "1").strip()
    if not text.isdecimal() or not int(text):
        raise bad_schema(f"{name} is {text!r}")
    return int(text)


def found(asked: Asked, view: View, server: str) -> list[tuple[Instance, tuple[str, ...] | None]]:
    """Find what is enumerated, each with the columns that are wanted; None is all."""
    given = asked.body.find("w:Filter", NAMESPACES)
    if given is None:
        if asked.kind == "*":
            raise plain("n:CannotProcessFilter", "An enumeration of * needs a filter.")
        number(asked.body, "w:MaxElements")
        kinds = classes().all_of(asked.namespace, asked.kind)
        return [(one, None) for one in view.of(kinds)]
    if given.get("Dialect") != DIALECT:
        text = f"The filter dialect {given.get('Dialect')} is not supported."
        raise plain("n:FilterDialectRequestedUnavailable", text)
    if asked.kind != "*" or asked.selectors:
        raise filter_on_a_class()
    number(asked.body, "w:MaxElements")
    if len(given):
        raise bad_schema("the Filter holds elements")
    query = wql.parse((given.text or "").strip(), asked.namespace, server)
    if isinstance(query, wql.Relation):
        return [(one, None) for one in view.related(query)]
    columns = tuple(query.columns) or None
    return [(one, columns) for one in view.of(query.kinds) if query.test(one)]


def shown(one: Instance, columns: tuple[str, ...] | None, mode: str) -> str:
    """Write an item as the enumeration's mode wants it."""
    pointer = f"<a:EndpointReference>{reference(one)}</a:EndpointReference>"
    if mode == "EnumerateEPR":
        return pointer
    whole = instance(one) if columns is None else fragment(one, own(one, columns))
    return f"<w:Item>{whole}{pointer}</w:Item>" if mode else whole


def own(one: Instance, columns: tuple[str, ...]) -> list[str]:
    """Leave out the columns that are another class's, and WMI's own, which are not given."""
    return [name for name in columns if name in one.kind.properties]

"""The names that an inventory gives to machines: each on its own, and what follows from a label."""

import re
from collections.abc import Callable, Container

from delegation import names
from delegation.inventory.fields import Field, Reading
from delegation.inventory.value_types import TEXT_SCHEMA, ValueType, texts
from delegation.inventory.yaml_text import quoted

# Not only what a host name may hold: a label may have the _ of old NetBIOS names. It ends in no
# hyphen and, like each part of a DNS name, has 63 characters at most.
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\Z")


_ACCOUNT = re.compile(r"""[^"/\\\[\]:;|=,+*?<>@\s]{1,20}\Z""")
"""MS-SAMR 3.1.1.6: characters that a sAMAccountName may not have; blanks are allowed there, and in
no account that answers to names."""


def is_dns_name(text: str) -> bool:
    """Whether ``text`` is a fully qualified name; an IP address is none."""
    return names.is_fqdn(text) and not text.rpartition(".")[2].isdigit()


def qualified(label: str, domain: str | None) -> str:
    """The default FQDN; empty where the domain is unknown because of a problem."""
    return f"{label}.{domain}" if domain else ""


def read_domain(reading: Reading, field: Field | None) -> str | None:
    text = reading.text(field)
    if field is None or text is None or is_dns_name(text):
        return text
    what = f"'domain' is {quoted(text)}, which is not a DNS domain"
    reading.problem(field.node, what, "write the full name, such as corp.example")
    return None


def read_computer_name(reading: Reading, field: Field | None) -> str | None:
    """A declared sAMAccountName, without its $."""
    name = reading.text(field)
    if field is None or name is None or names.is_computer_name(name):
        return name
    reading.problem(field.node, *_bad_computer_name(name))
    return None


def _read(
    reading: Reading, field: Field | None, fits: Callable[[str], object], no: str, fix: str
) -> str | None:
    """Text that ``fits``; else the problem that it is ``no`` such thing."""
    text = reading.text(field)
    if field is None or text is None or fits(text):
        return text
    reading.problem(field.node, f"{quoted(text)} is not {no}", fix)
    return None


def read_fqdn(reading: Reading, field: Field | None) -> str | None:
    fix = "write it like hv01.corp.example"
    return _read(reading, field, is_dns_name, "a fully qualified DNS name", fix)


def read_suffix(reading: Reading, field: Field | None) -> str | None:
    """What stands behind the first dot of a full name."""
    fix = "write it like dc2.corp.example, without a leading dot"
    return _read(reading, field, is_dns_name, "a DNS suffix", fix)


def read_account_name(reading: Reading, field: Field | None) -> str | None:
    """A sAMAccountName as it is: up to 20 characters, none of those that Windows refuses."""
    fix = "write its sAMAccountName, such as svc-nas01 or NAS01$"
    return _read(reading, field, _ACCOUNT.match, "the name of an account", fix)


def read_aliases(reading: Reading, field: Field | None) -> tuple[str, ...]:
    """Names of a machine, short or full, each once."""
    found: dict[str, str] = {}
    for item in (reading.items(field) if field else None) or ():
        name = reading.text(item)
        if name is None:
            continue
        if not (_LABEL.match(name) or is_dns_name(name)):
            what = f"{quoted(name)} is not a name of a machine"
            reading.problem(item.node, what, "write it like vmstore or vmstore.corp.example")
        elif name.casefold() in found:
            reading.problem(item.node, f"repeated alias {quoted(name)}", "name each alias once")
        else:
            found[name.casefold()] = name
    return tuple(found.values())


SUFFIX = ValueType("a DNS name", TEXT_SCHEMA, read_suffix)
DOMAIN = ValueType("a DNS name", TEXT_SCHEMA, read_domain)
COMPUTER_NAME = ValueType("an account's name", TEXT_SCHEMA, read_computer_name)
FQDN = ValueType("a DNS name", TEXT_SCHEMA, read_fqdn)
ACCOUNT_NAME = ValueType("an account's name", TEXT_SCHEMA, read_account_name)
ALIASES = texts("names of a machine")


def bad_label(label: str, domain: str | None, given: Container[str]) -> tuple[str, str] | None:
    """What is wrong with a label, or with a name that follows from it; and the fix.

    Where ``computer`` or ``fqdn`` is ``given``, that name does not follow from the label.
    """
    if not _LABEL.match(label):
        fix = "use letters, digits, - and _; write a full name under fqdn:"
        return f"bad name {quoted(label)}", fix
    if "computer" not in given and not names.is_computer_name(label):
        return _bad_computer_name(label)
    fqdn = qualified(label, domain)
    if "fqdn" not in given and fqdn and not is_dns_name(fqdn):
        return f"{quoted(fqdn)} is longer than a DNS name can be", "shorten the name"
    return None


def _bad_computer_name(name: str) -> tuple[str, str]:
    if name.endswith("$"):
        return f"bad computer name {quoted(name)}: it ends in $", "write it without the $"
    what = f"bad computer name {quoted(name)}"
    if len(name) > 15:
        what += f": {len(name)} characters, and 15 is the most"
    elif name.isdigit():
        what += ": digits alone"
    return what, "write the account's name (computer: HV01): letters, digits, - and _"

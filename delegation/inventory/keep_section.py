"""Keep rules of an inventory: which values belong to somebody else, and where."""

import re
from enum import StrEnum

from delegation.inventory import Keep
from delegation.inventory.declared import DeclaredSection
from delegation.inventory.fields import Field, Reading
from delegation.inventory.hosts_section import DeclaredHosts
from delegation.inventory.meshes_section import listed_hosts
from delegation.inventory.value_types import ValueType, text_like
from delegation.inventory.yaml_text import quoted

_PATTERN = re.compile(r"[^/\[\]]+/[^\[\]]+\Z")


class _Acceptance(StrEnum):
    ACCEPT = "accept"


def read_acceptance(reading: Reading, field: Field) -> bool | None:
    """True where it says ``accept``, the one word that it may say."""
    return True if reading.choice(field, _Acceptance) else None


def read_spn_pattern(reading: Reading, field: Field) -> str | None:
    """A pattern of service principal names. Brackets would be taken for a range, and match none."""
    text = reading.text(field)
    if text is None or _PATTERN.match(text):
        return text
    what = f"{quoted(text)} is not a pattern of service/host"
    fix = "write it like HTTP/* with * and ? only; hosts of a range go under hosts:"
    reading.problem(field.node, what, fix)
    return None


SPN_PATTERN = text_like("a pattern with `*` and `?`", "^[^/]+/.", read_spn_pattern)
ACCEPTANCE = ValueType("`accept`", {"const": "accept"}, read_acceptance)


def read_keep(inventory: DeclaredSection, hosts: DeclaredHosts) -> tuple[Keep, ...]:
    rules = [_keep_rule(declared, hosts) for declared in inventory.sections("keep")]
    return tuple(rule for rule in rules if rule is not None)


def _keep_rule(declared: DeclaredSection, hosts: DeclaredHosts) -> Keep | None:
    return declared.made_if_whole(Keep, hosts=_hosts_of_rule(declared, hosts))


def _hosts_of_rule(declared: DeclaredSection, hosts: DeclaredHosts) -> tuple[str, ...]:
    field = declared.get("hosts")
    if field is None:
        return ()
    listed = listed_hosts(declared.reading, field, hosts)
    if listed.readable and not listed.named:
        what = "'hosts' is an empty list, and a rule without hosts holds on every host"
        declared.problem("hosts", what, "name the hosts, or delete it for every host")
    return listed.labels

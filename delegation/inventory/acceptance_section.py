"""What an inventory says is known: accepted findings, and who is trusted to act on the hosts.

That a rule exists is the audit's to say: it tells of each acceptance that accepts nothing.
"""

from delegation.inventory.accepted import CRITICAL_RULES, MENDED_RULES, Acceptance, Trusted
from delegation.inventory.declared import DeclaredSection
from delegation.inventory.fields import Field, Reading
from delegation.inventory.hosts_section import DeclaredHosts
from delegation.inventory.meshes_section import listed_hosts
from delegation.inventory.value_types import text_like
from delegation.inventory.yaml_text import quoted

_NOT_IN_ACCOUNTS = frozenset('*?/\\[]:;|=,+<>"@')
"""A sAMAccountName holds none of these (MS-SAMR 3.1.1.6)."""
_DOMAIN = "S-1-5-21-"


def read_rule_id(reading: Reading, field: Field) -> str | None:
    text = reading.text(field)
    number = (text or "").removeprefix("KCD")
    is_number = len(number) == 3 and number.isascii() and number.isdecimal()
    if text is None or (is_number and text != number):
        return text
    what = f"{quoted(text)} is not the id of a rule"
    reading.problem(field.node, what, "write it as delegation audit shows it, like KCD016")
    return None


def read_account(reading: Reading, field: Field) -> str | None:
    """A sAMAccountName, or a SID. Everyone and his like have SIDs as well, and are nobody to trust.

    Of these, none is of a domain (MS-DTYP 2.4.2.4).
    """
    text = reading.text(field)
    if text is None:
        return None
    is_sid = text.upper().startswith("S-1-")
    if _is_of_domain(text) if is_sid else not _NOT_IN_ACCOUNTS.intersection(text):
        return text
    what = f"{quoted(text)} is not an account"
    fix = "write its sAMAccountName, with the $ of a computer, or the SID of an account"
    reading.problem(field.node, what, fix)
    return None


def _is_of_domain(sid: str) -> bool:
    """Whether it is the domain's three numbers and an account's (MS-DTYP 2.4.2.4)."""
    numbers = sid.upper().removeprefix(_DOMAIN).split("-")
    return len(numbers) == 4 and all(it.isascii() and it.isdecimal() for it in numbers)


RULE_ID = text_like("the id of a rule", "^KCD[0-9]{3}$", read_rule_id)
ACCOUNT = text_like("a sAMAccountName or a SID", "^[^/\\\\@]+$", read_account)


def read_accepted(inventory: DeclaredSection, hosts: DeclaredHosts) -> tuple[Acceptance, ...]:
    """The accepted findings; one that can never be accepted is reported."""
    found: list[Acceptance] = []
    for declared in inventory.sections("accept"):
        field = declared.get("hosts")
        labels: tuple[str, ...] = ()
        if field is not None:
            listed = listed_hosts(declared.reading, field, hosts)
            labels = listed.labels
            if listed.readable and not listed.named:
                what = "'hosts' is an empty list, and a rule without hosts holds on every host"
                declared.problem("hosts", what, "name the hosts, or delete it for every host")
        acceptance = declared.made_if_whole(Acceptance, hosts=labels)
        if acceptance is not None:
            _refuse_unacceptable(declared, acceptance)
            found.append(acceptance)
    return tuple(found)


def _refuse_unacceptable(declared: DeclaredSection, acceptance: Acceptance) -> None:
    rule = acceptance.rule
    if rule in MENDED_RULES:
        what = f"{rule} can't be accepted: it finds what an apply mends"
        declared.problem("rule", what, "delegation apply; or correct what the inventory asks for")
    elif rule in CRITICAL_RULES:
        is_pattern = bool({*acceptance.value} & {*"*?"})
        if is_pattern or len(acceptance.hosts) != 1:
            what = f"{rule} is critical, and accepted only on one host and for one exact value"
            declared.problem("rule", what, "write a rule for each: one host, the value as it is")


def read_trusted(inventory: DeclaredSection) -> tuple[Trusted, ...]:
    """Who may act on the hosts; named twice, it could not be told which reason holds."""
    found: dict[str, Trusted] = {}
    for declared in inventory.sections("trusted"):
        trusted = declared.made_if_whole(Trusted)
        if trusted is None:
            continue
        if trusted.account.casefold() in found:
            what = f"{quoted(trusted.account)} is trusted twice"
            declared.problem("account", what, "keep one of the two")
        found[trusted.account.casefold()] = trusted
    return tuple(found.values())

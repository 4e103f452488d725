"""A root DSE, what a logon has proved -> which domain controller answers, or that none does.

What a server tells of itself is no proof: whoever forges one line forges them all. The proof is the
ticket for ``ldap/host/domain``, or the certificate. Here what is told is held against it, so that
neither a wrong name nor another server that had a proof of its own goes on as what was meant.
"""

from collections.abc import Collection

from delegation import names
from delegation.directory import entries
from delegation.errors import ConnectionFailed, DirectoryError
from delegation.kerberos import certificates

ROOT_DSE = (
    "defaultNamingContext",
    "configurationNamingContext",
    "schemaNamingContext",
    "rootDomainNamingContext",
    "namingContexts",
    "dnsHostName",
    "dsServiceName",
    "supportedCapabilities",
)
"""What is asked of it (MS-ADTS 3.1.1.3.2)."""

_DEFAULT, _CONFIGURATION, _SCHEMA, _FOREST = (
    name.casefold() for name in ROOT_DSE if name.endswith("NamingContext")
)


def naming_context(root_dse: entries.Attributes, url: str, domain: str) -> str:
    """The domain's, as the server writes it. Raises DirectoryError where it is another's."""
    base = _text(root_dse, _DEFAULT, url)
    if names.dn_key(base) != names.dn_key(names.domain_dn(domain)):
        raise DirectoryError(
            f"{url} serves {base}, the inventory's domain is {domain}",
            "correct domain: or directory.url",
        )
    _refuse_odd_contexts(root_dse, url)
    return base


def _refuse_odd_contexts(root_dse: entries.Attributes, url: str) -> None:
    """The configuration lies below the forest's root, the schema below it, and a domain controller
    holds all three (MS-ADTS 3.1.1.1.4); the root may be another domain than its own.
    """
    configuration = _text(root_dse, _CONFIGURATION, url)
    schema = _text(root_dse, _SCHEMA, url)
    below = {
        _CONFIGURATION: (configuration, f"CN=Configuration,{_text(root_dse, _FOREST, url)}"),
        _SCHEMA: (schema, f"CN=Schema,{configuration}"),
    }
    for name, (told, expected) in below.items():
        if names.dn_key(told) != names.dn_key(expected):
            raise _no_controller(url, f"its {name} is {told}, not {expected}")
    held = {names.dn_key(dn.decode(errors="replace")) for dn in root_dse.get("namingcontexts", ())}
    for dn in (_text(root_dse, _DEFAULT, url), configuration, schema):
        if names.dn_key(dn) not in held:
            raise _no_controller(url, f"{dn} is not among its namingContexts")


def controller(root_dse: entries.Attributes, url: str, proved: Collection[str] | None) -> str:
    """Its DNS name, which must be one of ``proved``: names as in certificates; None: nobody's.

    Raises ConnectionFailed, because the next domain controller that DNS knows may be right.
    """
    dc = _text(root_dse, "dnshostname", url)
    if proved is None or certificates.is_among(dc, proved):
        return dc
    said = ", ".join(proved) or "no DNS name"
    raise ConnectionFailed(
        f"{url} calls itself {dc}; the logon has proved {said}",
        f"if {dc} is the domain controller that is meant, write that name in directory.url; else "
        "look who answers at that address",
    )


def _text(root_dse: entries.Attributes, name: str, url: str) -> str:
    """The one value. Raises DirectoryError."""
    try:
        return root_dse[name][0].decode()
    except (LookupError, UnicodeDecodeError) as exc:
        raise _no_controller(url, f"it tells no {name}") from exc


def _no_controller(url: str, why: str) -> DirectoryError:
    return DirectoryError(
        f"{url} does not answer like a domain controller: {why}",
        "name a domain controller, or look who answers at that address",
    )

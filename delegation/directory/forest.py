"""Objects as a domain controller shows them -> what the forest says: whom HOST stands for."""

from collections.abc import Callable, Sequence

from delegation.mesh.spn_mappings import ASSUMED, SpnMappings

DIRECTORY_SERVICE = "CN=Directory Service,CN=Windows NT,CN=Services"
"""Of the configuration naming context (MS-ADTS 6.1.1.2.4.1)."""

SPN_MAPPINGS = "sPNMappings"
_CONFIGURATION = "configurationNamingContext"

Ask = Callable[[str, str], Sequence[bytes]]
"""DN, attribute -> its values; none where the object can't be seen."""


def spn_mappings(ask: Ask, base_dn: str) -> SpnMappings:
    """The forest's own, or the default where it shows none."""
    # The configuration lies below the forest's root. That is the domain itself nearly always, and
    # then one question is enough.
    values = ask(f"{DIRECTORY_SERVICE},CN=Configuration,{base_dn}", SPN_MAPPINGS)
    if not values:
        for context in ask("", _CONFIGURATION):
            dn = f"{DIRECTORY_SERVICE},{context.decode(errors='replace')}"
            values = ask(dn, SPN_MAPPINGS)
    texts = [value.decode(errors="replace") for value in values]
    return SpnMappings.of(texts) if texts else ASSUMED

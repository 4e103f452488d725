"""What a person calls an operator -> whom to look for, and in which domain.

Hosts in a child domain and administrators in the forest's root are ordinary. A name that belongs to
another domain says nothing about an account of this one that is called the same.
"""

from collections.abc import Mapping
from typing import NamedTuple


class OperatorName(NamedTuple):
    """``CORP\\\\user``, ``user@corp.example``, or ``user`` alone, whose ``domain`` is then empty.

    ``is_principal``: it is a userPrincipalName, whose suffix need not be any domain's name
    (MS-ADTS 5.1.1.1.1).
    """

    user: str
    domain: str = ""
    is_principal: bool = False

    @classmethod
    def parse(cls, text: str) -> "OperatorName":
        domain, backslash, user = text.partition("\\")
        if backslash:
            return cls(user, domain)
        user, at, domain = text.rpartition("@")
        return cls(user, domain, is_principal=True) if at else cls(text)

    def domain_elsewhere(self, here: str, domains: Mapping[str, str]) -> str:
        """The DNS name of the domain that is meant, where it is surely not ``here``; else empty.

        ``domains`` are those of the forest by NetBIOS name, casefolded. A principal's suffix proves
        nothing before somebody was looked for by it. Where this domain's own NetBIOS name is not
        known, it is taken to be the first part of the DNS name, as it is unless somebody chose
        otherwise.
        """
        said, own = self.domain.casefold(), here.casefold()
        if self.is_principal or said in {"", own}:
            return ""
        named = domains.get(said, "")
        is_own_known = own in {name.casefold() for name in domains.values()}
        is_assumed = not is_own_known and said == own.partition(".")[0]
        if named.casefold() == own or is_assumed:
            return ""
        return named or self.domain

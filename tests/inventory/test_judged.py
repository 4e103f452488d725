"""Settings without a file are judged exactly as the reader judges them in one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation.errors import InventoryError
from delegation.inventory import Auth, DirectorySettings
from delegation.inventory.judged import judged_settings
from delegation.inventory.reader import parse
from delegation.inventory.yaml_writing import quoted
from delegation.mesh.discovery import draft

_TEXTS = st.one_of(
    st.none(),
    st.sampled_from(["", " ", "svc", " svc", "a\tb", "123", "true", "null", "\u202e", "x" * 5000]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
_URLS = st.sampled_from(
    [None, "ldaps://dc1.corp.example", "ldap://dc1", "ldif:x.ldf", "LDAPS://dc1", "ldap://dc1:3268"]
)
_LISTS = st.lists(
    st.sampled_from(
        ["10.0.0.53", "dns1", "", "OU=x,DC=corp,DC=example", "DC=corp", "DC=example", "::1"]
    ),
    max_size=3,
).map(tuple)
_SETTINGS = st.builds(
    DirectorySettings,
    url=_URLS,
    start_tls=st.booleans(),
    auth=st.sampled_from([None, *Auth]),
    user=_TEXTS,
    keytab=_TEXTS,
    ca_file=_TEXTS,
    site=_TEXTS,
    dns_servers=_LISTS,
    search_base=_LISTS,
)


def in_a_file(domain: str, settings: DirectorySettings) -> DirectorySettings | list[str]:
    section = "\n".join(draft.directory(settings))
    text = f"domain: {quoted(domain)}\n{section}\nhosts: {{hv01: , hv02: }}\n"
    try:
        return parse(text.encode(), "a file").directory
    except InventoryError as exc:
        return [f"{problem.what}; {problem.fix}" for problem in exc.problems]


def without_one(domain: str, settings: DirectorySettings) -> DirectorySettings | list[str]:
    try:
        return judged_settings(domain, settings, "the options")
    except InventoryError as exc:
        return [f"{problem.what}; {problem.fix}" for problem in exc.problems]


@given(st.sampled_from(["corp.example", "corp", "10.0.0.1", "", "lab.example"]), _SETTINGS)
def test_as_in_a_file(domain: str, settings: DirectorySettings) -> None:
    assert without_one(domain, settings) == in_a_file(domain, settings)


def test_all_problems_at_once() -> None:
    settings = DirectorySettings(dns_servers=("dns1", "dns2"), auth=Auth.SIMPLE)
    with pytest.raises(InventoryError) as caught:
        judged_settings("corp", settings, "the options")
    assert [problem.line for problem in caught.value.problems] == sorted(
        problem.line for problem in caught.value.problems
    )
    assert len(caught.value.problems) == 4

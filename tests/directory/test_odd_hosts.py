"""Hosts that no DNS can know: refused in words, whoever has named them."""

from __future__ import annotations

import pytest

from delegation.directory import session
from delegation.directory.connection import Credentials
from delegation.errors import ConnectionFailed
from delegation.inventory import Auth, DirectorySettings
from delegation.inventory.directory_section import directory_url


@pytest.mark.parametrize("host", ["dc1..corp.example", ".corp.example", f"{'d' * 64}.corp.example"])
def test_a_label_that_is_none(host: str) -> None:
    settings = DirectorySettings(f"ldap://{host}", auth=Auth.NTLM, user="svc")
    with pytest.raises(ConnectionFailed, match="has no address in DNS"):
        session.connect(settings, "corp.example", Credentials("svc", "word"))


@pytest.mark.parametrize("address", ["1:2", ":::::", "10.0.0.1", "fd00::1::2"])
def test_brackets_hold_an_address(address: str) -> None:
    with pytest.raises(ValueError, match="is not just a server"):
        directory_url(f"ldaps://[{address}]")


def test_an_address_with_a_port() -> None:
    assert directory_url("LDAPS://[fd00::1]:6360") == "ldaps://[fd00::1]:6360"

"""How a run reached its directory, as a journal tells it: what an inventory could have said."""

from typing import Any

import pytest

from delegation.directory.connection import recorded_settings
from delegation.errors import JournalError

GOOD = {
    "url": "ldaps://dc1.corp.example",
    "auth": "simple",
    "user": "svc@corp.example",
    "ca_file": "/srv/Zertifikate \u200d/ca.pem",
    "dns_servers": ["10.0.0.53"],
    "start_tls": False,
}


def test_what_was_recorded_comes_back() -> None:
    settings = recorded_settings(GOOD)
    assert settings.user == "svc@corp.example"
    assert settings.dns_servers == ("10.0.0.53",)


@pytest.mark.parametrize(
    "url", ["ldif:/srv/Stand \u200d/export.ldif", "ldif:C:\\exports\\corp.ldif"]
)
def test_an_export_comes_back(url: str) -> None:
    assert recorded_settings({"url": url}).url == url


@pytest.mark.parametrize(
    "planted",
    [
        {"user": "svc@EVIL.EXAMPLE\0@corp.example"},
        {"user": "svc\n"},
        {"user": 5},
        {"url": "ldap://[::1"},
        {"url": "ldap://dc1.corp.example\n"},
        {"url": "http://dc1.corp.example"},
        {"url": "ldap://dc1.corp.example\0"},
        {"url": ["ldap://dc1.corp.example"]},
        {"keytab": "/srv/x\0.keytab"},
        {"ca_file": 1},
        {"site": "\0"},
        {"search_base": [1]},
        {"dns_servers": [5]},
        {"dns_servers": [["10.0.0.53"]]},
        {"dns_servers": ["dns.corp.example"]},
        {"dns_servers": 5},
        {"start_tls": "no"},
        {"auth": "none"},
        {"more": "than that"},
    ],
    ids=repr,
)
def test_what_no_inventory_says_is_refused(planted: dict[str, Any]) -> None:
    with pytest.raises(JournalError, match="can't be read"):
        recorded_settings(GOOD | planted)

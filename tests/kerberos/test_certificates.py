"""The names of a certificate, and who may call himself by one of them."""

from __future__ import annotations

import pytest

from delegation.kerberos import certificates

NAMES = ("dc1.corp.example", "*.branch.corp.example")


@pytest.mark.parametrize("host", ["dc1.corp.example", "DC1.corp.example.", "x.branch.corp.example"])
def test_a_name_that_is_among_them(host: str) -> None:
    assert certificates.is_among(host, NAMES)


@pytest.mark.parametrize(
    "host", ["dc2.corp.example", "y.x.branch.corp.example", "branch.corp.example", "dc1", ""]
)
def test_a_name_that_is_not(host: str) -> None:
    assert not certificates.is_among(host, NAMES)


def test_only_dns_names_are_names() -> None:
    told = {"subjectAltName": (("DNS", "dc1.corp.example"), ("IP Address", "192.0.2.1"))}
    assert certificates.names_of(told) == ("dc1.corp.example",)
    assert certificates.names_of({"subject": ()}) == certificates.names_of(None) == ()

"""A second DC is right: what the product is shown of several DCs rests on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab import admin, domain, independent
from tests.lab.description import OPERATOR, READER, TRUSTED_TO_AUTH_FOR_DELEGATION, WRITER, Lab
from tests.lab.joined import Kind, joined, pull
from tests.lab.kdc import Granted, Question, Refused, decide_all
from tests.lab.spnego_bind import SEAL, SUCCESS, bind

pytestmark = pytest.mark.lab

REFERRAL = 10


@pytest.fixture(scope="class")
def writable(lab: Lab) -> Iterator[Lab]:
    domain.reset(lab)
    with joined(lab, Kind.WRITABLE) as second:
        yield second


class TestWritable:
    """In one life of the second DC: each test has a host of its own."""

    def test_each_knows_only_what_it_was_told(self, lab: Lab, writable: Lab) -> None:
        admin.add_values(lab, "hv01", "cifs/hv02", account=WRITER)
        admin.add_values(writable, "hv02", "cifs/hv03", account=WRITER)
        assert independent.delegation(writable, "hv01") == ()
        assert independent.delegation(lab, "hv02") == ()
        pull(lab, writable)
        assert independent.delegation(writable, "hv01") == ("cifs/hv02",)

    def test_replication_brings_whole_attributes(self, lab: Lab, writable: Lab) -> None:
        """The last writer wins; who changed it more often wins first (MS-DRSR 4.1.10.6.9)."""
        admin.add_values(writable, "hv04", "cifs/hv05")
        admin.add_values(lab, "hv04", "cifs/hv06")
        admin.add_values(lab, "hv04", "cifs/hv07")
        pull(lab, writable)
        assert sorted(independent.delegation(writable, "hv04")) == ["cifs/hv06", "cifs/hv07"]

    def test_its_kdc_decides_on_its_own_directory(self, lab: Lab, writable: Lab) -> None:
        admin.add_values(writable, "hv08", "cifs/hv09")
        admin.set_flags(writable, "hv08", on=TRUSTED_TO_AUTH_FOR_DELEGATION)
        question = Question("hv08", OPERATOR, "cifs/hv09")
        assert isinstance(decide_all(lab, [question])[0], Refused)
        assert isinstance(decide_all(writable, [question])[0], Granted)

    def test_kerberos_and_ntlm_reach_it(self, writable: Lab) -> None:
        for protocol in ("kerberos", "ntlm"):
            assert bind(writable, READER, protocol=protocol, protection=SEAL).result == SUCCESS


def test_a_read_only_one_says_so_and_refers_writers(fresh_lab: Lab) -> None:
    with joined(fresh_lab, Kind.READ_ONLY, "rodc1") as second:
        (entry,) = independent.search(
            second, "(dNSHostName=rodc1.*)", "msDS-isRODC", "primaryGroupID", "userAccountControl"
        )
        assert entry.texts("msDS-isRODC") == ("TRUE",)
        assert entry.number("primaryGroupID") == 521
        assert entry.number("userAccountControl") & 0x4000000
        with pytest.raises(admin.LdapError) as refused:
            admin.add_values(second, "hv01", "cifs/hv02", account=WRITER)
        assert refused.value.result == REFERRAL
        assert bind(second, READER, protocol="kerberos", protection=SEAL).result == SUCCESS
    assert "rodc1" not in independent.mesh(fresh_lab)

"""Whose KDC gets a password that is meant for the hosts, and how often."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.lab import admin
from tests.lab.description import OPERATOR
from tests.lab.hosts import HostLab
from tests.story.workstation import Workstation

pytestmark = [pytest.mark.lab, pytest.mark.one_wording("nothing is migrated")]

DECLARED = """
hosts: {'hv[01-64]': }
defaults: {live_migration: {enabled: true}}
remoting: {user: USER}
"""
ELSEWHERE = """
[libdefaults]
default_realm = CORP.EXAMPLE
[realms]
CORP.EXAMPLE = {{ kdc = {kdc} }}
EVIL.TEST = {{ kdc = {kdc} }}
"""


def at_desk(desk: Workstation, user: str = OPERATOR, **variables: str) -> Workstation:
    desk.inventory(DECLARED.replace("USER", user), dns_servers=f"[{desk.lab.address}]")
    own = {
        "KRB5_CONFIG": str(desk.lab.krb5_conf),
        "KRB5CCNAME": f"FILE:{desk.folder / 'nobody'}",
    }
    return replace(desk, variables=own | variables)


def test_a_wrong_password_is_tried_once_for_all_hosts(desk: Workstation, hosts: HostLab) -> None:
    """Otherwise one mistake over 64 hosts would lock the account."""
    assert hosts.names
    with admin.counting_bad_logons(desk.lab, OPERATOR) as bad_logons:
        answer = at_desk(desk, DELEGATION_HOSTS_PASSWORD="Not-it-1").run("hosts", "show")
        assert answer.code == 1
        assert "wrong password for vmadmin" in answer.text
        assert bad_logons() == 1


def test_a_password_is_not_for_the_kdc_of_another_realm(desk: Workstation) -> None:
    """Whoever can edit the inventory could try passwords on what his KDC is sent."""
    configuration = desk.folder / "krb5.conf"
    configuration.write_text(ELSEWHERE.format(kdc=desk.lab.address))
    given = {
        "DELEGATION_HOSTS_PASSWORD": desk.lab.accounts[OPERATOR],
        "KRB5_CONFIG": str(configuration),
    }
    answer = at_desk(desk, f"{OPERATOR}@evil.test", **given).run("hosts", "show")
    assert answer.code == 4
    assert "vmadmin@EVIL.TEST would be for a KDC outside corp.example" in answer.err
    assert "nothing was sent" in answer.err
    assert "kinit vmadmin@EVIL.TEST" in answer.err
    assert "evil.test" not in desk.lab.log.read_text(errors="replace").casefold()


@pytest.mark.parametrize("user", [OPERATOR, f"{OPERATOR}@corp.example", f"CORP\\{OPERATOR}"])
def test_an_empty_password_is_refused(desk: Workstation, user: str) -> None:
    answer = at_desk(desk, user, DELEGATION_HOSTS_PASSWORD="").run("hosts", "show")
    assert answer.code == 2
    assert "an empty password is refused" in answer.err
    assert "DELEGATION_HOSTS_PASSWORD" in answer.err

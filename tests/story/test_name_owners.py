"""HOST moved to another account, and the KDC asked whose tickets the host's names then get.

The host goes by another name in DNS than in its account. Where an account is called as the name's
first label, and another one holds HOST/… of it, Samba's KDC gives no ticket at all.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab import Lab, admin, independent
from tests.lab.description import MIGRATION, OPERATOR
from tests.lab.kdc import Granted, ask
from tests.lab.programs import run
from tests.story.workstation import Workstation

pytestmark = pytest.mark.lab

DNS = "node3.corp.example"
NAME = f"cifs/{DNS}"
HOSTS = f"hosts: {{hv01: , hv02: , hv03: {{fqdn: {DNS}}}, hv04: }}\n"


def opened_by(lab: Lab, folder: Path, thief: str) -> bool:
    """Whether a ticket for ``NAME`` is encrypted to the key of that host's account."""
    cache = f"FILE:{folder / 'cache'}"
    log_on = ["kinit", "-k", "-t", str(lab.keytab("hv01")), f"HV01$@{lab.realm}"]
    done = run(lab, log_on, KRB5CCNAME=cache)
    assert done.returncode == 0, done.stderr
    command = ["kvno", "-k", str(lab.keytab(thief)), f"{NAME}@{lab.realm}"]
    return run(lab, command, KRB5CCNAME=cache).returncode == 0


def called_otherwise(lab: Lab) -> None:
    """hv03 is node3.corp.example, and has registered that."""
    services = ("HOST", MIGRATION, "RestrictedKrbHost")
    spns = [f"{service}/{name}" for service in services for name in ("HV03", DNS)]
    admin.set_attribute(lab, "hv03", "dNSHostName", DNS)
    admin.set_attribute(lab, "hv03", "servicePrincipalName", *spns)


def moved(lab: Lab, victim: str, thief: str) -> None:
    """HOST/… of the one, on the other; each keeps the rest of its names."""
    spns = independent.computer(lab, victim).texts("servicePrincipalName")
    hosts = [spn for spn in spns if spn.casefold().startswith("host/")]
    assert hosts
    admin.set_attribute(lab, victim, "servicePrincipalName", *(set(spns) - set(hosts)))
    others = independent.computer(lab, thief).texts("servicePrincipalName")
    admin.set_attribute(lab, thief, "servicePrincipalName", *others, *hosts)


def test_host_moved_to_another_account(desk: Workstation, fresh_lab: Lab, tmp_path: Path) -> None:
    """The tickets for hv03 are the thief's then, in any user's name; every command says so."""
    called_otherwise(fresh_lab)
    desk.inventory(HOSTS)
    assert desk.run("apply", "--yes").code == 0
    assert opened_by(fresh_lab, tmp_path, "hv03")
    moved(fresh_lab, "hv03", "hv65")

    assert isinstance(ask(fresh_lab, "hv01", OPERATOR, NAME), Granted)
    assert opened_by(fresh_lab, tmp_path, "hv65")
    assert not opened_by(fresh_lab, tmp_path, "hv03")

    audit = desk.run("audit", "--format", "json").data
    critical = [one for one in audit["findings"] if one["severity"] == "critical"]
    assert critical
    assert all("another account (HV65$)" in one["message"] for one in critical)
    assert "default sPNMappings assumed" not in str(critical), "the forest's own were read"
    refused = desk.run("plan", "--format", "json")
    assert refused.code == 4
    assert {one["why"] for one in refused.data["blocked"]} == {"spn-held"}
    assert desk.run("check").code == 1
    explained = desk.run("explain", "hv01", "hv03")
    assert explained.code == 1
    assert 'setspn -D "HOST/hv03' in explained.text


def test_host_removed_is_told_and_no_reason_to_refuse(desk: Workstation, fresh_lab: Lab) -> None:
    called_otherwise(fresh_lab)
    desk.inventory(HOSTS)
    assert desk.run("apply", "--yes").code == 0
    names = [f"{MIGRATION}/hv03", f"{MIGRATION}/{DNS}"]
    admin.set_attribute(fresh_lab, "hv03", "servicePrincipalName", *names)
    found = desk.run("audit", "--inside-only", "--format", "json").data["findings"]
    told = {(one["rule"], one["severity"], one["value"]) for one in found}
    assert told == {("KCD020", "high", "cifs/hv03"), ("KCD020", "high", NAME)}
    assert desk.run("plan").code == 0

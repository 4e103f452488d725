"""Who answers to a name: small exports of what happens in the field, and what each command says.

``tests/cases/names`` has them. In all of them four hosts hold what a mesh asks for, and nothing is
wrong but who has the names of hv02.
"""

import re
import shutil
from pathlib import Path

import pytest

from tests.cli.program import Delegation, Ran

CASES = Path(__file__).parents[1] / "cases" / "names"
SERVICE_DN = "CN=Directory Service,CN=Windows NT,CN=Services,CN=Configuration,DC=corp,DC=example"
DELEGATED = re.compile(rb"^msDS-AllowedToDelegateTo: .*\n", re.MULTILINE)


@pytest.fixture
def ask(delegation: Delegation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "type[Asked]":
    monkeypatch.chdir(tmp_path)
    Asked.delegation, Asked.folder = delegation, tmp_path
    return Asked


class Asked:
    """One case in a folder of its own."""

    delegation: Delegation
    folder: Path

    def __init__(self, case: str) -> None:
        shutil.copytree(CASES / case, self.folder, dirs_exist_ok=True)

    def __call__(self, *words: str) -> Ran:
        run = type(self).delegation
        return run("--directory", "ldif:directory.ldif", *words)

    def findings(self, command: str = "audit") -> list[dict[str, str]]:
        found: list[dict[str, str]] = self(command, "--format", "json").json["findings"]
        return found

    def told(self, rule: str) -> dict[str, dict[str, str]]:
        return {one["value"]: one for one in self.findings() if one["rule"] == rule}

    def plan(self) -> tuple[int, list[dict[str, str]]]:
        """Of a directory in which nothing is delegated yet."""
        path = self.folder / "directory.ldif"
        path.write_bytes(DELEGATED.sub(b"", path.read_bytes()))
        ran = self("plan", "--format", "json")
        return ran.code, ran.json["blocked"]

    def explained(self) -> str:
        """On one line."""
        ran = self("explain", "hv01", "hv02")
        assert ran.code == 1
        return " ".join(ran.out.split())


def test_host_on_another_account(ask: type[Asked]) -> None:
    """Tickets for cifs/hv02 go to OLDBOX$: as any user, for protocol transition is on."""
    case = ask("host-on-another-account")
    fix = 'setspn -D "HOST/hv02" OLDBOX, then setspn -S "HOST/hv02" HV02'
    for command in ("audit", "check"):
        critical = [one for one in case.findings(command) if one["severity"] == "critical"]
        assert [one["computer"] for one in critical] == ["hv02", "hv02"]
        assert fix in critical[0]["message"]
        assert "(OLDBOX$): tickets for it go there" in critical[0]["message"]
    assert case("audit").code == 3, "high and above fails, though nothing has drifted"
    assert case("check").code == 1
    said = case.explained()
    assert "tickets for cifs/hv02 go to OLDBOX$, which holds HOST/hv02" in said
    assert "default sPNMappings assumed" in said
    assert fix in said
    code, blocked = case.plan()
    assert code == 4
    assert [(one["computer"], one["why"]) for one in blocked] == [("hv02", "spn-held")] * 2
    assert case("apply", "--yes", "--allow", "removals").code == 4


def test_host_on_two_accounts(ask: type[Asked]) -> None:
    case = ask("host-on-two-accounts")
    fix = 'setspn -D "HOST/hv02" OLDBOX'
    duplicate = case.told("KCD013")["cifs/hv02"]
    assert (duplicate["severity"], fix in duplicate["fix"]) == ("high", True)
    assert "registered on HV02$ and OLDBOX$" in duplicate["message"]
    assert "critical" not in {one["severity"] for one in case.findings()}
    said = case.explained()
    assert fix in said
    assert "setspn -S" not in said, "the host has it"
    code, blocked = case.plan()
    assert code == 4
    assert {one["why"] for one in blocked} == {"spn-held"}


def test_a_replication_conflict(ask: type[Asked]) -> None:
    case = ask("replication-conflict")
    conflict = (
        r"CN=HV02\0ACNF:8f4a6c1e-6a1b-4a53-9a0a-111111111111,OU=Hyper-V,DC=corp,DC=example is the "
        "leftover of a replication conflict: look which of the two the host uses (pwdLastSet, "
        "lastLogon), delete the other"
    )
    said = case.explained()
    assert conflict in said
    assert case.told("KCD013")["cifs/hv02"]["fix"] == conflict
    code, blocked = case.plan()
    assert code == 4
    assert all(conflict in one["message"] for one in blocked)
    assert len(blocked) == 4
    everything = [said, *(one["message"] + one["fix"] for one in case.findings())]
    assert not any("setspn -D" in text for text in everything)


def test_host_removed(ask: type[Asked]) -> None:
    """The first half of moving it: told, and no reason to refuse."""
    case = ask("host-removed")
    found = case.told("KCD020")
    assert set(found) == {"cifs/hv02", "cifs/hv02.corp.example"}
    assert {one["severity"] for one in found.values()} == {"high"}
    assert 'setspn -S "HOST/hv02" HV02' in found["cifs/hv02"]["fix"]
    assert case("check").code == 1
    assert 'setspn -S "HOST/hv02" HV02' in case.explained()
    assert case.plan() == (3, [])


def test_two_spellings_on_a_service_account(ask: type[Asked]) -> None:
    r"""One account, so no duplicate; and a name that PowerShell would read otherwise."""
    case = ask("two-spellings-on-a-service-account")
    assert case.told("KCD013") == {}
    [finding] = case.findings()
    fix = "setspn -D \"cifs/hv02\" 'svc$back`up'"
    assert (finding["severity"], fix in finding["message"]) == ("critical", True)
    assert "(svc$back`up)" in finding["message"]
    assert fix in case.explained()
    assert case.plan()[0] == 4


def test_an_accented_name(ask: type[Asked]) -> None:
    case = ask("accented-name")
    found = case.told("KCD021")
    assert set(found) == {"cifs/hv02", "cifs/hv02.corp.example"}
    assert {one["severity"] for one in found.values()} == {"high"}
    assert r"HOST/H\u1e7d02" in found["cifs/hv02"]["message"]
    assert "EVIL$" in found["cifs/hv02"]["message"]
    assert case.plan() == (3, [])


def test_a_forest_in_which_host_does_not_stand_for_cifs(ask: type[Asked]) -> None:
    """The export has the forest's sPNMappings: then HOST/hv02 is no answer, whoever has it."""
    case = ask("mappings-without-cifs")
    assert {one["severity"] for one in case.findings()} <= {"high"}
    said = case.explained()
    assert "cifs/hv02 is not registered" in said
    assert "assumed" not in said
    assert case.plan() == (3, [])


@pytest.mark.parametrize("is_known", [True, False])
def test_init_assumes_only_what_it_can_not_read(ask: type[Asked], is_known: bool) -> None:  # noqa: FBT001
    case = ask("host-on-another-account")
    if is_known:
        with (case.folder / "directory.ldif").open("a") as exported:
            exported.write(f"\ndn: {SERVICE_DN}\nsPNMappings: host=alerter,cifs,http\n\n")
    said = " ".join(case("init", "--domain", "corp.example", "-o", "new.yaml").err.split())
    assert "(OLDBOX$)" in said
    assert ("assumed" not in said) is is_known


def test_init_calls_a_file_by_its_name(ask: type[Asked]) -> None:
    """What a message says of ``directory.user`` it says of ``--user``; a file is none of these."""
    case = ask("host-on-another-account")
    with (case.folder / "directory.ldif").open("a") as exported:
        exported.write("\ndn: CN=cut off")
    assert "directory.ldif:216" in case("init", "--domain", "corp.example", "-o", "new.yaml").err

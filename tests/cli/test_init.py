"""``init``: an inventory from what is there, which can be used as it is; nothing is overwritten."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from delegation.inventory import Auth, DirectorySettings, Inventory
from delegation.inventory.reader import parse
from tests.cli.program import MORTAL, PROGRAM, Delegation, Ran, spawned
from tests.cli.world import (
    DISABLED,
    MEMBER,
    MIGRATION,
    ROOT,
    TRANSITION,
    UNCONSTRAINED,
    account,
    controller,
    directory,
    finished,
    forms,
    tree,
)

LDIF = ("--directory", "ldif:directory.ldif")


@pytest.fixture
def empty(here: Path) -> Path:
    """The folder without an inventory."""
    (here / "inventory.yaml").unlink()
    return here


def written(path: Path) -> Inventory:
    return parse(path.read_bytes(), str(path))


def only_adds(ran: Ran) -> dict[str, list[str]]:
    """The values that a plan adds, by host; it does nothing else, and is not refused."""
    assert ran.code in {0, 3}
    assert ran.json["blocked"] == []
    assert ran.json["summary"]["remove"] == 0
    assert ran.json["summary"]["flags"] == 0
    return {change["computer"]: change["add"] for change in ran.json["changes"]}


MESS = (
    account("HV01", *forms("hv02", "hv03"), "cifs/NAS01", uac=MEMBER | TRANSITION),
    account("HV02", *forms("hv01"), *forms("hv90"), uac=MEMBER | TRANSITION),
    account("HV03", *forms("hv01", "hv02", "br01"), uac=MEMBER | TRANSITION),
    account("BR01", *forms("br02"), unit="Branch"),
    account("BR02", *[value.upper() for value in forms("br01")], unit="Branch"),
    account("LAB1", *forms("hv01"), unit="Lab"),
    account("HV90", *forms("hv02"), uac=MEMBER | DISABLED),
    account("NAS01", unit="Servers", spns=["HOST/nas01"]),
    account("CLU", spns=[f"{MIGRATION}/CLU", "MSClusterVirtualServer/CLU"]),
)
"""Two complete units but for a hole, values of others, a host that is gone, a lone one."""


class TestFromAMess:
    def test_the_first_plan_mends_what_is_broken_and_nothing_else(
        self, delegation: Delegation, empty: Path
    ) -> None:
        (empty / "directory.ldif").write_bytes(directory(*MESS))
        ran = delegation(*LDIF, "init")
        assert ran.code == 0
        assert ran.out == ""
        for words in (
            "6 hosts of corp.example on directory.ldif",
            "mesh hyper-v     hv[01-03]\n",
            "mesh branch      br[01-02]\n",
            "mesh to-branch   hv03 to br01, one way\n",
            "mesh to-hyper-v  lab1 to hv01, one way\n",
            "left out: clu: a cluster name object",
            "left out: hv90: its account is disabled",
            "kept: 1 value towards what may be file servers, on hv01",
            "kept: 4 values towards disabled accounts, on hv02",
            "the first plan: 4 values to add on hv02",
            "inventory.yaml written; nothing was written to the directory",
            "next    delegation check\n        delegation plan\n",
        ):
            assert words in ran.err
        checked = delegation("check")
        assert checked.code == 0
        assert only_adds(delegation("plan", "--format", "json")) == {"hv02": forms("hv03")}

    def test_after_the_apply_nothing_is_left_to_do(
        self, delegation: Delegation, empty: Path
    ) -> None:
        (empty / "directory.ldif").write_bytes(directory(*MESS))
        assert delegation(*LDIF, "init").code == 0
        assert delegation("apply", "--yes").code == 0
        assert delegation("plan").code == 0
        left_out = delegation("audit")
        # Hosts that init leaves out, and says so, still delegate to those that it took.
        assert set(re.findall(r"KCD\d+  \S+", left_out.out)) == {"KCD023  HV90"}
        assert delegation("audit", "--fail-on", "never").code == 0, "and that is no drift"
        assert delegation("rollback", "--yes").code == 0
        assert (empty / "directory.ldif").read_bytes() == directory(*MESS)

    def test_a_complete_mesh_needs_nothing(self, delegation: Delegation, empty: Path) -> None:
        (empty / "directory.ldif").write_bytes(finished())
        ran = delegation(*LDIF, "init")
        assert "the first plan: nothing to do" in ran.err
        assert delegation("plan").code == 0
        assert written(empty / "inventory.yaml").keep == ()

    def test_nothing_else_is_written(self, delegation: Delegation, empty: Path) -> None:
        (empty / "directory.ldif").write_bytes(finished())
        before = tree(empty)
        assert delegation(*LDIF, "init").code == 0
        after = tree(empty)
        assert after.pop("inventory.yaml")
        assert after == before

    def test_what_is_dangerous_is_told_and_not_hidden(
        self, delegation: Delegation, empty: Path
    ) -> None:
        (empty / "directory.ldif").write_bytes(
            directory(
                account(
                    "HV01", *forms("hv02"), "ldap/dc1.corp.example", uac=MEMBER | UNCONSTRAINED
                ),
                account("HV02", *forms("hv01")),
            )
        )
        ran = delegation(*LDIF, "init")
        assert ran.code == 0
        assert "warning: trusted for delegation to any service: hv01" in ran.err
        assert "warning: hv01 may act as any user towards dc1, a domain controller" in ran.err
        assert delegation("check").code == 1
        assert delegation("plan").code == 0


HOSTILE = 'x", y]: {z}\n- a: b # \u202e\u2028\u00e9'


def test_hostile_names_are_only_names(delegation: Delegation, empty: Path) -> None:
    """Nothing of them is a key, ends a comment, or is obeyed by a terminal."""
    name = HOSTILE.replace("\n", "\r\npolicy:\r\n  foreign: remove #")
    (empty / "directory.ldif").write_bytes(
        directory(
            account("HV01", *forms("hv02"), f"HTTP/{name}", 'HTTP/"q": #', unit=f"a\\{name}"),
            account("HV02", *forms("hv01"), "HTTP/yes, no", unit=f"a\\{name}"),
            account("HV03", fqdn=name, unit="b"),
            account(name, dn="CN=4,OU=b,DC=corp,DC=example", spns=[f"{MIGRATION}/{name}"]),
        )
    )
    ran = delegation(*LDIF, "init")
    assert ran.code == 0
    text = (empty / "inventory.yaml").read_text(encoding="utf-8")
    known = {"domain", "directory", "defaults", "hosts", "meshes", "keep", "retired", "policy"}
    assert set(yaml.safe_load(text)) == known
    assert yaml.safe_load(text)["policy"] == {"foreign": "report", "unconstrained": "report"}
    assert {c for c in text if not c.isprintable()} == {"\n"}
    assert only_adds(delegation("plan", "--format", "json")) == {}
    found = {rule.value for rule in written(empty / "inventory.yaml").keep}
    assert found == {'HTTP/"q": #', "HTTP/yes, no"}


class TestWhichHosts:
    @pytest.fixture(autouse=True)
    def _mess(self, empty: Path) -> None:
        (empty / "directory.ldif").write_bytes(directory(*MESS))

    @pytest.mark.parametrize(
        ("arguments", "hosts"),
        [
            ([], {"hv01", "hv02", "hv03", "br01", "br02", "lab1"}),
            (["--name", "hv*"], {"hv01", "hv02", "hv03"}),
            (["--name", "*0?"], set()),
            (["--name", "*2", "--one-mesh", "--all-hosts"], {"hv02", "br02"}),
            (["--ou", "ou=branch,dc=corp,dc=example"], {"br01", "br02"}),
            (
                ["--ou", "OU=Branch,DC=corp,DC=example", "--ou", "OU=Lab,DC=corp,DC=example"],
                {"br01", "br02"},
            ),
            (
                ["--ou", "OU=Hyper-V,DC=corp,DC=example", "--name", "HV0*"],
                {"hv01", "hv02", "hv03"},
            ),
            (["--one-mesh"], {"hv01", "hv02", "hv03", "br01", "br02", "lab1"}),
        ],
    )
    def test_as_asked(
        self, delegation: Delegation, empty: Path, arguments: list[str], hosts: set[str]
    ) -> None:
        ran = delegation(*LDIF, "init", *arguments)
        if hosts:
            assert ran.code == 0
            assert set(written(empty / "inventory.yaml").hosts) == hosts
            assert delegation("plan").code in {0, 3}
        else:
            assert ran.code == 1
            assert "no Hyper-V host was found in corp.example" in ran.err

    def test_one_that_has_not_registered_is_taken_by_its_unit(
        self, delegation: Delegation, empty: Path
    ) -> None:
        plain = account("HV04", spns=["HOST/HV04"])
        (empty / "directory.ldif").write_bytes(directory(*MESS, plain))
        unit = ("--ou", "OU=Hyper-V,DC=corp,DC=example")
        ran = delegation(*LDIF, "init", *unit, "-o", "without.yaml")
        assert ran.code == 0
        assert "1 host without any delegation, not proposed: hv04" in ran.err
        assert "hv04" not in written(empty / "without.yaml").hosts
        ran = delegation(*LDIF, "init", *unit, "--all-hosts")
        assert ran.code == 0
        assert "hv04" in written(empty / "inventory.yaml").hosts
        assert "not registered its name on hv04" in (empty / "inventory.yaml").read_text()

    def test_no_pair(self, delegation: Delegation, empty: Path) -> None:
        ran = delegation(*LDIF, "init", "--name", "lab*")
        assert ran.code == 1
        assert "no two of the hosts in corp.example on directory.ldif delegate" in ran.err
        assert "1 host without any delegation, not proposed: lab1" in ran.err
        assert "--all-hosts" in ran.err
        ran = delegation(*LDIF, "init", "--name", "lab*", "--all-hosts")
        assert ran.code == 1
        assert "no two hosts" in ran.err
        assert "lab1: the only host of its organizational unit" in ran.err
        assert "--one-mesh" in ran.err
        assert not (empty / "inventory.yaml").exists()


def test_nobody_is_there(delegation: Delegation, empty: Path) -> None:
    (empty / "directory.ldif").write_bytes(controller().encode())
    ran = delegation(*LDIF, "init")
    assert ran.code == 1
    assert "no Hyper-V host was found" in ran.err
    assert "--ou or --name" in ran.err


class TestTheFile:
    def test_an_existing_one_stays(self, delegation: Delegation, here: Path) -> None:
        (here / "inventory.new1.yaml").touch()
        before = tree(here)
        ran = delegation(*LDIF, "init")
        assert ran.code == 2
        assert "inventory.yaml exists already" in ran.err
        assert "-o inventory.new2.yaml" in ran.err
        assert tree(here) == before

    def test_it_is_looked_at_before_the_directory_is(self, delegation: Delegation) -> None:
        ran = delegation("--directory", "ldif:none.ldif", "init")
        assert ran.code == 2
        assert "exists already" in ran.err

    def test_a_link_to_nowhere_stays(self, delegation: Delegation, empty: Path) -> None:
        (empty / "inventory.yaml").symlink_to("nowhere.yaml")
        assert delegation(*LDIF, "init").code == 2
        assert not (empty / "nowhere.yaml").exists()

    def test_one_that_came_meanwhile_stays(self, empty: Path) -> None:
        program = (
            "from pathlib import Path\n"
            "from delegation.mesh.discovery import draft\n"
            "made = draft.text\n"
            "def late(proposal):\n"
            "    Path('inventory.yaml').write_text('mine')\n"
            "    return made(proposal)\n"
            "draft.text = late\n"
            "from delegation.cli import main\n"
            "main()\n"
        )
        ran = spawned(
            *LDIF, "init", "--all-hosts", program=(sys.executable, "-c", program), cwd=empty
        )
        assert ran.code == 2
        assert "exists already" in ran.err
        assert (empty / "inventory.yaml").read_text() == "mine"
        assert sorted(tree(empty)) == ["directory.ldif", "inventory.yaml"]

    def test_a_folder_is_none(self, delegation: Delegation, empty: Path) -> None:
        ran = delegation(*LDIF, "init", "-o", empty)
        assert ran.code == 2
        assert "is a folder" in ran.err

    def test_no_room(self, empty: Path) -> None:
        empty.chmod(0o555)
        ran = spawned(*LDIF, "init", "--all-hosts", program=(*MORTAL, *PROGRAM), cwd=empty)
        empty.chmod(0o755)
        assert ran.code == 2
        assert "inventory.yaml can't be written" in ran.err
        assert sorted(tree(empty)) == ["directory.ldif"]

    def test_one_that_nobody_could_read_is_not_written(
        self, delegation: Delegation, empty: Path
    ) -> None:
        long = [f"HTTP/{number:03}{'x' * 3_000}" for number in range(200)]
        (empty / "directory.ldif").write_bytes(
            directory(account("HV01", *long), account("HV02", *(f"{one}y" for one in long)))
        )
        ran = delegation(*LDIF, "init", "--all-hosts")
        assert ran.code == 2
        assert "larger than 1 MiB: 2 hosts, 400 keep rules" in ran.err
        assert "--one-mesh" in ran.err
        assert sorted(tree(empty)) == ["directory.ldif"]

    def test_stdout_gets_it_and_nothing_else(self, delegation: Delegation, here: Path) -> None:
        before = tree(here)
        ran = delegation(*LDIF, "init", "--all-hosts", "-o", "-")
        assert ran.code == 0
        assert set(parse(ran.out.encode(), "-").hosts) == {"hv01", "hv02", "hv03"}
        assert "save this as inventory.yaml" in ran.err
        assert tree(here) == before

    def test_paths_in_it_are_its_own(self, delegation: Delegation, here: Path) -> None:
        (here / "sub").mkdir()
        ran = delegation(*LDIF, "init", "--all-hosts", "-o", "sub/farm.yaml", "--ca-file", "ca.pem")
        assert ran.code == 0
        found = written(here / "sub" / "farm.yaml").directory
        assert found == DirectorySettings(url="ldif:../directory.ldif", ca_file="../ca.pem")
        assert "next    delegation --inventory sub/farm.yaml check" in ran.err
        assert delegation("-i", "sub/farm.yaml", "check").code == 0
        assert delegation("-i", "sub/farm.yaml", "plan").code == 3

    def test_the_inventory_option_names_it_too(self, delegation: Delegation, here: Path) -> None:
        ran = delegation(
            "-i", "farm.yaml", *LDIF, "init", "--all-hosts", "--keytab", "/etc/x.keytab"
        )
        assert ran.code == 0
        assert written(here / "farm.yaml").directory.keytab == "/etc/x.keytab"

    def test_no_password_is_in_it(
        self, delegation: Delegation, empty: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DELEGATION_PASSWORD", "Secret-1")
        ran = delegation(
            *LDIF, "init", "--all-hosts", "--user", "svc", "--site", "Branch-1", "--auth", "ntlm"
        )
        assert ran.code == 0
        found = written(empty / "inventory.yaml").directory
        assert (found.user, found.site, found.auth) == ("svc", "Branch-1", Auth.NTLM)
        assert "Secret-1" not in (empty / "inventory.yaml").read_text() + ran.err


@pytest.mark.usefixtures("empty")
class TestOptions:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--ou", "Hyper-V"], "'Hyper-V' is not a distinguished name"),
            (["--ou", "OU=x,DC=other,DC=example"], "does not lie in the domain"),
            (["--ou", ""], "blanks"),
            (["--name", " "], "--name is empty"),
            (["--dns-server", "dns1"], "'dns1' is not an IP address"),
            (["--auth", "simple"], "simple authentication without a user"),
            (["--auth", "ntlm", "--keytab", "x"], "a keytab is of no use"),
            (["--user", ""], "blanks"),
            (["--user", "a\tb"], "invisible character"),
            (["--site", " x"], "blanks"),
            (["--start-tls"], "start_tls makes no sense"),
            (["--domain", "corp"], "not a DNS domain"),
            (["--domain", "corp.example\nhosts: x"], "invisible character"),
            (["--auth", "magic"], "magic"),
        ],
    )
    def test_wrong_ones_are_told_before_anything_is_asked(
        self, delegation: Delegation, empty: Path, arguments: list[str], words: str
    ) -> None:
        before = tree(empty)
        ran = delegation("--directory", "ldaps://dc1.corp.example", "init", *arguments)
        assert ran.code == 2
        assert words in ran.err
        assert tree(empty) == before

    def test_all_of_them_at_once(self, delegation: Delegation) -> None:
        arguments = ("--dns-server", "dns1", "--ou", "x", "--auth", "simple")
        ran = delegation("--directory", "ldaps://dc1.corp.example", "init", *arguments)
        assert ran.code == 2
        for words in ("not an IP address", "not a distinguished name", "without a user"):
            assert words in ran.err

    def test_a_url_that_is_none(self, delegation: Delegation) -> None:
        ran = delegation("--directory", "http://dc1", "init")
        assert ran.code == 2
        assert "--directory: 'http://dc1' is no directory URL" in ran.err


class TestDomain:
    """Which domain it is, where nobody says so."""

    def connected(self, delegation: Delegation, url: str, *arguments: str) -> Ran:
        """Nobody listens there, so that the words tell which domain was meant."""
        ran = delegation("--directory", url, "init", "--user", "svc", *arguments)
        assert ran.code == 1
        assert "no connection" in ran.err
        return ran

    @pytest.fixture(autouse=True)
    def _password(self, empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG002 - clears the environment first
        monkeypatch.setenv("DELEGATION_PASSWORD", "Secret-1")

    def test_by_the_machine(self, delegation: Delegation, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("USERDNSDOMAIN", "LAB.EXAMPLE")
        ran = self.connected(delegation, "ldaps://127.0.0.1:9")
        assert "the domain was taken from USERDNSDOMAIN" in ran.err

    def test_by_the_command_line(self, delegation: Delegation) -> None:
        ran = self.connected(delegation, "ldaps://127.0.0.1:9", "--domain", "corp.example")
        assert "was taken from" not in ran.err

    def test_by_an_export(self, delegation: Delegation, empty: Path) -> None:
        assert delegation(*LDIF, "init", "--all-hosts").code == 0
        assert written(empty / "inventory.yaml").domain == "corp.example"

    def test_of_two_in_an_export_one_has_to_be_named(
        self, delegation: Delegation, empty: Path
    ) -> None:
        other = account("HV01", base="DC=lab,DC=example")
        raw = directory(account("HV01"), account("HV02"), account("HV03"), other)
        (empty / "directory.ldif").write_bytes(raw)
        ran = delegation(*LDIF, "init", "--all-hosts")
        assert ran.code == 2
        assert "2 domains: corp.example, lab.example" in ran.err
        assert "--domain" in ran.err
        assert delegation(*LDIF, "init", "--all-hosts", "--domain", "CORP.example").code == 0
        found = written(empty / "inventory.yaml")
        assert (found.domain, set(found.hosts)) == ("corp.example", {"hv02", "hv03"} | {"hv01"})
        assert "hv01: an account of another domain" in (empty / "inventory.yaml").read_text()

    def test_one_that_an_export_does_not_have(self, delegation: Delegation) -> None:
        ran = delegation(*LDIF, "init", "--domain", "lab.example")
        assert ran.code == 1
        assert "none of its 4 objects lies in the domain lab.example" in ran.err
        assert not os.path.lexists("inventory.yaml")


CASES = ROOT / "tests" / "cases" / "init"


class TestFarmsAsTheyAre:
    """Exports as people have them: each is taken as it is, and what init advises is accepted."""

    @pytest.fixture(params=sorted(path.stem for path in CASES.iterdir()))
    def made(
        self, request: pytest.FixtureRequest, delegation: Delegation, empty: Path
    ) -> tuple[str, Ran]:
        shutil.copyfile(CASES / f"{request.param}.ldif", empty / "directory.ldif")
        ran = delegation(*LDIF, "init")
        assert ran.code == 0
        return request.param, ran

    def test_the_first_plan_mends_and_removes_nothing(
        self, made: tuple[str, Ran], delegation: Delegation
    ) -> None:
        name, ran = made
        adding = only_adds(delegation("plan", "--format", "json"))
        assert sum(map(len, adding.values())) == {"suffix-of-a-script": 24}.get(name, 0)
        assert {"smb-storage": "; no cifs between them"}.get(name, "mesh hyper-v") in ran.err

    def test_values_with_a_former_suffix_go_once_it_is_said(
        self, made: tuple[str, Ran], delegation: Delegation, empty: Path
    ) -> None:
        name, ran = made
        if name == "smb-storage":
            assert "former" not in ran.err
            return
        assert "kept: 24 values towards hosts by a suffix that they no longer have" in ran.err
        text = (empty / "inventory.yaml").read_text(encoding="utf-8")
        assert "list it under retired" not in text
        lines = [line for line in text.splitlines() if not line.startswith(("  - {value", "keep:"))]
        said = re.search(r"former_suffixes: \[[a-z.]+\]", " ".join(text.replace("#", "").split()))
        assert said
        lines.append(said[0])
        (empty / "inventory.yaml").write_text("\n".join(lines), encoding="utf-8")
        plan = delegation("plan", "--format", "json", "--allow", "removals").json
        assert plan["summary"]["remove"] == 24
        assert plan["blocked"] == []

"""A host that was joined again, on the command line: what each command says, and its exit code."""

from pathlib import Path
from uuid import UUID

import pytest

from tests.cli.program import Delegation, at_terminal
from tests.cli.world import MEMBER, TRANSITION, account, directory, forms, held

LABELS = ("hv01", "hv02", "hv03")


def export(**numbers: int) -> bytes:
    """Three hosts as an apply leaves them, the objects 1, 2 and 3.

    One that is named here was made again, as the object of that number, and holds nothing.
    """
    records = []
    for place, label in enumerate(LABELS, 1):
        guid = UUID(int=numbers.get(label, place), version=4)
        peers = () if label in numbers else forms(*(one for one in LABELS if one != label))
        uac = MEMBER if label in numbers else MEMBER | TRANSITION
        records.append(account(label.upper(), *peers, guid=guid, uac=uac))
    return directory(*records)


@pytest.fixture
def made_again(delegation: Delegation, here: Path) -> Path:
    """Of hv02, after an audit that has seen the account before; no apply was ever made here."""
    file = here / "directory.ldif"
    file.write_bytes(export())
    assert delegation("audit").code == 0
    file.write_bytes(export(hv02=20))
    return file


@pytest.mark.usefixtures("made_again")
def test_the_scheduled_audits_folder_knows_it(delegation: Delegation) -> None:
    for _ in range(2):
        audited = delegation("audit", "--format", "json")
        [finding] = [one for one in audited.json["findings"] if one["rule"] == "KCD025"]
        assert (audited.code, finding["computer"]) == (3, "hv02")
        assert finding["value"] == str(UUID(int=20, version=4))
    assert delegation("audit", "--new-only", "--baseline").code == 3
    checked = delegation("check")
    assert (checked.code, "KCD025" in checked.out, "KCD011" in checked.out) == (1, True, False)


@pytest.mark.parametrize(
    "words",
    [
        ("plan",),
        ("apply", "--yes"),
        ("apply", "--yes", "--allow", "flag-change"),
        ("apply", "--yes", "--allow", "new-account=hv01"),
        ("export", "ldif", "-o", "-"),
        ("report", "json", "plan"),
    ],
    ids=" ".join,
)
def test_what_would_write_to_it_is_refused(
    delegation: Delegation, made_again: Path, words: tuple[str, ...]
) -> None:
    before = made_again.read_bytes()
    ran = delegation(*words)
    text = ran.out + ran.err
    assert ran.code == (0 if words[0] == "report" else 4), text
    assert "another account than in run 1" in text
    assert "delegation apply --allow new-account=hv02" in text
    assert made_again.read_bytes() == before


@pytest.mark.usefixtures("made_again")
def test_as_json_it_is_a_refusal_like_others(delegation: Delegation) -> None:
    [refusal] = delegation("plan", "--format", "json").json["blocked"]
    assert refusal["computer"] == "hv02"
    assert refusal["why"] == "new-account"
    assert refusal["override"] == "--allow new-account=hv02"


@pytest.mark.usefixtures("made_again")
def test_allowed_it_is_the_known_one(delegation: Delegation) -> None:
    allowed = delegation("apply", "--yes", "--allow", "new-account=HV02")
    assert allowed.code == 0, allowed.err
    assert delegation("plan").code == 0
    assert delegation("audit").code == 0


def test_a_declined_or_refused_apply_allows_nothing(
    delegation: Delegation, made_again: Path
) -> None:
    made_again.write_bytes(export(hv02=20, hv03=30))
    refused = delegation("apply", "--yes", "--allow", "new-account=hv02")
    assert refused.code == 4
    assert "new-account=hv03" in refused.err
    made_again.write_bytes(export(hv02=20))
    assert delegation("plan").code == 4


@pytest.mark.parametrize("name", ["new-account=hv99", "new-account=hv[01-03]", "new-account=HOST"])
@pytest.mark.parametrize("command", [("apply", "--yes"), ("export", "ldif")], ids=" ".join)
def test_one_host_is_named_at_a_time(
    delegation: Delegation, made_again: Path, name: str, command: tuple[str, ...]
) -> None:
    ran = delegation(*command, "--allow", name)
    assert (ran.code, "names no host of the inventory" in ran.err) == (2, True), ran.err
    assert made_again.exists()


@pytest.mark.parametrize("name", ["new-account", "new-account=", "new-accounts=hv02", "nonsense"])
@pytest.mark.usefixtures("made_again")
def test_other_names_are_no_refusals(delegation: Delegation, name: str) -> None:
    assert delegation("apply", "--yes", "--allow", name).code == 2


def test_a_copy_of_an_export_knows_nothing(delegation: Delegation, made_again: Path) -> None:
    """It may be older, or another domain controller's: each is a world of its own."""
    copy = made_again.with_name("copy.ldif")
    copy.write_bytes(made_again.read_bytes())
    assert delegation("--directory", "ldif:copy.ldif", "plan").code == 3


def test_an_export_without_objectguid_says_nothing(delegation: Delegation, here: Path) -> None:
    """Its objects are known by where they lie, and hosts are moved every day."""
    lines = export().splitlines(keepends=True)
    bare = b"".join(line for line in lines if not line.startswith(b"objectGUID"))
    (here / "directory.ldif").write_bytes(bare)
    assert delegation("audit").code == 0
    (here / "directory.ldif").write_bytes(bare.replace(b"CN=HV02,OU=Hyper-V", b"CN=HV02,OU=Other"))
    assert delegation("audit").code == 0
    assert delegation("plan").code == 0


def test_what_both_objects_of_a_name_hold_is_taken_back_at_a_terminal(
    delegation: Delegation, here: Path
) -> None:
    """The one that is gone is left, by itself: it has the name of the one that is there."""
    file = here / "directory.ldif"
    objects = enumerate(LABELS, 1)
    records = [account(it.upper(), guid=UUID(int=at, version=4)) for at, it in objects]
    file.write_bytes(directory(*records))
    assert delegation("audit").code == 3
    assert delegation("apply", "--yes").code == 0
    file.write_bytes(export(hv02=20))
    assert delegation("apply", "--yes", "--allow", "new-account=hv02").code == 0
    with at_terminal("rollback", "--to", "1", cwd=here) as terminal:
        terminal.until("[y/N]")
        terminal.types("y\n")
        assert terminal.ends() == 1
    assert "hv02: left: not found by GUID" in terminal.screen
    assert {name: len(one.values) for name, one in held(file).items()} == dict.fromkeys(
        ("dc1", *LABELS), 0
    )

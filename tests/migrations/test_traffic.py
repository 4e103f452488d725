"""Which shares and files are those of a migration."""

import pytest

from delegation.migrations.smb.traffic import (
    MigrationShare,
    Observer,
    OpenFile,
    SmbSession,
    Traffic,
    is_of_migration,
    migration_share,
)

SHARE = MigrationShare("ZULU.3341302342$", "ZULU", "C:\\$VSM$\\ZULU.3341302342$")


@pytest.mark.parametrize(
    ("name", "path", "source"),
    [
        ("ZULU.3341302342$", "C:\\$VSM$\\ZULU.3341302342$", "ZULU"),
        ("HV-01.7$", "c:\\$vsm$\\HV-01.7$", "HV-01"),
        ("HV01.1234567$", "", "HV01"),
        ("HV01.1234567$", "C:\\Shares\\x", None),
        ("HV01.1234567", "", None),
        ("ADMIN$", "C:\\Windows", None),
        ("C$", "C:\\", None),
        ("IPC$", "", None),
        ("A.LONGER.NAME.1$", "", None),
        ("SIXTEENCHARACTER.1$", "", None),
        ("HV01.abc$", "", None),
        (".1$", "", None),
    ],
)
def test_a_migrations_share_has_its_sources_name_and_a_number(
    name: str, path: str, source: str | None
) -> None:
    found = migration_share(name, path)
    assert (found.source if found else None) == source


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("C:\\$VSM$\\ZULU.3341302342$\\web01.vhdx", True),
        ("c:\\$vsm$\\zulu.3341302342$\\anything", True),
        ("D:\\VMs\\web01\\web01.AVHDX", True),
        ("D:\\VMs\\web01.vhd", True),
        ("D:\\VMs\\x.vmrs", True),
        ("D:\\Documents\\report.docx", False),
        ("C:\\$VSM$\\ZULU.33413023421$\\x", False),
        ("\\srvsvc", False),
    ],
)
def test_files_of_a_migration(path: str, *, is_one: bool) -> None:
    assert is_of_migration(path, [SHARE]) is is_one


def test_a_quiet_target_has_neither_share_nor_file() -> None:
    assert Traffic().is_quiet
    assert not Traffic((SHARE,)).is_quiet
    assert not Traffic(files=(OpenFile("D:\\x.vhdx", "root"),)).is_quiet


# Who looks

ME = Observer(frozenset({"10.0.0.9", "desk.corp.example"}), "vmadmin", 100.0)


def session(client: str, user: str, seconds: int = 100, opens: int | None = 1) -> SmbSession:
    return SmbSession(client, user, seconds, 0, opens)


@pytest.mark.parametrize(
    "client", ["10.0.0.9", "[::ffff:10.0.0.9]", "::FFFF:10.0.0.9%3", "DESK", "desk.corp.example"]
)
@pytest.mark.parametrize("user", ["vmadmin", "CORP\\VMadmin", "vmadmin@CORP.EXAMPLE"])
def test_ones_own_session_is_left_out(client: str, user: str) -> None:
    mine, others = session(client, user), [session("10.0.0.1", "vmadmin"), session(client, "other")]
    assert ME.set_own_apart([others[0], mine, others[1]]) == (others, mine)


@pytest.mark.parametrize(
    "other",
    [
        session("10.0.0.9", "vmadmin", 700, 4),
        session("10.0.0.9", "vmadmin", 90, 1),
        session("10.0.0.9", "vmadmin", 101, 4),
        session("10.0.0.9", "vmadmin", 700, None),
    ],
)
def test_a_migrations_session_from_the_same_computer_stays(other: SmbSession) -> None:
    mine = session("10.0.0.9", "vmadmin", 99, None if other.opens is None else 1)
    for listed in ([mine, other], [other, mine]):
        assert ME.set_own_apart(listed) == ([other], mine)


def test_what_may_be_ones_own_is_marked_and_kept() -> None:
    """The target knows this computer by another address."""
    candidate, older = session("192.0.2.1", "vmadmin", 101), session("10.0.0.1", "vmadmin", 700)
    found, own = ME.set_own_apart([older, candidate])
    assert own is None
    assert [one.perhaps_ours for one in found] == [False, True]
    assert ME.set_own_apart([older, session("10.0.0.1", "other")])[0] == [
        older,
        session("10.0.0.1", "other"),
    ]
    assert ME.set_own_apart([]) == ([], None)

"""Which shares and files are those of a migration."""

import pytest

from delegation.migrate.shares.traffic import (
    MigrationShare,
    OpenFile,
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

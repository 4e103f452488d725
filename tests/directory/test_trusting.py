"""What has to be typed before an unattended logon by password goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from delegation.directory.known_domains_file import KnownDomainsFile
from delegation.directory.trusting import Trusting
from delegation.inventory import Auth, DirectorySettings

KEY = f"sha256:{'A' * 43}="
URL = "ldap://dc1.corp.example"

NTLM = DirectorySettings(URL, auth=Auth.NTLM, user="svc")
ADDRESS = DirectorySettings("ldaps://10.0.0.5", auth=Auth.SIMPLE, user="svc")
KDC = DirectorySettings("ldaps://dc1.corp.example", auth=Auth.KERBEROS, user="svc")
IN_TLS = DirectorySettings(
    URL, start_tls=True, auth=Auth.NTLM, user="svc", dns_servers=("10.0.0.53",)
)
SERVERS = "corp.example: {dns_servers: [10.0.0.53]}"


def lacking(tmp_path: Path, known: str, wanted: DirectorySettings) -> tuple[str, ...] | None:
    file = tmp_path / "known-domains"
    file.write_text(known)
    file.chmod(0o644)
    trusting = Trusting(KnownDomainsFile(file, Path("none.yaml")))
    command = trusting.lacking(wanted, "corp.example", is_asked=True)
    return None if command is None else tuple(command.words)


@pytest.mark.parametrize(
    ("wanted", "known", "typed"),
    [
        (NTLM, "corp.example: {}", ["--ntlm-without-tls"]),
        (NTLM, "corp.example: {ntlm_without_tls: true}", None),
        (ADDRESS, "", ["--ca-file", "CA.pem", "--server", "10.0.0.5"]),
        (ADDRESS, f"corp.example: {{authorities: ['{KEY}'], servers: [10.0.0.5]}}", None),
        (KDC, "", []),
        (KDC, "corp.example: {}", None),
        (IN_TLS, SERVERS, ["--ca-file", "CA.pem", "--dns-server", "10.0.0.53"]),
    ],
)
def test_what_the_list_lacks(
    tmp_path: Path, wanted: DirectorySettings, known: str, typed: list[str] | None
) -> None:
    words = None if typed is None else ("trust", "corp.example", *typed)
    assert lacking(tmp_path, known, wanted) == words

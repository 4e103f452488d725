"""``delegation trust``: what somebody says of a domain, and the file that holds it."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from tests.cli.program import Delegation, at_terminal, spawned

KEY = f"sha256:{'A' * 43}="
OTHER = f"sha256:{'B' * 42}A="


@pytest.fixture
def file(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The list of whoever types here, which is not there yet."""
    folder = here.parent / "config"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    return folder / "delegation" / "known-domains"


def certificate(name: str, *, is_authority: bool) -> tuple[bytes, str]:
    """A self-signed one in PEM, and the digest of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=9000))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    digest = base64.b64encode(hashlib.sha256(public).digest()).decode()
    return made.public_bytes(Encoding.PEM), f"sha256:{digest}"


def test_nothing_is_known(delegation: Delegation, file: Path) -> None:
    ran = delegation("trust")
    assert ran.code == 0
    assert ran.out == ""
    assert "no domain is known" in ran.err
    assert not file.exists()


def test_a_domain_becomes_known(delegation: Delegation, file: Path) -> None:
    options = ("--ca", KEY, "--dns-server", "10.0.0.53", "--server", "DC9.Other.Example")
    ran = delegation("trust", "Corp.Example", *options, "--ntlm-without-tls", "--yes")
    assert ran.code == 0
    for words in (KEY, "10.0.0.53", "dc9.other.example", "any computer of the domain", str(file)):
        assert words in ran.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    listed = delegation("trust")
    assert listed.out.splitlines()[0] == "corp.example"
    for words in (KEY, "10.0.0.53", "dc9.other.example"):
        assert words in listed.out


def test_others_may_read_it_whatever_the_umask(delegation: Delegation, file: Path) -> None:
    before = os.umask(0o077)
    try:
        assert delegation("trust", "corp.example", "--yes").code == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o644


def test_more_of_it_is_added(delegation: Delegation, file: Path) -> None:
    delegation("trust", "corp.example", "--ca", KEY, "--dns-server", "10.0.0.53", "--yes")
    file.write_text("# mine\n" + file.read_text())
    ran = delegation("trust", "corp.example", "--ca", OTHER, "--yes")
    assert "is added" in ran.err
    assert KEY not in ran.err
    listed = delegation("trust").out
    for words in (KEY, OTHER, "10.0.0.53"):
        assert words in listed
    assert file.read_text().startswith("# mine\n")
    again = delegation("trust", "corp.example", "--ca", OTHER)
    assert again.code == 0
    assert "is known by that already" in again.err


def test_a_replacement_shows_old_and_new(delegation: Delegation, file: Path) -> None:
    delegation("trust", "corp.example", "--ca", KEY, "--dns-server", "10.0.0.53", "--yes")
    ran = delegation("trust", "corp.example", "--ca", OTHER, "--replace", "--yes")
    old, _, new = ran.err.partition("would be known by this alone")
    assert KEY in old
    assert "10.0.0.53" in old
    assert OTHER in new
    assert KEY not in delegation("trust").out
    assert file.exists()


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("\n", 1), ("n\n", 1)])
def test_it_is_asked_at_a_terminal(here: Path, file: Path, typed: str, code: int) -> None:
    with at_terminal("trust", "corp.example", "--ca", KEY, cwd=here) as terminal:
        terminal.until("[y/N] ")
        terminal.types(typed)
        assert terminal.ends() == code
    assert file.exists() is (code == 0)


def test_nobody_to_ask_is_2(delegation: Delegation, file: Path) -> None:
    ran = delegation("trust", "corp.example")
    assert ran.code == 2
    assert "--yes" in ran.err
    assert not file.exists()


def test_a_pem_file_of_several(delegation: Delegation, here: Path, file: Path) -> None:
    (old, old_key), (new, new_key) = (
        certificate(name, is_authority=True) for name in ("Old Root", "New Root")
    )
    (here / "both.pem").write_bytes(b"comment\n" + old + new)
    ran = delegation("trust", "corp.example", "--ca-file", "both.pem", "--yes")
    assert ran.code == 0
    for words in (f"CN=Old Root, {old_key}", f"CN=New Root, {new_key}"):
        assert words in ran.err
    text = file.read_text()
    assert old_key in text
    assert new_key in text


def test_the_certificate_of_a_server_is_no_ca(
    delegation: Delegation, here: Path, file: Path
) -> None:
    authority, _ = certificate("Root", is_authority=True)
    server, _ = certificate("dc1.corp.example", is_authority=False)
    (here / "chain.pem").write_bytes(server + authority)
    ran = delegation("trust", "corp.example", "--ca-file", "chain.pem", "--yes")
    assert ran.code == 2
    assert "the certificate of a server, which is renewed" in ran.err
    assert not file.exists()


@pytest.mark.parametrize("content", [b"", b"no PEM", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_file_without_a_certificate(
    delegation: Delegation, here: Path, file: Path, content: bytes
) -> None:
    end = b"-----END CERTIFICATE-----\n"
    for text in (content, content + end if content.startswith(b"--") else content):
        (here / "ca.pem").write_bytes(text)
        ran = delegation("trust", "corp.example", "--ca-file", "ca.pem", "--yes")
        assert ran.code == 2
        assert "name the CA's PEM file" in ran.err
    assert not file.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("corp",),
        ("corp.example", "--ca", "sha256:short"),
        ("corp.example", "--dns-server", "dns1"),
        ("corp.example", "--server", "dc9"),
        ("corp.example", "--ca-file", "nowhere.pem"),
        ("--replace",),
        ("--ca", KEY),
    ],
)
def test_what_makes_no_sense_is_2(
    delegation: Delegation, file: Path, arguments: tuple[str, ...]
) -> None:
    assert delegation("trust", *arguments, "--yes").code == 2
    assert not file.exists()


def test_a_file_that_is_named(delegation: Delegation, here: Path, file: Path) -> None:
    named = here.parent / "etc" / "known"
    ran = delegation("--known-domains", named, "trust", "corp.example", "--yes")
    assert ran.code == 0
    assert named.exists()
    assert not file.exists()


def test_not_with_the_inventory(delegation: Delegation, here: Path) -> None:
    ran = delegation("--known-domains", "known", "trust", "corp.example", "--yes")
    assert ran.code == 2
    assert "lies in the folder of the inventory" in ran.err
    assert not (here / "known").exists()


def test_those_who_write_at_once_lose_nothing(here: Path, file: Path) -> None:
    def type_it(number: int) -> int:
        return spawned("trust", f"d{number}.example", "--yes", cwd=here).code

    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(type_it, range(12)))
    assert codes == [0] * 12
    assert {f"d{number}.example" for number in range(12)} == set(_domains(file))
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def _domains(file: Path) -> Iterator[str]:
    for line in file.read_text().splitlines():
        if not line.startswith((" ", "#")):
            yield line.partition(":")[0]


def test_a_writer_that_died_is_told(delegation: Delegation, file: Path) -> None:
    file.parent.mkdir(parents=True)
    (file.parent / ".known-domains.lock").touch()
    ran = delegation("trust", "corp.example", "--yes")
    assert ran.code == 2
    assert "delete that file" in ran.err


def test_a_link_is_written_through(delegation: Delegation, here: Path, file: Path) -> None:
    kept = here.parent / "dotfiles"
    kept.mkdir()
    file.parent.mkdir(parents=True)
    file.symlink_to(kept / "known-domains")
    assert delegation("trust", "corp.example", "--yes").code == 0
    assert file.is_symlink()
    assert "corp.example" in (kept / "known-domains").read_text()


def test_a_folder_that_can_not_be_made(delegation: Delegation, file: Path) -> None:
    file.parent.parent.write_text("a file\n")
    ran = delegation("trust", "corp.example", "--yes")
    assert ran.code == 2
    assert "--known-domains FILE" in ran.err


def test_a_folder_that_others_may_write_to(delegation: Delegation, file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.parent.chmod(0o777)
    ran = delegation("trust", "corp.example", "--yes")
    assert ran.code == 2
    assert f"anybody may change what is in {file.parent}" in ran.err
    assert not file.exists()

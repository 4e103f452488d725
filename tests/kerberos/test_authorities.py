"""The keys of certificate authorities, against another program's reading of the certificates."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import random
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from delegation.errors import UsageError
from delegation.kerberos import authorities

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
MAKERS: dict[str, Callable[[], Key]] = {
    "ec": lambda: ec.generate_private_key(ec.SECP384R1()),
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


def made(
    name: str, key: Key, issuer: str = "", by: Key | None = None, *, is_authority: bool = True
) -> bytes:
    """A certificate in DER, self-signed unless another key is given."""
    start = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    signing = by or key
    algorithm = None if isinstance(signing, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    names = [
        x509.Name(
            [
                x509.NameAttribute(NameOID.DOMAIN_COMPONENT, "example"),
                x509.NameAttribute(NameOID.COMMON_NAME, text),
            ]
        )
        for text in (name, issuer or name)
    ]
    return (
        x509.CertificateBuilder()
        .subject_name(names[0])
        .issuer_name(names[1])
        .public_key(key.public_key())
        .serial_number(2**120 + 1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=9000))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .sign(signing, algorithm)
        .public_bytes(Encoding.DER)
    )


@pytest.mark.parametrize("kind", MAKERS)
def test_a_key_as_others_compute_it(kind: str) -> None:
    key = MAKERS[kind]()
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    expected = base64.b64encode(hashlib.sha256(public).digest()).decode()
    certificate = made("Root", key)
    assert authorities.key_of(certificate) == f"sha256:{expected}"
    assert authorities.subject_of(certificate) == "CN=Root, DC=example"


def test_who_vouches() -> None:
    root_key, issuing_key, server_key = (MAKERS["ec"]() for _ in range(3))
    root = made("Root", root_key)
    issuing = made("Issuing", issuing_key, "Root", root_key)
    server = made("dc1", server_key, "Issuing", issuing_key, is_authority=False)
    assert authorities.vouching([server, issuing, root]) == (issuing, root)
    # A server's own certificate in ca_file, which newer Pythons take for an anchor.
    assert authorities.vouching([server]) == ()
    # Nobody else has issued it: it is its own authority.
    alone = made("dc1", server_key, is_authority=False)
    assert authorities.vouching([alone]) == (alone,)
    assert authorities.vouching([]) == ()


def test_what_is_no_certificate_is_a_value_error() -> None:
    certificate = made("Root", MAKERS["ec"]())
    dice = random.Random(7)
    for _ in range(3_000):
        mutated = bytearray(certificate[: dice.randrange(len(certificate) + 1)])
        for _ in range(dice.randrange(4)):
            if mutated:
                mutated[dice.randrange(min(40, len(mutated)))] = dice.randrange(256)
        try:
            assert authorities.key_of(bytes(mutated)).startswith("sha256:")
        except ValueError:
            continue


def test_a_pem_file_that_is_cut_off() -> None:
    text = b"-----BEGIN CERTIFICATE-----\nAAAA\n"
    with pytest.raises(UsageError, match="has no end"):
        authorities.in_pem(text, "ca.pem")

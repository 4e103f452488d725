"""Certificates for the lab, by the ``openssl`` command: good ones, and each kind of bad one.

They satisfy Python 3.13's VERIFY_X509_STRICT (RFC 5280): authorities carry basicConstraints and
keyUsage, and every certificate its key identifiers.
"""

from __future__ import annotations

from enum import StrEnum

from tests.lab.description import Lab, LabError
from tests.lab.programs import run

FOREVER = ("20250101000000Z", "20491231235959Z")
PAST = ("20240101000000Z", "20240201000000Z")

SHARED = """\
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid"""


class Certificate(StrEnum):
    """A server certificate of the lab, by the name of its files in ``tls``."""

    GOOD = "dc"
    EXPIRED = "expired"
    OTHER_CA = "other"
    """Good, but issued by an authority that nobody trusts."""
    WRONG_NAME = "wrong-name"
    """Good, but another server's."""


def issue(lab: Lab) -> None:
    """Make both authorities and all server certificates in the lab's ``tls`` folder."""
    lab.tls.mkdir(mode=0o700, parents=True, exist_ok=True)
    (lab.tls / "openssl.cnf").write_text(settings(lab))
    for authority in ("ca", "other-ca"):
        key(lab, authority)
        openssl(
            lab,
            f"req -x509 -config tls/openssl.cnf -extensions authority -days 9000"
            f" -key tls/{authority}.key -subj /O=Lab/CN={authority}-{lab.address}"
            f" -out tls/{authority}.pem",
        )
    sign(lab, Certificate.GOOD)
    sign(lab, Certificate.EXPIRED, validity=PAST)
    sign(lab, Certificate.OTHER_CA, authority="other-ca")
    sign(lab, Certificate.WRONG_NAME, extensions="elsewhere")


def sign(
    lab: Lab,
    name: Certificate,
    *,
    authority: str = "ca",
    extensions: str = "server",
    validity: tuple[str, str] = FOREVER,
) -> None:
    """Let an authority issue a server certificate.

    ``openssl ca`` is the one way to a date in the past that all versions of openssl have.
    """
    key(lab, name)
    (lab.tls / "index.txt").write_text("")
    openssl(
        lab,
        f"req -new -config tls/openssl.cnf -key tls/{name}.key -subj /CN={lab.dc_fqdn}"
        f" -out tls/{name}.csr",
    )
    openssl(
        lab,
        f"ca -batch -notext -config tls/openssl.cnf -extensions {extensions}"
        f" -cert tls/{authority}.pem -keyfile tls/{authority}.key"
        f" -startdate {validity[0]} -enddate {validity[1]}"
        f" -in tls/{name}.csr -out tls/{name}.pem",
    )


def key(lab: Lab, name: str) -> None:
    """Make a private key; Samba insists that nobody else may read it."""
    openssl(lab, f"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out tls/{name}.key")
    (lab.tls / f"{name}.key").chmod(0o600)


def openssl(lab: Lab, arguments: str) -> None:
    """Run openssl in the lab's folder; raise LabError if it is missing or fails."""
    done = run(lab, ["openssl", *arguments.split()])
    if done.returncode != 0:
        raise LabError(f"openssl {arguments}:\n{done.stderr}")


def settings(lab: Lab) -> str:
    """Give openssl's configuration.

    It names the addresses of fronts too: what they present is bad for its one reason only.
    """
    addresses = [lab.address, *lab.front_addresses]
    names = "\n".join(f"IP.{number} = {address}" for number, address in enumerate(addresses))
    return f"""\
[req]
distinguished_name = subject
prompt = no
[subject]
[ca]
default_ca = lab
[lab]
database = tls/index.txt
new_certs_dir = tls
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
[any]
commonName = supplied
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
subjectAltName = @names
{SHARED}
[elsewhere]
subjectAltName = DNS:dc1.elsewhere.example
{SHARED}
[names]
DNS.1 = {lab.dc_fqdn}
DNS.2 = {lab.domain}
{names}
"""

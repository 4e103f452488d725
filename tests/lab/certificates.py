"""Certificates for the lab, by the ``openssl`` command: good ones, and each kind of bad one.

They satisfy Python 3.13's VERIFY_X509_STRICT (RFC 5280): authorities carry basicConstraints and
keyUsage, and every certificate its key identifiers.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

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


NOBODYS = (50, 51)
"""Last parts of addresses at which no server of the domain ever is."""


class Certificate(StrEnum):
    """A server certificate of the lab, by the name of its files in ``tls``."""

    GOOD = "dc"
    EXPIRED = "expired"
    OTHER_CA = "other"
    """Good, but issued by an authority that nobody trusts."""
    WRONG_NAME = "wrong-name"
    """Good, but another server's."""


class HostCertificate(StrEnum):
    """A certificate of a lab host, by what is added to the host's name in its files' name."""

    GOOD = ""
    EXPIRED = "-expired"
    OTHER_CA = "-other"
    WRONG_NAME = "-wrong-name"


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
    make_known(lab)


def make_known(lab: Lab) -> None:
    """Write the list of known domains: this one, by its CA, whatever address of the lab serves it.

    Also by NTLM without TLS, which is a way to log on as others are.
    """
    openssl(lab, "x509 -in tls/ca.pem -pubkey -noout -out tls/ca.pub")
    openssl(lab, "pkey -pubin -in tls/ca.pub -outform DER -out tls/ca.spki")
    digest = hashlib.sha256((lab.tls / "ca.spki").read_bytes()).digest()
    addresses = ", ".join(lab.address_at(last) for last in range(1, 255) if last not in NOBODYS)
    lab.known_domains.write_text(
        f"{lab.domain}:\n"
        f'  authorities: ["sha256:{base64.b64encode(digest).decode()}"]\n'
        f"  dns_servers: [{addresses}]\n"
        f"  servers: [{addresses}]\n"
        "  ntlm_without_tls: true\n"
    )
    lab.known_domains.chmod(0o644)


def issue_host(lab: Lab, host: str) -> None:
    """Make a host's certificates, good and bad, unless they are there."""
    if (lab.tls / f"{host}.pem").exists():
        return
    (lab.tls / f"{host}.cnf").write_text(
        configured([lab.fqdn(host), host], [lab.host_address(host)])
    )
    bad: dict[HostCertificate, dict[str, Any]] = {
        HostCertificate.EXPIRED: {"validity": PAST},
        HostCertificate.OTHER_CA: {"authority": "other-ca"},
        HostCertificate.WRONG_NAME: {"extensions": "elsewhere"},
        # Last: it tells that all are there.
        HostCertificate.GOOD: {},
    }
    for kind, options in bad.items():
        sign(lab, f"{host}{kind}", configuration=host, subject=lab.fqdn(host), **options)


def sign(
    lab: Lab,
    name: str,
    *,
    authority: str = "ca",
    extensions: str = "server",
    validity: tuple[str, str] = FOREVER,
    configuration: str = "openssl",
    subject: str = "",
) -> None:
    """Let an authority issue a server certificate, the DC's unless ``subject`` is another.

    ``openssl ca`` is the one way to a date in the past that all versions of openssl have.
    """
    key(lab, name)
    (lab.tls / "index.txt").write_text("")
    openssl(
        lab,
        f"req -new -config tls/{configuration}.cnf -key tls/{name}.key"
        f" -subj /CN={subject or lab.dc_fqdn} -out tls/{name}.csr",
    )
    openssl(
        lab,
        f"ca -batch -notext -config tls/{configuration}.cnf -extensions {extensions}"
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
    return configured([lab.dc_fqdn, lab.domain], [lab.address, *lab.front_addresses])


def configured(names: Sequence[str], addresses: Sequence[str]) -> str:
    """Give openssl's configuration for a server of these names and addresses."""
    alternatives = "\n".join(
        f"{kind}.{number} = {one}"
        for kind, all_of_them in (("DNS", names), ("IP", addresses))
        for number, one in enumerate(all_of_them, 1)
    )
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
{alternatives}
"""

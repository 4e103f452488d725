"""A bind by SPNEGO with exactly the protection that a test asks for, too little of it included.

Not the product's way to authenticate: what a DC refuses is shown here without the product.
"""

from __future__ import annotations

import hashlib
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest import mock

import ldap3
import spnego
from ldap3.protocol.sasl.sasl import send_sasl_negotiation
from spnego.channel_bindings import GssChannelBindings

from tests.lab.description import Lab
from tests.lab.programs import environment

SUCCESS = 0
SASL_BIND_IN_PROGRESS = 14
NTLMSSP_NEGOTIATE_KEY_EXCH = 0x40000000

NONE = spnego.ContextReq.mutual_auth | spnego.ContextReq.no_integrity
SIGN = spnego.ContextReq.mutual_auth | spnego.ContextReq.integrity
SEAL = SIGN | spnego.ContextReq.confidentiality


@dataclass(frozen=True)
class Answer:
    """What the DC says to a bind."""

    result: int
    message: str


def bind(
    lab: Lab,
    account: str,
    *,
    protocol: str,
    tls: bool = False,
    protection: spnego.ContextReq = NONE,
    bound: bool = False,
) -> Answer:
    """Bind as an account; ``bound`` sends the token that binds it to the TLS channel (RFC 5929)."""
    trust = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(lab.ca_file))
    server = ldap3.Server(
        lab.address, 636 if tls else 389, use_ssl=tls, tls=trust, get_info=ldap3.NONE
    )
    connection = ldap3.Connection(server, sasl_mechanism="GSS-SPNEGO", authentication=ldap3.SASL)
    with knowing(lab):
        connection.open(read_server_info=False)
        try:
            client = spnego.client(
                f"{account}@{lab.realm}",
                lab.accounts[account],
                hostname=lab.dc_fqdn,
                service="ldap",
                protocol=protocol,
                context_req=protection,
                channel_bindings=end_point(connection.socket) if bound else None,
            )
            if protocol == "ntlm" and protection == NONE:
                # Else the DC looks for a session key that an unprotected NTLM does not have.
                client._context_req &= ~NTLMSSP_NEGOTIATE_KEY_EXCH
            answer = send_sasl_negotiation(connection, None, client.step())
            while answer["result"] == SASL_BIND_IN_PROGRESS:
                token = client.step(answer["saslCreds"])
                answer = send_sasl_negotiation(connection, None, token or b"")
        finally:
            connection.strategy.close()
    return Answer(answer["result"], answer["message"])


def end_point(channel: ssl.SSLSocket) -> GssChannelBindings:
    """Give the token of the DC's certificate, which the lab signs with SHA-256."""
    certificate = channel.getpeercert(binary_form=True) or b""
    digest = hashlib.sha256(certificate).digest()
    return GssChannelBindings(application_data=b"tls-server-end-point:" + digest)


@contextmanager
def knowing(lab: Lab) -> Iterator[None]:
    """Let Kerberos in this process know the lab."""
    with mock.patch.dict(os.environ, {"KRB5_CONFIG": environment(lab)["KRB5_CONFIG"]}):
        yield

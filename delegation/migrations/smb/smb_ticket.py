"""A logon -> a ticket for a host's SMB service, got by the system's own Kerberos, as bytes.

impacket has a Kerberos of its own, which knows neither the system's configuration nor any cache
but a file. So the ticket is got by libkrb5, from whichever cache, keytab or password, and handed
on as a credential of a FILE cache, version 4.
"""

from typing import TYPE_CHECKING, Any

from delegation.errors import HostRefused
from delegation.hosts.places import Account, Place
from delegation.hosts.winrm import logon
from delegation.kerberos import principals, tickets
from delegation.kerberos.refusals import Attempt

if TYPE_CHECKING:
    import krb5


def attempt_at(place: Place, account: Account) -> Attempt:
    """The logon, for messages and names: exactly this host, never one that DNS gives."""
    return Attempt(
        place.host,
        place.realm_domain,
        account.user,
        account.keytab,
        service_class="cifs",
        section="remoting",
    )


def smb_ticket(place: Place, account: Account) -> bytes:
    """A credential with ticket and session key. Raises HostError and UsageError."""
    attempt = attempt_at(place, account)
    with logon.in_words(attempt):
        import gssapi
        import krb5
        from gssapi.raw import acquire_cred_from

        context = krb5.init_context()
        cache = _cache(context, attempt, account.password)
        cache_name = b"%s:%s" % (cache.cache_type or b"FILE", cache.name or b"")
        kerberos = gssapi.MechType.kerberos
        acquired = acquire_cred_from({b"ccache": cache_name}, usage="initiate", mechs=[kerberos])
        credentials = gssapi.Credentials(base=acquired.creds)
        # One step asks for the ticket, and leaves it in the cache.
        flags: Any = gssapi.RequirementFlag.mutual_authentication
        tickets.context_for(attempt, credentials, flags, None).step()
        service = f"{attempt.service}@{attempt.realm}".encode().lower()
        for credential in cache:
            server = credential.server.name or b""
            if server.lower() == service:
                marshalled: bytes = krb5.marshal_credentials(context, credential)
                return marshalled
    raise HostRefused(
        f"the ticket for {attempt.service} is not in the cache {cache_name.decode()}",
        "look at it with klist; get another with kinit",
    )


def _cache(context: "krb5.Context", attempt: Attempt, password: str | None) -> "krb5.CCache":
    """The cache of the logon at hand, or one in memory with a ticket that is got for this."""
    import krb5

    if attempt.user is None and attempt.keytab is None:
        return krb5.cc_default(context)
    client = krb5.parse_name_flags(context, _principal(attempt).encode())
    if attempt.keytab is None and password is None:
        return krb5.cc_cache_match(context, client)
    options = krb5.get_init_creds_opt_alloc(context)
    if attempt.keytab is not None:
        keytab = krb5.kt_resolve(context, attempt.keytab.encode())
        granting_ticket = krb5.get_init_creds_keytab(context, client, options, keytab)
    else:
        secret = (password or "").encode()
        granting_ticket = krb5.get_init_creds_password(context, client, options, secret)
    cache = krb5.cc_new_unique(context, b"MEMORY")
    krb5.cc_initialize(context, cache, client)
    krb5.cc_store_cred(context, cache, granting_ticket)
    return cache


def _principal(attempt: Attempt) -> str:
    """Whose ticket it is: the user's, or that of the keytab where no user is named."""
    principal: str | None = None
    if attempt.user is not None:
        principal = principals.principal_of(attempt.user, attempt.domain, attempt.section)
    if attempt.keytab is not None:
        principal = principals.principal_in(attempt.keytab, principal, attempt.section)
    return principal or ""

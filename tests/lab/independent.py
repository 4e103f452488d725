"""Look at the directory with clients that share no code with the product: OpenLDAP's, Samba's."""

from __future__ import annotations

from tests.lab import ldif
from tests.lab.configuration import state
from tests.lab.description import BASE_DN, READER, Lab, LabError
from tests.lab.ldif import Entry
from tests.lab.programs import log_tail, run, run_samba

DELEGATION = "msDS-AllowedToDelegateTo"


class LdapError(Exception):
    """An LDAP program was refused; ``result`` is the result code of RFC 4511 4.1.9."""

    def __init__(self, result: int, text: str) -> None:
        super().__init__(f"result {result}: {text.strip()}")
        self.result = result


def search(
    lab: Lab,
    wanted: str,
    *attributes: str,
    base: str = BASE_DN,
    account: str = READER,
    control: str = "",
) -> list[Entry]:
    """Search as an account; ``wanted`` is the filter, no attributes are all of them.

    ``control`` is one that goes with the search, by its OID, behind a ``!`` if it is critical.

    Raises:
        LdapError: the directory refuses.
        LabError: the directory cannot be reached.
    """
    options = ["-LLL", "-o", "ldif-wrap=no", "-E", "pr=500/noprompt", "-b", base]
    if control:
        options += ["-E", control]
    found = openldap(lab, ["ldapsearch", *options, wanted, *attributes], account)
    return list(ldif.entries(found))


def computer(lab: Lab, host: str, account: str = READER) -> Entry:
    """Read one computer by its sAMAccountName, all attributes; raise LabError if there is none."""
    found = search(lab, f"(sAMAccountName={host}$)", account=account)
    if len(found) != 1:
        raise LabError(f"{len(found)} accounts are called {host}$")
    return found[0]


def delegation(lab: Lab, host: str) -> tuple[str, ...]:
    """Read a host's msDS-AllowedToDelegateTo, in the spelling and order in which it is stored."""
    return computer(lab, host).texts(DELEGATION)


def user_account_control(lab: Lab, host: str) -> int:
    """Read a host's userAccountControl."""
    return computer(lab, host).number("userAccountControl")


def mesh(lab: Lab) -> dict[str, tuple[int, tuple[str, ...]]]:
    """Read userAccountControl and values of all computers at once, by name (``hv01``)."""
    found = search(
        lab, "(objectClass=computer)", "sAMAccountName", "userAccountControl", DELEGATION
    )
    return {
        entry.texts("sAMAccountName")[0].removesuffix("$").lower(): (
            entry.number("userAccountControl"),
            entry.texts(DELEGATION),
        )
        for entry in found
    }


def samba_tool(lab: Lab, host: str) -> str:
    """Give what ``samba-tool delegation show`` prints, straight from the DC's database."""
    configuration = f"--configfile={state(lab)}/smb.conf"
    done = run_samba(lab, ["samba-tool", "delegation", "show", f"{host}$", configuration])
    if done.returncode != 0:
        raise LabError(f"samba-tool: {done.stderr}")
    return done.stdout


def openldap(lab: Lab, command: list[str], account: str, text: str = "") -> str:
    """Run an OpenLDAP program over LDAPS, the certificate verified, bound as an account.

    Raises:
        LdapError: the directory refuses.
        LabError: the directory cannot be reached.
    """
    program, *options = command
    bind = ["-x", "-H", lab.ldaps_url, "-D", lab.principal(account), "-w", lab.accounts[account]]
    done = run(lab, [program, *bind, *options], text)
    if done.returncode == 255:
        # The library's own errors are negative; a lost server is -1.
        raise LabError(f"{program}: {done.stderr.strip()}; {log_tail(lab)}")
    if done.returncode != 0:
        raise LdapError(done.returncode, done.stderr)
    return done.stdout

"""Another domain controller than a run's, as a person names it: the URL that is meant."""

import pytest

from delegation.changes.run import Run
from delegation.directory.connection import url_elsewhere
from delegation.errors import UsageError

NO_HOSTS = (
    "",
    " ",
    ":636",
    "dc 2",
    "dc2/x",
    "dc2:3268",
    "dc2:0x",
    "someone@dc2",
    "[::1",
    "d\u00fc2",
)


def run_on(url: str) -> Run:
    return Run("apply", "corp.example", "corp.example", "dc1.corp.example", {"url": url}, id=12)


@pytest.mark.parametrize(
    ("own", "named", "meant"),
    [
        ("ldaps://dc1.corp.example", "dc2", "ldaps://dc2.corp.example"),
        ("ldap://dc1.corp.example:3890", "dc2.lab.corp.example", "ldap://dc2.lab.corp.example"),
        ("ldap://dc1.corp.example", "fd00::2", "ldap://[fd00::2]"),
        ("ldaps://dc1.corp.example", "dc2:6360", "ldaps://dc2.corp.example:6360"),
        ("ldap://dc1.corp.example", "10.0.0.2", "ldap://10.0.0.2"),
        ("ldap://dc1.corp.example", "ldaps://dc2.corp.example:636", "ldaps://dc2.corp.example:636"),
    ],
)
def test_it_is_reached_as_the_runs_own_was(own: str, named: str, meant: str) -> None:
    assert url_elsewhere(run_on(own), named) == meant


@pytest.mark.parametrize(
    ("own", "named"),
    [
        ("ldap://dc1.corp.example", "ldif:export.ldif"),
        ("ldap://dc1.corp.example", "http://dc2"),
        *(("ldap://dc1.corp.example", named) for named in NO_HOSTS),
        ("ldif:/srv/export.ldif", "dc2"),
    ],
)
def test_what_is_no_domain_controller_is_refused(own: str, named: str) -> None:
    with pytest.raises(UsageError, match="--on"):
        url_elsewhere(run_on(own), named)

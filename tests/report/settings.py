"""A run that set hosts, as the journal would hold it."""

from delegation.changes.outcomes import Result
from delegation.changes.plan import Change
from delegation.changes.run import FAILED, RecordedChange, Run
from delegation.hosts.settings import HOSTS_APPLY, HostSetting, RecordedSetting, Value, target
from delegation.report.host_settings import SettingsRunReport
from tests.report.runs import ORIGIN, at

CHANGES: tuple[tuple[str, Value, Value], ...] = (
    ("network 10.20.0.0/24", None, 0),
    ("any_network", True, False),
    ("migrations", 2, 4),
    ("authentication", "CredSSP", "Kerberos"),
    ("enabled", False, True),
)


def setting(  # noqa: PLR0917 - a row of the journal
    host: str,
    name: str,
    before: Value,
    after: Value,
    result: Result | None = Result.APPLIED,
    reason: str = "",
) -> RecordedSetting:
    change = Change(
        target(host, f"{host}.corp.example", name),
        HostSetting(name, before),
        HostSetting(name, after),
    )
    return RecordedChange(change, at(1), result, at(2) if result else None, reason)


def run(
    *changes: RecordedSetting, ticket: str | None = "CHG-8", settled: bool = True
) -> SettingsRunReport:
    recorded = Run(
        HOSTS_APPLY,
        "hosts:corp.example",
        "corp.example",
        "hv[01-04]",
        {},
        "sha256:" + "a1" * 32,
        "sha256:" + "b2" * 32,
        ticket,
        id=4,
        status=FAILED,
        started=at(0),
        finished=at(9),
        who="CORP\\vmadmin",
        machine="desk01",
        summary={"objects": len(changes), "applied": len(changes)},
    )
    return SettingsRunReport(ORIGIN, recorded, changes, settled)


def mixed() -> SettingsRunReport:
    """Three hosts as wanted; on hv04 a change was refused, and what came after it not tried."""
    fine = [setting(f"hv0{n}", *change) for n in (1, 2, 3) for change in CHANGES]
    refused = setting("hv04", *CHANGES[0], Result.FAILED, "access is denied (0x80070005)")
    rest = [setting("hv04", *change, Result.REFUSED, "not tried") for change in CHANGES[1:4]]
    return run(*fine, refused, *rest, setting("hv04", *CHANGES[4], None))

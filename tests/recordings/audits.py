"""``audit``, ``explain`` and ``init`` against exports of a directory."""

from tests.cli.world import (
    DISABLED,
    INVENTORY,
    MEMBER,
    TRANSITION,
    UNCONSTRAINED,
    account,
    directory,
    edited,
    finished,
    forms,
)
from tests.recordings.changes import three_hosts
from tests.recordings.desk import Desk, Story

PERSONS = "".join(
    f"dn: CN={name},CN=Users,DC=corp,DC=example\n"
    "objectClass: top\nobjectClass: person\nobjectClass: user\n"
    f"userAccountControl: {uac}\nsAMAccountName: {name}\n\n"
    for name, uac in (("vmadmin", 0x200), ("boss", 0x100200))
)


def risky() -> bytes:
    """A directory with much that an audit has to tell."""
    own = forms("hv02", "hv03")
    spns = ["cifs/hv04", "HOST/HV04", "HOST/hv04.corp.example"]
    return directory(
        account("HV01", *own, "cifs/dc1.corp.example", "HTTP/web", uac=MEMBER | TRANSITION),
        account("HV02", *forms("hv01"), uac=MEMBER | UNCONSTRAINED),
        account("HV03", *forms("hv09"), uac=MEMBER | DISABLED),
        account("HV04", spns=spns),
        PERSONS,
    )


def audit(desk: Desk) -> None:
    three_hosts(desk)
    desk("audit")
    desk.write("directory.ldif", finished())
    desk("audit")
    desk("audit", "--format", "json")
    desk("audit", "--new-only")
    edited(desk.folder / "directory.ldif", hv01=[*forms("hv02"), "cifs/nas01", "HTTP/web"])
    desk("audit", "--new-only")
    desk("audit", "--new-only", "--format", "json")
    desk("audit", "--new-only", "--baseline", "--fail-on", "never", "--remind", "7d")
    desk("audit", "--new-only", "--limit", "hv[02-03]")
    desk("audit", "--remind", "7d")
    desk.write("directory.ldif", risky())
    desk("check", "--as", "vmadmin", "--as", "boss", "--as", "nobody")
    desk("check", "--as", "boss", "--format", "json")
    desk("audit", "--as", "boss")
    desk("audit", "--format", "json", "--fail-on", "low")
    desk("audit", "--format", "markdown")
    desk("audit", "--limit", "hv03", "--fail-on", "critical")
    desk("audit", "--output", "audit.json", "--format", "json")
    desk.shows("audit.json")
    desk("audit", "--output", "inventory.yaml")
    desk("audit", "--limit", "hv99")
    desk("history")
    desk("history", "1")
    desk("history", "10", "--format", "json")
    desk("rollback", "1", "--yes")


def explain(desk: Desk) -> None:
    three_hosts(desk)
    desk.write("directory.ldif", risky())
    desk("explain", "hv01", "hv02")
    desk("explain", "hv01", "hv02", "--as", "vmadmin")
    desk("explain", "hv01", "hv03", "--as", "boss", "--format", "json")
    desk("explain", "hv02", "hv01", "-v")
    desk("explain", "hv03", "hv01", "--as", "nobody")
    desk("explain", "hv01.corp.example", "HV04$")
    desk("explain", "hv01", "hv01")
    desk("explain", "hv01", "hv77")
    desk("explain", "hv01", "dc1")


def init(desk: Desk) -> None:
    desk.write("directory.ldif", risky())
    ldif = ("--directory", "ldif:directory.ldif")
    desk(*ldif, "init", "-o", "-")
    desk("init")
    desk(*ldif, "init", "--domain", "corp.example", "-o", "farm.yaml")
    if (desk.folder / "farm.yaml").exists():
        desk.shows("farm.yaml")
    desk(*ldif, "init", "--domain", "corp.example", "-o", "farm.yaml")
    desk(*ldif, "init", "--domain", "corp.example", "--name", "hv0[12]*", "-o", "-")
    desk(*ldif, "init", "--domain", "corp.example", "--name", "web*")
    unit = "OU=Hyper-V,DC=corp,DC=example"
    desk(*ldif, "init", "--domain", "corp.example", "--ou", unit, "--one-mesh")
    desk(*ldif, "check")
    desk(*ldif, "plan")
    desk.write("directory.ldif", directory(account("WEB1", spns=["HOST/WEB1"])))
    desk(*ldif, "init", "--domain", "corp.example", "-o", "none.yaml")


def policy(desk: Desk) -> None:
    """Values of others, under each policy."""
    desk.write("directory.ldif", risky())
    for foreign in ("report", "ignore", "remove"):
        for unconstrained in ("report", "clear"):
            more = f"policy: {{foreign: {foreign}, unconstrained: {unconstrained}}}\n"
            desk.write("inventory.yaml", INVENTORY + more)
            desk.note(more.strip())
            desk("plan", "-v")
            desk("audit")


STORIES: dict[str, Story] = {
    "audit": audit,
    "explain": explain,
    "init": init,
    "policy": policy,
}

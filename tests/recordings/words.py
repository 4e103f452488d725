"""What is said without a directory: helps, the schema, usage errors, invalid inventories."""

from tests.cli.commands import EVERY
from tests.cli.world import INVENTORY, ROOT, plain
from tests.recordings.desk import Desk, Story

CASES = ROOT / "tests" / "cases"


def helps(desk: Desk) -> None:
    desk("--help")
    for name in EVERY:
        desk(*name.split(), "--help")


def wrong_usage(desk: Desk) -> None:
    desk()
    desk("--version")
    desk("plon")
    desk("plan", "--limti", "hv01")
    desk("plan", "--format", "yaml")
    desk("report", "html", "everything")
    desk("explain", "hv01")
    desk("hosts")
    desk("history", "one")
    desk("apply", "--allow", "anything")
    desk("schedule", "cron", "--at", "25:00")
    desk("-i", "nowhere.yaml", "plan")
    desk("plan")
    desk("history")
    desk("rollback", "--yes")
    desk("migrate", "status")


def invalid_inventories(desk: Desk) -> None:
    for path in sorted((CASES / "inventory").glob("*.yaml")):
        desk.write(path.name, path.read_bytes())
        desk("-i", path.name, "check")


def valid_inventories(desk: Desk) -> None:
    desk.write("directory.ldif", plain())
    for path in sorted((CASES / "inventory" / "valid").glob("*.yaml")):
        desk.write(path.name, path.read_bytes())
        desk("-i", path.name, "--directory", "ldif:directory.ldif", "check")


def invalid_for_every_command(desk: Desk) -> None:
    desk.write("inventory.yaml", INVENTORY.replace("hv[01-03]", "hv[03-01]"))
    desk.write("directory.ldif", plain())
    for words in (
        "check --format json",
        "plan --format json",
        "apply --yes",
        "rollback --yes",
        "history",
        "audit",
        "explain hv01 hv02",
        "hosts show",
        "hosts apply --yes",
        "migrate plan --drain hv01",
        "report html",
        "export ldif",
        "schedule cron",
    ):
        desk(*words.split())


def trust(desk: Desk) -> None:
    old, new = (f"sha256:{letter * 42}A=" for letter in "AB")
    known = ("--known-domains", "known")
    desk(*known, "trust")
    desk(*known, "trust", "corp.example")
    desk(*known, "trust", "corp.example", "--ca", old, "--dns-server", "10.0.0.53", "--yes")
    desk(*known, "trust", "corp.example", "--ca", new, "--yes")
    desk(*known, "trust", "corp.example", "--ca", new)
    desk(*known, "trust", "corp.example", "--ca", new, "--replace", "--yes")
    desk(*known, "trust", "other.example", "--ntlm-without-tls", "--yes")
    desk(*known, "trust", "other.example", "--server", "dc9", "--yes")
    desk(*known, "trust", "other.example", "--ca", "sha256:x", "--yes")
    desk.shows("known")
    desk(*known, "trust")


def schema(desk: Desk) -> None:
    desk("schema")


def demo(desk: Desk) -> None:
    desk("demo")


STORIES: dict[str, Story] = {
    "help": helps,
    "wrong-usage": wrong_usage,
    "inventories-invalid": invalid_inventories,
    "inventories-valid": valid_inventories,
    "inventory-invalid-for-every-command": invalid_for_every_command,
    "schema": schema,
    "trust": trust,
    "demo": demo,
}

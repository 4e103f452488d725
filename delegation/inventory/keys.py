"""Every key an inventory may have: the table that drives reader, JSON Schema and reference page.

A key is one row. Where its type can read it by itself, and the class of its section in
``inventory`` has an attribute of its name, that is all. What depends on more than the value (on
the domain, on the hosts, on another key) is the business of the section's module.

A section stands above those that contain it.
"""

from delegation.inventory import (
    Auth,
    Authentication,
    Foreign,
    MeshService,
    OwnValues,
    Performance,
    Policy,
    Slots,
    Unconstrained,
)
from delegation.inventory.acceptance_section import ACCOUNT, RULE_ID
from delegation.inventory.directory_section import ADDRESSES, URL
from delegation.inventory.former_name_types import FORMER_NAMES, FORMER_SUFFIXES
from delegation.inventory.hosts_section import HOST_NAME, TRANSITION
from delegation.inventory.keep_section import ACCEPTANCE, SPN_PATTERN
from delegation.inventory.live_migration_section import SUBNET
from delegation.inventory.machine_names import (
    ACCOUNT_NAME,
    ALIASES,
    COMPUTER_NAME,
    DOMAIN,
    FQDN,
    SUFFIX,
)
from delegation.inventory.meshes_section import HOST_NAMES, MESH_NAMES
from delegation.inventory.operation_sections import MACHINES
from delegation.inventory.removal_section import EXACT_VALUE
from delegation.inventory.value_types import (
    BOOLEAN,
    DATE,
    INT32_MAX,
    PERCENTAGE,
    TEXT,
    Key,
    Section,
    choice,
    choices_of,
    list_of,
    mapping_of,
    named,
    number,
    texts,
)

_PARALLEL = number(0, 1_000)
_AS_FOUND = "as it is found"
_SYSTEM_TRUST = "what the system trusts"
_POLICY = Policy()

# A row has two lines or three. With one for each argument nobody would see a table.
# fmt: off
NETWORK = Section("network", (
    Key("subnet", SUBNET, "10.20.0.0/24", "The subnet, as 10.20.0.0/24", required=True),
    Key("priority", number(0, INT32_MAX), "1",
        "Lower is used first", tacit_default="the host's choice"),
), short_for="subnet")

LIVE_MIGRATION = Section("live_migration", (
    Key("enabled", BOOLEAN, "true",
        "Whether the host takes part in live migrations", tacit_default=_AS_FOUND),
    Key("authentication", choice(Authentication), "Kerberos",
        "Kerberos needs delegation, CredSSP a logon", tacit_default=_AS_FOUND),
    Key("migrations", _PARALLEL, "2", "Live migrations at the same time", tacit_default=_AS_FOUND),
    Key("storage_migrations", _PARALLEL, "2",
        "Storage migrations at the same time", tacit_default=_AS_FOUND),
    Key("performance", choice(Performance), "SMB",
        "How memory is transferred", tacit_default=_AS_FOUND),
    Key("networks", list_of(NETWORK, may_be_empty=False), "[10.20.0.0/24]",
        "Subnets for incoming migrations", tacit_default=_AS_FOUND),
    Key("any_network", BOOLEAN, "true", "Take migrations on any network", tacit_default=_AS_FOUND),
))

DIRECTORY = Section("directory", (
    Key("url", URL, "ldaps://dc1.corp.example",
        "ldaps://SERVER, ldap://SERVER or ldif:FILE", "found in DNS"),
    Key("start_tls", BOOLEAN, "true",
        "Turn an ldap:// connection into an encrypted one", tacit_default="false"),
    Key("auth", choice(Auth), "kerberos",
        "How to log on to the directory",
        tacit_default="simple over TLS with a user and no keytab, else kerberos"),
    Key("user", TEXT, "svc-delegation", "Account", "the current ticket or logon"),
    Key("keytab", TEXT, "/etc/delegation.keytab",
        "Kerberos keys of the account, for runs without a password"),
    Key("ca_file", TEXT, "corp-root-ca.pem",
        "Certificates (PEM) that a server's certificate must lead to",
        tacit_default=_SYSTEM_TRUST),
    Key("site", TEXT, "Branch-1", "Active Directory site whose domain controllers are preferred"),
    Key("dns_servers", ADDRESSES, "[10.0.0.53]",
        "IP addresses of the DNS servers to ask", tacit_default="those of the system"),
    Key("search_base", texts("distinguished names"), '["OU=Hyper-V,DC=corp,DC=example"]',
        "Where the hosts' accounts are, in quotes", "the domain"),
))

DEFAULTS = Section("defaults", (
    Key("protocol_transition", TRANSITION, "true", "As for a host", "true"),
    Key("live_migration", mapping_of(LIVE_MIGRATION), "{migrations: 2}",
        "As for a host, which overrides it by field"),
))

HOST = Section("host", (
    Key("fqdn", FQDN, "hv01.corp.example", "The account's dNSHostName", "the name in the domain"),
    Key("computer", COMPUTER_NAME, "HV01", "The account's sAMAccountName without $", "the name"),
    Key("suffix", SUFFIX, "dc2.corp.example",
        "DNS suffix of the host, or of each of a range", "the domain"),
    Key("former", FORMER_NAMES, "[OLD64, hv64.old.example]",
        "Names that it has no more, short or full: values that name them go", tacit_default="none"),
    Key("protocol_transition", TRANSITION, "true",
        '"Use any authentication protocol"; false: Kerberos only; keep: as it is found',
        tacit_default="that of defaults"),
    Key("live_migration", mapping_of(LIVE_MIGRATION), "{migrations: 2}",
        "Settings of the host; others are left alone", tacit_default="that of defaults"),
    Key("unconstrained", choice(Unconstrained), "clear",
        "Delegation to any service, on this host", tacit_default="that of policy"),
))

MESH = Section("mesh", (
    Key("members", HOST_NAMES, '["hv[01-64]"]', "Hosts that all migrate to each other"),
    Key("sources", HOST_NAMES, '["hv[01-32]"]', "One way: hosts that migrate away"),
    Key("targets", HOST_NAMES, '["hv[33-64]"]', "One way: hosts that are migrated to"),
    Key("services", choices_of(MeshService), "[migration]",
        "What they ask each other for; without cifs, storage stays on shares",
        "cifs and migration"),
), forms=(("members",), ("sources", "targets")))

FILE_SERVER = Section("file server", (
    Key("reached_from", MESH_NAMES, "[production]",
        "Meshes whose hosts may reach it", required=True),
    Key("fqdn", FQDN, "sofs01.corp.example", "Its full name, as paths have it",
        "the name in the domain"),
    Key("computer", COMPUTER_NAME, "SOFS01", "The account's sAMAccountName without $", "the name"),
    Key("aliases", ALIASES, "[vmstore, vmstore.corp.example]",
        "Further names in paths; each is written where exactly this account answers to it"),
    Key("account", ACCOUNT_NAME, "svc-nas01",
        "sAMAccountName, with the $ of a computer: of a NAS or a cloud's file share, whose account "
        "is called otherwise"),
))

KEEP = Section("keep", (
    Key("value", SPN_PATTERN, "HTTP/*", "Pattern of values, with * and ?", required=True),
    Key("hosts", HOST_NAMES, "[hv03]", "On these hosts only", "on all"),
    Key("reason", TEXT, "reporting portal", "What the values are for"),
    Key("owner", TEXT, "web team", "Who to ask about them"),
    Key("expires", DATE, "2027-06-30",
        "Day after which it is a finding; the values stay untouched", tacit_default="never"),
    Key("protocol_transition", ACCEPTANCE, "accept",
        "The owner accepts that the flag, which governs the whole list, may change",
        into="accepts_transition"),
))

REMOVAL = Section("removal", (
    Key("value", EXACT_VALUE, "cifs/hv02:445", "The value as it stands there", required=True),
    Key("hosts", HOST_NAMES, "[hv07]", "The hosts that it goes from", required=True),
    Key("reason", TEXT, "left by a script", "Why it goes"),
))

POLICY = Section("policy", (
    Key("foreign", choice(Foreign), "report", "Values that nobody claims", f"{_POLICY.foreign}"),
    Key("unconstrained", choice(Unconstrained), "report",
        "Delegation to any service", f"{_POLICY.unconstrained}"),
    Key("max_removals", PERCENTAGE, "30%",
        "Share of the values one run may remove", f"{_POLICY.max_removals:g}%"),
    Key("value_limit", number(1, 5_000), "1200",
        "Values of one object at most", f"{_POLICY.value_limit}"),
))

REMOTING = Section("remoting", (
    Key("user", TEXT, "vmadmin",
        "Hyper-V administrator of the hosts", "the current ticket or logon"),
    Key("keytab", TEXT, "/etc/vmadmin.keytab",
        "Kerberos keys of that account, for runs without a password"),
    Key("https", BOOLEAN, "true", "WinRM over HTTPS", "HTTP with encrypted messages"),
    Key("port", number(1, 65_535), "5986", "Port of WinRM", "5985, with https 5986"),
    Key("ca_file", TEXT, "corp-root-ca.pem",
        "Certificates (PEM) that a host's certificate must lead to", tacit_default=_SYSTEM_TRUST),
))

AFFINITY = Section("affinity", (
    Key("apart", MACHINES, "[dc1, dc2]", "Machines, or patterns, of which no two may share a host"),
    Key("together", MACHINES, "[web1, db1]", "Machines that are to share a host"),
    Key("machines", MACHINES, '["sql*"]', "Machines that may only be on these hosts"),
    Key("hosts", HOST_NAMES, '["hv[01-04]"]', "The hosts for machines"),
))

MIGRATE = Section("migrate", (
    Key("slots", choice(Slots), "both",
        "What one migration takes at both ends: a slot of both kinds (default), or a live one",
        tacit_default="both"),
    Key("affinity", list_of(AFFINITY, may_be_empty=True), "[{apart: [dc1, dc2]}]",
        "Which machines may be where, for drain", tacit_default="no rules"),
))

RETIRED = Section("retired", (
    Key("name", HOST_NAME, "hv98", "Name or range", required=True),
    Key("fqdn", FQDN, "hv98.old.example", "Its full name", "the name in the domain"),
    Key("own", choice(OwnValues), "keep",
        "What its own account may still do towards the mesh; keep: another inventory has it",
        f"{OwnValues.REMOVE}"),
), short_for="name")

ACCEPTANCE_RULE = Section("acceptance", (
    Key("rule", RULE_ID, "KCD016", "The rule whose findings are known", required=True),
    Key("hosts", HOST_NAMES, "[hv03]", "On these hosts only", "on all"),
    Key("value", TEXT, "HTTP/*",
        "Pattern of the values, or of the account outside the inventory, that it is about",
        tacit_default="whatever it is about"),
    Key("reason", TEXT, "accepted by security, CHG-1234", "Why it stays"),
    Key("owner", TEXT, "web team", "Who to ask about it"),
    Key("expires", DATE, "2027-06-30",
        "Day after which it is told again, one severity higher", tacit_default="never"),
))

TRUST = Section("trusted", (
    Key("account", ACCOUNT, "'WAC01$'",
        "Who may act on the hosts by their own lists (resource-based delegation)", required=True),
    Key("reason", TEXT, "management gateway", "What for"),
    Key("owner", TEXT, "server team", "Who to ask about it"),
    Key("expires", DATE, "2027-06-30",
        "Day after which it is told again, one severity higher", tacit_default="never"),
))

INVENTORY = Section("inventory", (
    Key("domain", DOMAIN, "corp.example",
        "DNS name of the Active Directory domain of all hosts", required=True),
    Key("state", TEXT, ".delegation",
        "Folder of the journal and the undo files; beside the inventory",
        tacit_default=".delegation"),
    Key("directory", mapping_of(DIRECTORY), "{url: ldaps://dc1.corp.example}",
        "How to reach the directory"),
    Key("defaults", mapping_of(DEFAULTS), "{protocol_transition: true}",
        "What holds for each host that says nothing else"),
    Key("hosts", named(HOST, bare=True), '{"hv[01-64]": }',
        "Hyper-V hosts by name or range, such as hv[01-64]", required=True),
    Key("meshes", named(MESH), '{production: {members: ["hv[01-64]"]}}',
        "Who migrates to whom", "all hosts to all"),
    Key("file_servers", named(FILE_SERVER, may_be_empty=True),
        "{sofs01: {reached_from: [production]}}",
        "SMB file servers that hosts store virtual machines or ISO images on"),
    Key("keep", list_of(KEEP, may_be_empty=True), "[{value: HTTP/*}]",
        "Values of somebody else, which stay"),
    Key("remove", list_of(REMOVAL, may_be_empty=True),
        "[{value: 'cifs/hv02:445', hosts: [hv07]}]",
        "Values that go, whoever wrote them; the opposite of keep"),
    Key("retired", list_of(RETIRED, may_be_empty=True), "[hv99]",
        "Hosts that are gone: every trace of them is removed, from peers and their own accounts"),
    Key("former_suffixes", FORMER_SUFFIXES, "[old.example]",
        "DNS suffixes that the hosts have no more: values that name a host with one go",
        tacit_default="none"),
    Key("accept", list_of(ACCEPTANCE_RULE, may_be_empty=True), "[{rule: KCD016, hosts: [hv03]}]",
        "Findings that are known: still counted and listed, and no failure"),
    Key("trusted", list_of(TRUST, may_be_empty=True), "[{account: 'WAC01$'}]",
        "Accounts that may act on the hosts by resource-based delegation"),
    Key("policy", mapping_of(POLICY), "{foreign: report}",
        "What to do about what is found, and how much at once"),
    Key("remoting", mapping_of(REMOTING), "{user: vmadmin}",
        "How the hosts themselves are reached"),
    Key("migrate", mapping_of(MIGRATE), "{slots: both}", "What migrations have to respect"),
))

SECTIONS = (
    INVENTORY, DIRECTORY, DEFAULTS, HOST, LIVE_MIGRATION, NETWORK, MESH, FILE_SERVER, KEEP, REMOVAL,
    POLICY, REMOTING, MIGRATE, AFFINITY, RETIRED, ACCEPTANCE_RULE, TRUST,
)
# fmt: on
"""All of them, in the order in which the JSON Schema defines them."""

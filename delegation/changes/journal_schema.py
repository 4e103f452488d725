"""The tables of the journal, and what makes each version of it out of the one before."""

APPLICATION_ID = 0x44656C67
"""What SQLite's header says of a journal: whose it is."""

STEPS = (
    """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    started TEXT NOT NULL,
    finished TEXT,
    who TEXT NOT NULL,
    machine TEXT NOT NULL,
    directory TEXT NOT NULL,
    domain TEXT NOT NULL,
    dc TEXT NOT NULL,
    connection TEXT NOT NULL,
    inventory_digest TEXT,
    plan_digest TEXT,
    ticket TEXT,
    reverses INTEGER REFERENCES runs (id),
    summary TEXT NOT NULL DEFAULT '{}'
);
CREATE TABLE changes (
    run INTEGER NOT NULL REFERENCES runs (id),
    seq INTEGER NOT NULL,
    name TEXT NOT NULL,
    dn TEXT NOT NULL,
    guid TEXT NOT NULL,
    before BLOB NOT NULL,
    after BLOB NOT NULL,
    intended TEXT,
    result TEXT,
    settled TEXT,
    reason TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run, seq)
) WITHOUT ROWID;
CREATE INDEX changes_by_guid ON changes (guid);
CREATE INDEX unsettled_changes ON changes (run) WHERE intended IS NOT NULL AND result IS NULL
""",
    """
CREATE TABLE findings (
    run INTEGER PRIMARY KEY REFERENCES runs (id),
    scope TEXT NOT NULL,
    content BLOB NOT NULL
)
""",
    """
CREATE TABLE moves (
    run INTEGER NOT NULL REFERENCES runs (id),
    seq INTEGER NOT NULL,
    machine TEXT NOT NULL,
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    storage TEXT NOT NULL,
    memory INTEGER NOT NULL,
    disk INTEGER NOT NULL,
    size INTEGER NOT NULL,
    seconds REAL NOT NULL,
    state TEXT NOT NULL,
    host TEXT NOT NULL,
    bound TEXT NOT NULL DEFAULT '',
    shell TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    percent INTEGER NOT NULL DEFAULT 0,
    abandoned INTEGER NOT NULL DEFAULT 0,
    started TEXT,
    ended TEXT,
    reason TEXT NOT NULL DEFAULT '',
    fix TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run, machine)
) WITHOUT ROWID;
CREATE TABLE steps (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES runs (id),
    machine TEXT NOT NULL,
    time TEXT NOT NULL,
    step TEXT NOT NULL,
    state TEXT NOT NULL,
    host TEXT NOT NULL,
    bound TEXT NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX steps_by_machine ON steps (run, machine);
CREATE TABLE requests (
    run INTEGER NOT NULL REFERENCES runs (id),
    machine TEXT NOT NULL,
    time TEXT NOT NULL,
    PRIMARY KEY (run, machine)
) WITHOUT ROWID
""",
    "ALTER TABLE runs ADD COLUMN undo_id TEXT",
    "CREATE INDEX untold_changes ON changes (run) WHERE result = 'unknown'",
    """
CREATE TABLE baselines (
    run INTEGER PRIMARY KEY REFERENCES runs (id),
    inventory TEXT NOT NULL,
    declared INTEGER NOT NULL,
    whole INTEGER NOT NULL
);
CREATE INDEX baselines_by_inventory ON baselines (inventory, run);
CREATE TABLE looks (
    inventory TEXT NOT NULL,
    subject TEXT NOT NULL,
    label TEXT NOT NULL,
    run INTEGER NOT NULL REFERENCES runs (id),
    gone INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (inventory, subject)
) WITHOUT ROWID
""",
    """
ALTER TABLE runs ADD COLUMN account TEXT;
ALTER TABLE runs ADD COLUMN inventory_path TEXT;
ALTER TABLE runs ADD COLUMN asked TEXT NOT NULL DEFAULT '{}';
ALTER TABLE runs ADD COLUMN left_out TEXT NOT NULL DEFAULT '[]';
ALTER TABLE runs ADD COLUMN back_to INTEGER;
ALTER TABLE changes ADD COLUMN said_in INTEGER;
UPDATE changes SET said_in = (SELECT id FROM runs WHERE kind = 'settle'
    AND id = CAST(substr(reason, instr(reason, ' in run ') + 8) AS INTEGER))
    WHERE reason LIKE 'said to be %';
CREATE TABLE as_before (
    run INTEGER NOT NULL REFERENCES runs (id),
    seq INTEGER NOT NULL,
    name TEXT NOT NULL,
    dn TEXT NOT NULL,
    guid TEXT NOT NULL,
    before BLOB NOT NULL,
    after BLOB NOT NULL,
    PRIMARY KEY (run, seq)
) WITHOUT ROWID
""",
    # Until here an apply recorded what the inventory called a host, and nothing of its names: "?".
    # A GUID of version 5 is made of a name, where an export has none.
    """
CREATE TABLE accounts (
    directory TEXT NOT NULL,
    name TEXT NOT NULL,
    guid TEXT NOT NULL,
    fqdn TEXT NOT NULL,
    run INTEGER NOT NULL REFERENCES runs (id),
    allowed INTEGER REFERENCES runs (id),
    PRIMARY KEY (directory, name, guid, fqdn)
) WITHOUT ROWID;
INSERT INTO accounts
    SELECT directory, lower(name), guid, '?', min(run), max(run) FROM changes
    JOIN runs ON run = id
    WHERE kind = 'apply' AND result = 'applied' AND substr(guid, 15, 1) <> '5'
    GROUP BY directory, lower(name), guid
""",
    """
CREATE TABLE notes (
    run INTEGER PRIMARY KEY REFERENCES runs (id),
    content TEXT NOT NULL
);
ALTER TABLE moves ADD COLUMN said TEXT NOT NULL DEFAULT '';
ALTER TABLE steps ADD COLUMN said TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN kill INTEGER NOT NULL DEFAULT 0
""",
    # Every apply and audit asks which runs are unsettled; before, that read all states of all runs.
    """
CREATE INDEX unknown_changes ON changes (run) WHERE result = 'unknown'
""",
)
"""What makes each version of the journal out of the one before it; the first makes its tables.

Before and after are the states as UTF-8 JSON with the exact values; ``content`` is what
mesh/audit_pages encodes. ``as_before`` holds what a rollback found done already, as the changes
that it needed no more to make. ``said``, and the ``content`` of a note, are JSON as
migrations/record/noted writes it; a ``shell`` is the handle of a migration.
"""
VERSION = len(STEPS)

PRAGMA application_id = 1147497575;
PRAGMA user_version = 6;
BEGIN TRANSACTION;
CREATE TABLE baselines (
    run INTEGER PRIMARY KEY REFERENCES runs (id),
    inventory TEXT NOT NULL,
    declared INTEGER NOT NULL,
    whole INTEGER NOT NULL
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
CREATE TABLE findings (
    run INTEGER PRIMARY KEY REFERENCES runs (id),
    scope TEXT NOT NULL,
    content BLOB NOT NULL
);
CREATE TABLE looks (
    inventory TEXT NOT NULL,
    subject TEXT NOT NULL,
    label TEXT NOT NULL,
    run INTEGER NOT NULL REFERENCES runs (id),
    gone INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (inventory, subject)
) WITHOUT ROWID
;
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
INSERT INTO "moves" VALUES(1,8,'0a28f86f-e615-547f-b7a1-977a8d8566ef','aborted','hv01','hv02','D:\VMs\aborted',10,100,110,12.5,'aborted','hv01','hv02','f9f29673-a95f-407a-9aab-449d04dcbad9',0,0,1,'2026-06-15T20:00:15.000+00:00','2026-06-15T20:00:27.000+00:00','stopped','');
INSERT INTO "moves" VALUES(1,0,'10c56c9b-0ebd-5985-b570-418ee8add47a','queued','hv01','hv02','D:\VMs\queued',10,100,110,12.5,'queued','hv01','',NULL,0,0,0,NULL,NULL,'','');
INSERT INTO "moves" VALUES(1,1,'14b9d9ab-24c5-59fa-9673-714400353bcc','starting','hv01','hv02','D:\VMs\starting',10,100,110,12.5,'starting','hv01','hv02','30e5c2f8-29b6-45ea-8468-4d64f70e4b0f',0,0,0,'2026-06-15T20:00:02.000+00:00',NULL,'','');
INSERT INTO "moves" VALUES(1,9,'4116bb9a-5fe0-5a6e-bc3f-ec7fdbf20595','resting','hv01','hv02','D:\VMs\resting',10,100,110,12.5,'unknown','hv01','hv02','ac8d94a1-35a0-4f3d-86a5-0ed82ca1bfff',0,0,0,'2026-06-15T20:00:17.000+00:00',NULL,'hv02 does not answer','look at it');
INSERT INTO "moves" VALUES(1,10,'7e51a065-8f36-5d0e-b1e4-3655c651fe6a','gone','hv01','hv02','D:\VMs\gone',10,100,110,12.5,'running','hv01','hv02','5f003567-b84f-4eaf-885e-e90e06b6d31c',0,0,0,'2026-06-15T20:00:19.000+00:00',NULL,'','');
INSERT INTO "moves" VALUES(1,4,'8b10b1c6-cf4d-5541-ba18-37123f87ba74','unknown','hv01','hv02','D:\VMs\unknown',10,100,110,12.5,'unknown','hv01','hv02','6d2c93d8-6d1b-4cc3-84ff-3f8edf1d670b',0,0,0,'2026-06-15T20:00:07.000+00:00',NULL,'hv01 does not answer','look at it');
INSERT INTO "moves" VALUES(1,3,'8f4393e0-2a93-569d-ba61-36f3cfbb810b','stopping','hv01','hv02','D:\VMs\stopping',10,100,110,12.5,'stopping','hv01','hv02','913b433b-b0b7-4614-ba7f-86e53702fae4',0,0,0,'2026-06-15T20:00:05.000+00:00',NULL,'','');
INSERT INTO "moves" VALUES(1,2,'b9c4caa7-fb7d-5488-8cb2-f8b7e15e0280','running','hv01','hv02','D:\VMs\running',10,100,110,12.5,'running','hv01','hv02','dfbf2006-1dd4-4cbf-9be2-cb90cfe3a713',0,40,0,'2026-06-15T20:00:03.000+00:00',NULL,'','');
INSERT INTO "moves" VALUES(1,7,'d1d5bc92-db90-5163-87ff-62bf4d021e4f','failed','hv01','hv02','D:\VMs\failed',10,100,110,12.5,'failed','hv01','hv02','42be9fab-63b5-4088-bd0a-3754c8955bad',1,0,0,'2026-06-15T20:00:13.000+00:00','2026-06-15T20:00:26.000+00:00','the disk is full (0x80070070)','make room on the target''s volume');
INSERT INTO "moves" VALUES(1,5,'dc2ba57e-ec67-5992-b093-661aa91ba58e','waiting','hv01','hv02','D:\VMs\waiting',10,100,110,12.5,'waiting','hv01','hv02','c94f7734-0ba5-464d-928a-5ed93a68f0e3',1,0,0,'2026-06-15T20:00:09.000+00:00',NULL,'a file is in use by another program (0x80070020)','look for a backup');
INSERT INTO "moves" VALUES(1,6,'e4d9af44-0e19-51fd-ba34-5c3df404d661','moved','hv01','hv02','D:\VMs\moved',10,100,110,12.5,'moved','hv02','hv02','de7a7179-40c7-4ad5-9b71-403b391fa1e9',0,100,0,'2026-06-15T20:00:11.000+00:00','2026-06-15T20:00:25.000+00:00','','');
CREATE TABLE requests (
    run INTEGER NOT NULL REFERENCES runs (id),
    machine TEXT NOT NULL,
    time TEXT NOT NULL,
    PRIMARY KEY (run, machine)
) WITHOUT ROWID
;
INSERT INTO "requests" VALUES(1,'10c56c9b-0ebd-5985-b570-418ee8add47a','2026-06-15T20:00:28.000+00:00');
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
, undo_id TEXT);
INSERT INTO "runs" VALUES(1,'migrate','running','2026-06-15T20:00:00.000+00:00',NULL,'CORP\vmadmin','desk','hosts:corp.example','corp.example','hv[01-02]','{}','sha256:inventory','sha256:plan','CHG-7',NULL,'{}',NULL);
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
INSERT INTO "steps" VALUES(1,1,'14b9d9ab-24c5-59fa-9673-714400353bcc','2026-06-15T20:00:02.000+00:00','intended','starting','hv01','hv02','');
INSERT INTO "steps" VALUES(2,1,'b9c4caa7-fb7d-5488-8cb2-f8b7e15e0280','2026-06-15T20:00:03.000+00:00','intended','starting','hv01','hv02','');
INSERT INTO "steps" VALUES(3,1,'b9c4caa7-fb7d-5488-8cb2-f8b7e15e0280','2026-06-15T20:00:04.000+00:00','accepted','running','hv01','hv02','');
INSERT INTO "steps" VALUES(4,1,'8f4393e0-2a93-569d-ba61-36f3cfbb810b','2026-06-15T20:00:05.000+00:00','intended','starting','hv01','hv02','');
INSERT INTO "steps" VALUES(5,1,'8f4393e0-2a93-569d-ba61-36f3cfbb810b','2026-06-15T20:00:06.000+00:00','accepted','running','hv01','hv02','');
INSERT INTO "steps" VALUES(6,1,'8b10b1c6-cf4d-5541-ba18-37123f87ba74','2026-06-15T20:00:07.000+00:00','intended','starting','hv01','hv02','');
INSERT INTO "steps" VALUES(7,1,'8b10b1c6-cf4d-5541-ba18-37123f87ba74','2026-06-15T20:00:08.000+00:00','accepted','running','hv01','hv02','');
INSERT INTO "steps" VALUES(8,1,'dc2ba57e-ec67-5992-b093-661aa91ba58e','2026-06-15T20:00:09.000+00:00','intended','starting','hv01','hv02','');
INSERT INTO "steps" VALUES(9,1,'dc2ba57e-ec67-5992-b093-661aa91ba58e','2026-06-15T20:00:10.000+00:00','accepted','running','hv01','hv02','');
INSERT INTO "steps" VALUES(10,1,'e4d9af44-0e19-51fd-ba34-5c3df404d661','2026-06-15T20:00:11.000+00:00','intended','starting','hv01','hv02','');
INSERT INTO "steps" VALUES(11,1,'e4d9af44-0e19-51fd-ba34-5c3df404d661','2026-06-15T20:00:12.000+00:00','accepted','running','hv01','hv02','');
INSERT INTO "steps" VALUES(12,1,'d1d5bc92-db90-5163-87ff-62bf4d021e4f','2026-06-15T20:00:13.000+00:00','intended','starting','hv01','hv02','');
INSERT INTO "steps" VALUES(13,1,'d1d5bc92-db90-5163-87ff-62bf4d021e4f','2026-06-15T20:00:14.000+00:00','accepted','running','hv01','hv02','');
INSERT INTO "steps" VALUES(14,1,'0a28f86f-e615-547f-b7a1-977a8d8566ef','2026-06-15T20:00:15.000+00:00','intended','starting','hv01','hv02','');
INSERT INTO "steps" VALUES(15,1,'0a28f86f-e615-547f-b7a1-977a8d8566ef','2026-06-15T20:00:16.000+00:00','accepted','running','hv01','hv02','');
INSERT INTO "steps" VALUES(16,1,'4116bb9a-5fe0-5a6e-bc3f-ec7fdbf20595','2026-06-15T20:00:17.000+00:00','intended','starting','hv01','hv02','');
INSERT INTO "steps" VALUES(17,1,'4116bb9a-5fe0-5a6e-bc3f-ec7fdbf20595','2026-06-15T20:00:18.000+00:00','accepted','running','hv01','hv02','');
INSERT INTO "steps" VALUES(18,1,'7e51a065-8f36-5d0e-b1e4-3655c651fe6a','2026-06-15T20:00:19.000+00:00','intended','starting','hv01','hv02','');
INSERT INTO "steps" VALUES(19,1,'7e51a065-8f36-5d0e-b1e4-3655c651fe6a','2026-06-15T20:00:20.000+00:00','accepted','running','hv01','hv02','');
INSERT INTO "steps" VALUES(20,1,'8f4393e0-2a93-569d-ba61-36f3cfbb810b','2026-06-15T20:00:21.000+00:00','stopped','stopping','hv01','hv02','');
INSERT INTO "steps" VALUES(21,1,'8b10b1c6-cf4d-5541-ba18-37123f87ba74','2026-06-15T20:00:22.000+00:00','lost','unknown','hv01','hv02','hv01 does not answer');
INSERT INTO "steps" VALUES(22,1,'4116bb9a-5fe0-5a6e-bc3f-ec7fdbf20595','2026-06-15T20:00:23.000+00:00','lost','unknown','hv01','hv02','hv02 does not answer');
INSERT INTO "steps" VALUES(23,1,'dc2ba57e-ec67-5992-b093-661aa91ba58e','2026-06-15T20:00:24.000+00:00','postponed','waiting','hv01','hv02','a file is in use by another program (0x80070020)');
INSERT INTO "steps" VALUES(24,1,'e4d9af44-0e19-51fd-ba34-5c3df404d661','2026-06-15T20:00:25.000+00:00','arrived','moved','hv02','hv02','');
INSERT INTO "steps" VALUES(25,1,'d1d5bc92-db90-5163-87ff-62bf4d021e4f','2026-06-15T20:00:26.000+00:00','given up','failed','hv01','hv02','the disk is full (0x80070070)');
INSERT INTO "steps" VALUES(26,1,'0a28f86f-e615-547f-b7a1-977a8d8566ef','2026-06-15T20:00:27.000+00:00','abandoned','aborted','hv01','hv02','stopped');
CREATE INDEX changes_by_guid ON changes (guid);
CREATE INDEX unsettled_changes ON changes (run) WHERE intended IS NOT NULL AND result IS NULL
;
CREATE INDEX steps_by_machine ON steps (run, machine);
CREATE INDEX untold_changes ON changes (run) WHERE result = 'unknown';
CREATE INDEX baselines_by_inventory ON baselines (inventory, run);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('runs',1);
INSERT INTO "sqlite_sequence" VALUES('steps',26);
COMMIT;

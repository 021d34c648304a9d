-- +goose Up

-- Outcomes in columns; column outcome holds those of older versions, as JSON.
ALTER TABLE tasks ADD COLUMN worker  BLOB;                       -- device whose outcome counts; NULL: not run for this job
ALTER TABLE tasks ADD COLUMN agreed  INTEGER NOT NULL DEFAULT 0; -- members whose workers returned it
ALTER TABLE tasks ADD COLUMN made    BLOB;                       -- hash of what it made
ALTER TABLE tasks ADD COLUMN failure TEXT    NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN exit    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN wall    INTEGER NOT NULL DEFAULT 0; -- ns
ALTER TABLE tasks ADD COLUMN cpu     INTEGER NOT NULL DEFAULT 0; -- ns
ALTER TABLE tasks ADD COLUMN memory  INTEGER NOT NULL DEFAULT 0; -- bytes
ALTER TABLE tasks ADD COLUMN outputs BLOB;                       -- JSON; NULL: it wrote nothing

-- Runs of tasks whose outcome was compared with the one that counts.
CREATE TABLE runs (
    job    TEXT    NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    stage  INTEGER NOT NULL,
    n      INTEGER NOT NULL,
    worker BLOB    NOT NULL,
    wrong  INTEGER NOT NULL,           -- 1: it was another
    wall   INTEGER NOT NULL,           -- ns
    PRIMARY KEY (job, stage, n, worker)
) WITHOUT ROWID;

-- Records of the devices that have run tasks.
CREATE TABLE hosts (
    device     BLOB    PRIMARY KEY,
    member     BLOB    NOT NULL,
    valid      INTEGER NOT NULL,       -- results that another member's worker confirmed
    wrong      INTEGER NOT NULL,       -- results that were outvoted
    lost       INTEGER NOT NULL,       -- runs that were lost
    streak     INTEGER NOT NULL,       -- confirmed since the last that was wrong
    runs       INTEGER NOT NULL,
    wall       INTEGER NOT NULL,       -- ns, of all runs
    distrusted INTEGER NOT NULL        -- Unix seconds; 0: it is not
) WITHOUT ROWID;

-- The result cache. Of outcomes that an older version stored nobody knows who made them.
DROP TABLE known;
CREATE TABLE known (
    module BLOB    NOT NULL,
    digest BLOB    NOT NULL,           -- hash of all that determines the outcome
    member BLOB    NOT NULL,           -- for whom it was computed
    server INTEGER NOT NULL,           -- 1: by workers of servers
    worker BLOB    NOT NULL,           -- one of those that computed it
    agreed INTEGER NOT NULL,           -- members whose workers returned it
    used   INTEGER NOT NULL,           -- Unix seconds
    outputs BLOB,                      -- JSON; NULL: it wrote nothing
    PRIMARY KEY (module, digest, member, server)
) WITHOUT ROWID;
CREATE INDEX known_by_use ON known (used);
CREATE INDEX known_by_worker ON known (worker) WHERE agreed < 2;

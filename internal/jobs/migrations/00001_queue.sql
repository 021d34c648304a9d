-- +goose Up

-- Jobs that this node coordinates.
CREATE TABLE jobs (
    id     TEXT    PRIMARY KEY,
    round  INTEGER NOT NULL,          -- of the submission being run
    spec   BLOB    NOT NULL,          -- JSON
    stage  INTEGER NOT NULL,          -- running, from 0
    job    BLOB    NOT NULL,          -- JSON of a Job
    ended  INTEGER NOT NULL DEFAULT 0,
    told   INTEGER NOT NULL DEFAULT 0 -- 1: its result is published
) WITHOUT ROWID;

CREATE TABLE tasks (
    job     TEXT    NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    stage   INTEGER NOT NULL,
    n       INTEGER NOT NULL,
    label   TEXT    NOT NULL,
    input   BLOB,                -- JSON: its own input
    state   INTEGER NOT NULL,    -- 0: unfinished, 1: done, 2: failed
    outcome BLOB,                -- JSON
    PRIMARY KEY (job, stage, n)
) WITHOUT ROWID;

-- The result cache: outcomes of tasks by a hash of all that determines them.
CREATE TABLE known (
    digest  BLOB    PRIMARY KEY,
    outcome BLOB    NOT NULL,    -- JSON
    votes   INTEGER NOT NULL,    -- workers that agreed
    used    INTEGER NOT NULL     -- Unix seconds
) WITHOUT ROWID;
CREATE INDEX known_by_use ON known (used);

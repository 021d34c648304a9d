-- +goose Up

-- Jobs that this node coordinates.
CREATE TABLE jobs (
    id     TEXT    PRIMARY KEY,
    round  INTEGER NOT NULL,          -- of the order that is carried out
    spec   BLOB    NOT NULL,          -- JSON
    stage  INTEGER NOT NULL,          -- under way, from 0
    job    BLOB    NOT NULL,          -- JSON: the Job as it was last kept
    ended  INTEGER NOT NULL DEFAULT 0,
    told   INTEGER NOT NULL DEFAULT 0 -- 1: the space was told how it ended
) WITHOUT ROWID;

CREATE TABLE tasks (
    job     TEXT    NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    stage   INTEGER NOT NULL,
    n       INTEGER NOT NULL,
    label   TEXT    NOT NULL,
    input   BLOB,                -- JSON: what it has beside the stage's inputs
    state   INTEGER NOT NULL,    -- 0: to be run, 1: done, 2: failed
    outcome BLOB,                -- JSON
    PRIMARY KEY (job, stage, n)
) WITHOUT ROWID;

-- What tasks came to, by a hash of all that decides it.
CREATE TABLE known (
    digest  BLOB    PRIMARY KEY,
    outcome BLOB    NOT NULL,    -- JSON
    votes   INTEGER NOT NULL,    -- workers that agreed
    used    INTEGER NOT NULL     -- Unix seconds
) WITHOUT ROWID;
CREATE INDEX known_by_use ON known (used);

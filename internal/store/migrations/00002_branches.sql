-- +goose Up

-- A feed may have forked: an entry is found by its branch and number. Branch 0 is the one
-- that was seen first here.
CREATE TABLE entries_of_branches (
    n          INTEGER PRIMARY KEY,
    id         BLOB    NOT NULL UNIQUE,
    author     BLOB    NOT NULL,
    branch     INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    time       INTEGER NOT NULL,
    name       INTEGER NOT NULL REFERENCES names (id),
    deletes    INTEGER NOT NULL, -- 1: says that its key is no more
    superseded INTEGER NOT NULL, -- 1: another entry of the same name that counts replaces it
    stripped   INTEGER NOT NULL, -- 1: has a body, but not here
    hidden     INTEGER NOT NULL, -- 1: does not count
    revision   INTEGER NOT NULL, -- the revision in which it came (back) into the view; 0: was there from the first
    raw        BLOB    NOT NULL, -- as feed.Encode writes it
    UNIQUE (author, branch, seq)
);
INSERT INTO entries_of_branches (n, id, author, branch, seq, time, name, deletes, superseded, stripped, hidden, revision, raw)
    SELECT n, id, author, 0, seq, time, name, deletes, superseded, stripped, 0, 0, raw FROM entries ORDER BY n;

-- Every branch of every feed: the entry that it begins after (parent_seq 0: it begins with
-- a first entry), and its end.
CREATE TABLE branches (
    author     BLOB    NOT NULL,
    branch     INTEGER NOT NULL,
    parent     INTEGER NOT NULL,
    parent_seq INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    id         BLOB    NOT NULL,
    PRIMARY KEY (author, branch)
) WITHOUT ROWID;
INSERT INTO branches (author, branch, parent, parent_seq, seq, id)
    SELECT f.author, 0, 0, 0, f.seq, e.id FROM feeds f JOIN entries e ON e.author = f.author AND e.seq = f.seq;

-- The table forks stays until its proofs, which only a program can read, became branches.
DROP TABLE feeds;
DROP TABLE entries;
ALTER TABLE entries_of_branches RENAME TO entries;
CREATE INDEX entries_by_name ON entries (name);
CREATE INDEX heads ON entries (name, time DESC, author DESC, id DESC) WHERE superseded = 0 AND hidden = 0;
CREATE INDEX holes ON entries (author, branch, seq) WHERE stripped = 1 AND superseded = 0;
CREATE INDEX revised ON entries (revision) WHERE revision > 0;

-- revision: how often the view has changed but for what was stored. applied: the number n
-- up to which the column hidden is as the gate has it.
CREATE TABLE counters (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES ('revision', 0), ('applied', 0);

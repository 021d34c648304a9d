-- +goose Up

-- A name is what versions share: a kind and a key.
CREATE TABLE names (
    id   INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key  TEXT NOT NULL,
    UNIQUE (kind, key)
);
CREATE INDEX names_by_key ON names (key, kind);

-- The words of every key, found by their beginnings; rowid = names.id.
CREATE VIRTUAL TABLE words USING fts5 (
    key, content = '', prefix = '2 3',
    tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co So'"
);

-- Entries in the order in which they were stored (n), which is an order in which
-- they can be appended elsewhere. raw comes last, so that it is read only if used.
CREATE TABLE entries (
    n          INTEGER PRIMARY KEY,
    id         BLOB    NOT NULL UNIQUE,
    author     BLOB    NOT NULL,
    seq        INTEGER NOT NULL,
    time       INTEGER NOT NULL,
    name       INTEGER NOT NULL REFERENCES names (id),
    deletes    INTEGER NOT NULL, -- 1: says that its key is no more
    superseded INTEGER NOT NULL, -- 1: another entry of the same name replaces it
    stripped   INTEGER NOT NULL, -- 1: has a body, but not here
    raw        BLOB    NOT NULL, -- as feed.Encode writes it
    UNIQUE (author, seq)
);
CREATE INDEX entries_by_name ON entries (name);
CREATE INDEX heads ON entries (name, time DESC, author DESC, id DESC) WHERE superseded = 0;
CREATE INDEX holes ON entries (author, seq) WHERE stripped = 1 AND superseded = 0;

-- The end of every feed.
CREATE TABLE feeds (
    author BLOB PRIMARY KEY,
    seq    INTEGER NOT NULL
) WITHOUT ROWID;

-- Entries that are replaced already, but have not arrived.
CREATE TABLE awaited (
    id   BLOB    NOT NULL,
    name INTEGER NOT NULL REFERENCES names (id),
    PRIMARY KEY (id, name)
) WITHOUT ROWID;

-- One proof for every author who signed two entries of one number: the second.
CREATE TABLE forks (
    author BLOB PRIMARY KEY,
    seq    INTEGER NOT NULL,
    raw    BLOB    NOT NULL
) WITHOUT ROWID;

-- Blobs shared in place: files of other people's making.
CREATE TABLE links (
    id     BLOB    NOT NULL,
    path   TEXT    NOT NULL, -- absolute
    size   INTEGER NOT NULL, -- bytes
    mtime  INTEGER NOT NULL, -- ns since 1970, when it was hashed
    broken INTEGER NOT NULL DEFAULT 0, -- 1: was found changed
    PRIMARY KEY (id, path)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE links;
DROP TABLE forks;
DROP TABLE awaited;
DROP TABLE feeds;
DROP TABLE entries;
DROP TABLE words;
DROP TABLE names;

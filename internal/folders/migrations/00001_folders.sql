-- +goose Up

-- Directories of this machine that are synced.
CREATE TABLE folders (
    id       INTEGER PRIMARY KEY,
    dir      TEXT NOT NULL UNIQUE, -- absolute path
    settings BLOB NOT NULL         -- CBOR
);

-- What disk and space have agreed on, one row for each name. The directory itself has no row.
CREATE TABLE nodes (
    id     INTEGER PRIMARY KEY,
    folder INTEGER NOT NULL REFERENCES folders (id) ON DELETE CASCADE,
    parent INTEGER NOT NULL, -- row of the folder that it lies in; 0 is the directory
    name   TEXT    NOT NULL, -- on this disk
    record BLOB    NOT NULL  -- CBOR
);
CREATE INDEX nodes_by_folder ON nodes (folder);

-- +goose Down
DROP TABLE nodes;
DROP TABLE folders;

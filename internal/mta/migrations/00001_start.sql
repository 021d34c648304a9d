-- +goose Up

-- Messages on their way out. The text of each is a file named by its id.
CREATE TABLE messages (
    id     INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again
    sender TEXT    NOT NULL, -- who is told of failures; '' for nobody
    added  INTEGER NOT NULL, -- milliseconds since 1970, as all times here
    size   INTEGER NOT NULL, -- bytes of head and file
    utf8   INTEGER NOT NULL, -- 1: needs SMTPUTF8 (RFC 6531)
    head   TEXT    NOT NULL  -- fields that go before the file: signatures
);

-- Those who have not got a message yet. With nobody left a message is removed.
CREATE TABLE recipients (
    message  INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    address  TEXT    NOT NULL,
    domain   TEXT    NOT NULL, -- of the address, as the DNS has it
    tries    INTEGER NOT NULL DEFAULT 0,
    next     INTEGER NOT NULL, -- when to try again
    state    INTEGER NOT NULL DEFAULT 0, -- 0: waits; 1: waits, and the sender knows; 2: failed, and the sender is to be told
    answer   TEXT    NOT NULL DEFAULT '', -- to the last try
    status   TEXT    NOT NULL DEFAULT '', -- of the last try (RFC 3463)
    host     TEXT    NOT NULL DEFAULT '', -- that gave the answer; '' if none did
    PRIMARY KEY (message, address)
) WITHOUT ROWID;
CREATE INDEX due ON recipients (next);

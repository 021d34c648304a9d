-- +goose Up

-- What is here can be made anew from entries and blobs; only UIDs would be others, which
-- is what validity tells mail programs.

CREATE TABLE accounts (
    id       INTEGER PRIMARY KEY,
    key      BLOB    NOT NULL UNIQUE, -- the member
    validity INTEGER NOT NULL,        -- UIDVALIDITY of all folders (RFC 9051, 2.3.1.1)
    modseq   INTEGER NOT NULL,        -- the last that was used
    vector   BLOB    NOT NULL,        -- the entries that were looked at (JSON)
    used     INTEGER NOT NULL DEFAULT 0 -- bytes of its messages
);

CREATE TABLE folders (
    id       INTEGER PRIMARY KEY,
    account  INTEGER NOT NULL REFERENCES accounts (id),
    name     TEXT    NOT NULL,
    next_uid INTEGER NOT NULL,
    modseq   INTEGER NOT NULL,
    UNIQUE (account, name)
);

-- A message whose bytes are here.
CREATE TABLE messages (
    id       INTEGER PRIMARY KEY,
    account  INTEGER NOT NULL REFERENCES accounts (id),
    blob     BLOB    NOT NULL,
    entry    BLOB    NOT NULL, -- its announcement
    author   BLOB    NOT NULL,
    arrived  INTEGER NOT NULL, -- Unix ms
    size     INTEGER NOT NULL, -- bytes, with the preface
    preface  TEXT    NOT NULL, -- header fields that were added on arrival
    thread   TEXT    NOT NULL,
    mid      TEXT    NOT NULL, -- Message-ID
    kept     INTEGER NOT NULL, -- 1: its author's own
    owed     INTEGER NOT NULL, -- 1: its author is to be told that it was delivered
    summary  BLOB    NOT NULL, -- JSON
    UNIQUE (account, blob)
);
CREATE INDEX messages_by_thread ON messages (account, thread);
CREATE INDEX messages_owed ON messages (account) WHERE owed = 1;

-- +goose StatementBegin
CREATE TRIGGER messages_more AFTER INSERT ON messages BEGIN
    UPDATE accounts SET used = used + new.size WHERE id = new.account;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER messages_less AFTER DELETE ON messages BEGIN
    UPDATE accounts SET used = used - old.size WHERE id = old.account;
END;
-- +goose StatementEnd

-- Where messages are.
CREATE TABLE items (
    folder  INTEGER NOT NULL REFERENCES folders (id),
    uid     INTEGER NOT NULL,
    message INTEGER NOT NULL REFERENCES messages (id),
    flags   TEXT    NOT NULL, -- sorted, separated and enclosed by spaces
    modseq  INTEGER NOT NULL,
    PRIMARY KEY (folder, uid)
) WITHOUT ROWID;
CREATE UNIQUE INDEX items_by_message ON items (message, folder);
CREATE INDEX items_by_modseq ON items (folder, modseq);

-- Announced, and not here yet.
CREATE TABLE pending (
    account INTEGER NOT NULL REFERENCES accounts (id),
    blob    BLOB    NOT NULL,
    entry   BLOB    NOT NULL,
    author  BLOB    NOT NULL,
    time    INTEGER NOT NULL, -- Unix ms
    kept    INTEGER NOT NULL,
    named   INTEGER NOT NULL, -- 0: for all members; 1: for others; 2: for this one
    PRIMARY KEY (account, blob)
) WITHOUT ROWID;

-- The member's own notes in force: where the member has put a message.
CREATE TABLE notes (
    account INTEGER NOT NULL REFERENCES accounts (id),
    blob    BLOB    NOT NULL,
    entry   BLOB    NOT NULL,
    at      INTEGER NOT NULL, -- when it came, Unix ms; 0: when it was announced
    places  BLOB    NOT NULL, -- JSON; [] if it was removed
    PRIMARY KEY (account, blob)
) WITHOUT ROWID;

-- Words, found by their beginnings; rowid = messages.id.
CREATE VIRTUAL TABLE texts USING fts5 (
    subject, people, attachments, body,
    content = '', contentless_delete = 1, prefix = '2 3',
    tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co So'"
);

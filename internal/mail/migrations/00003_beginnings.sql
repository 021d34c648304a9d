-- +goose Up

-- The first bytes of messages, without the preface, so that neither lists of headers nor
-- most searches open a blob. Messages of before are added as time allows.
CREATE TABLE beginnings (
    message INTEGER PRIMARY KEY REFERENCES messages (id),
    data    BLOB    NOT NULL
);

-- Texts that are not among the words yet; columns as in texts.
CREATE TABLE unindexed (
    message     INTEGER PRIMARY KEY REFERENCES messages (id),
    subject     TEXT NOT NULL,
    people      TEXT NOT NULL,
    attachments TEXT NOT NULL,
    body        TEXT NOT NULL
);

-- Sums over a folder's items.
ALTER TABLE folders ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE folders ADD COLUMN unseen   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE folders ADD COLUMN deleted  INTEGER NOT NULL DEFAULT 0; -- marked \Deleted
ALTER TABLE folders ADD COLUMN size     INTEGER NOT NULL DEFAULT 0; -- bytes

UPDATE folders SET (messages, unseen, deleted, size) = (
    SELECT count(*), coalesce(sum(i.flags NOT LIKE '% \Seen %'), 0), coalesce(sum(i.flags LIKE '% \Deleted %'), 0), coalesce(sum(m.size), 0)
    FROM items i JOIN messages m ON m.id = i.message WHERE i.folder = folders.id
);

-- +goose StatementBegin
CREATE TRIGGER items_more AFTER INSERT ON items BEGIN
    UPDATE folders SET messages = messages + 1,
        unseen = unseen + (new.flags NOT LIKE '% \Seen %'), deleted = deleted + (new.flags LIKE '% \Deleted %'),
        size = size + (SELECT m.size FROM messages m WHERE m.id = new.message)
    WHERE id = new.folder;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER items_less AFTER DELETE ON items BEGIN
    UPDATE folders SET messages = messages - 1,
        unseen = unseen - (old.flags NOT LIKE '% \Seen %'), deleted = deleted - (old.flags LIKE '% \Deleted %'),
        size = size - (SELECT m.size FROM messages m WHERE m.id = old.message)
    WHERE id = old.folder;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER items_flags AFTER UPDATE OF flags ON items BEGIN
    UPDATE folders SET
        unseen = unseen + (new.flags NOT LIKE '% \Seen %') - (old.flags NOT LIKE '% \Seen %'),
        deleted = deleted + (new.flags LIKE '% \Deleted %') - (old.flags LIKE '% \Deleted %')
    WHERE id = new.folder;
END;
-- +goose StatementEnd

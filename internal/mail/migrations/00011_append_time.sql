-- +goose Up

-- Messages that were filed without a time got the year 1: they came when that was written.
UPDATE messages SET arrived = coalesce(
    (SELECT n.time >> 16 FROM notes n WHERE n.account = messages.account AND n.blob = messages.blob AND n.time > 0), arrived)
WHERE arrived = -62135596800000;
UPDATE notes SET at = 0 WHERE at = -62135596800000;

-- Copies of one message have the same Message-ID.
CREATE INDEX messages_by_mid ON messages (account, mid);

-- +goose Up

-- When a note was made, so that an older one, read late, does not undo it.
ALTER TABLE notes ADD COLUMN time INTEGER NOT NULL DEFAULT 0; -- of its entry, as moot.Time

-- +goose Up

-- The change that a folder is about to state: after a crash the space tells whether it did.
CREATE TABLE intents (
    folder INTEGER PRIMARY KEY REFERENCES folders (id) ON DELETE CASCADE,
    intent BLOB NOT NULL -- CBOR
);

-- +goose Down
DROP TABLE intents;

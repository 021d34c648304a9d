package jobs

import (
	"context"
	"iter"
	"regexp"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sqlite"
)

// idText is how blobs are named in what the queue holds.
var idText = regexp.MustCompile(`[0-9a-f]{64}`)

// Needed yields the blobs that jobs, their inputs and outcomes, and the result cache name;
// also what only looks like a blob's name, and some several times.
func (c *Coordinator) Needed(ctx context.Context) iter.Seq2[moot.BlobID, error] {
	return func(yield func(moot.BlobID, error) bool) {
		rows, err := c.queue.read.QueryContext(ctx, `SELECT spec FROM jobs UNION ALL SELECT job FROM jobs
			UNION ALL SELECT input FROM tasks WHERE input IS NOT NULL UNION ALL SELECT outcome FROM tasks WHERE outcome IS NOT NULL
			UNION ALL SELECT outputs FROM tasks WHERE outputs IS NOT NULL UNION ALL SELECT outputs FROM known WHERE outputs IS NOT NULL`)
		if err != nil {
			yield(moot.BlobID{}, sqlite.Error("read what jobs need", err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var text []byte
			if err := rows.Scan(&text); err != nil {
				yield(moot.BlobID{}, sqlite.Error("read what jobs need", err))
				return
			}
			for _, one := range idText.FindAll(text, -1) {
				if id, err := moot.ParseBlobID(string(one)); err == nil && !yield(id, nil) {
					return
				}
			}
		}
		if err := rows.Err(); err != nil {
			yield(moot.BlobID{}, sqlite.Error("read what jobs need", err))
		}
	}
}

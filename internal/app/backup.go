package app

import (
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/backup"
	"github.com/mootspace/moot/internal/files"
)

// BackupOptions shape a backup.
type BackupOptions struct {
	Keep     int            // newest backups that stay; 0: all
	Progress files.Progress // nil: none
}

// Backup is what a backup holds.
type Backup struct {
	backup.Report
	Folders []string `json:"unread_folders,omitempty"` // synced folders whose files are not in it
}

// BackupInfo describes a backup that was made.
type BackupInfo struct {
	ID     string    `json:"id"`
	Time   time.Time `json:"time"`
	Device moot.Key  `json:"device"` // that made and signed it
	Blobs  int64     `json:"blobs"`
	Size   int64     `json:"size"`             // bytes of all blobs and files
	Unread int       `json:"unread,omitempty"` // blobs that were damaged in the home already
}

// RestoreOptions choose a backup.
type RestoreOptions struct {
	At       string         // an ID, or a time: the newest that is not younger; empty: the newest
	Progress files.Progress // nil: none
}

// Restored is a home that was made from a backup.
type Restored struct {
	Home    string        `json:"restored"`
	ID      string        `json:"id,omitempty"` // of the backup; empty for a file of version 0.1.0
	Blobs   int64         `json:"blobs"`
	Damaged []moot.BlobID `json:"damaged,omitempty"` // and not restored: others may hold them
	Packs   []string      `json:"packs,omitempty"`   // that are damaged: nobody knows what they had
}

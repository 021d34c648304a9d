package store

import (
	"errors"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/mootspace/moot"
)

// sqlError gives an error of the database its kind.
func sqlError(op string, err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return diskError(op, err)
	}
	code := e.Code() & 0xff
	if e.Code() == lib.SQLITE_IOERR_SHMSIZE { // the index of the WAL could not be made larger
		code = lib.SQLITE_FULL
	}
	switch code {
	case lib.SQLITE_FULL:
		return moot.Wrap(op, moot.Errorf(moot.Full, "no space is left for the database: %w", err))
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return moot.Wrap(op, moot.Errorf(moot.Unavailable, "the database is busy: %w", err))
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		return moot.Wrap(op, moot.Errorf(moot.Corrupt, "the database is damaged: %w", err))
	}
	return moot.Wrap(op, moot.Errorf(moot.Internal, "%w", err))
}

// isDiskFault reports whether a write of the database failed in a way that leaves
// open what the disk holds.
func isDiskFault(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == lib.SQLITE_IOERR && e.Code() != lib.SQLITE_IOERR_SHMSIZE
}

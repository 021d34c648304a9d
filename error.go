package moot

import (
	"context"
	"errors"
	"fmt"
)

// ErrorKind says what sort of thing went wrong, in a word that survives the wire.
// Kinds are errors themselves: errors.Is(err, moot.NotFound) works on both sides.
type ErrorKind string

const (
	Invalid     ErrorKind = "invalid"     // the input makes no sense; asking again will not help
	TooLarge    ErrorKind = "too-large"   // the input is beyond a stated limit
	NotFound    ErrorKind = "not-found"   // nobody who was asked has it
	Denied      ErrorKind = "denied"      // the caller is known, and may not
	Stranger    ErrorKind = "stranger"    // the caller is not a member
	Conflict    ErrorKind = "conflict"    // somebody else changed it first (see Swap)
	Gap         ErrorKind = "gap"         // an entry whose predecessor is missing
	Fork        ErrorKind = "fork"        // two different entries with one author and number
	Expired     ErrorKind = "expired"     // an invitation past its time
	UsedUp      ErrorKind = "used-up"     // an invitation used as often as it allows
	Revoked     ErrorKind = "revoked"     // the author or caller was a member once
	Corrupt     ErrorKind = "corrupt"     // bytes that do not match their hash or signature
	Full        ErrorKind = "full"        // no space left, or a quota reached
	Unavailable ErrorKind = "unavailable" // nobody could be reached; asking again may help
	Failed      ErrorKind = "failed"      // a task failed by its own fault
	Internal    ErrorKind = "internal"    // a fault of this program or its machine
)

func (k ErrorKind) Error() string { return string(k) }

// Error is an error with the operation that failed and its kind.
type Error struct {
	Op   string    // what was being done, as "get report.pdf"; may be empty
	Kind ErrorKind // never empty
	Err  error     // the cause, in words; may be nil
	Hint Hint      // what the user can do about it; may be empty
}

func (e *Error) Error() string {
	msg := string(e.Kind)
	if e.Err != nil {
		msg = e.Err.Error()
	}
	if e.Op != "" {
		return e.Op + ": " + msg
	}
	return msg
}

func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, kind) true for the error's own kind.
func (e *Error) Is(target error) bool { return target == error(e.Kind) }

// Errorf returns an error of the kind, worded like fmt.Errorf.
func Errorf(kind ErrorKind, format string, args ...any) error {
	return &Error{Kind: kind, Err: fmt.Errorf(format, args...)}
}

// Wrap names the operation in front of err and keeps its kind. Wrap of nil is nil.
func Wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Op: op, Kind: KindOf(err), Err: err, Hint: HintOf(err)}
}

// KindOf returns the kind of the outermost Error in err's chain; Unavailable for
// an ended context, Internal for an error without a kind, and "" for nil.
func KindOf(err error) ErrorKind {
	var e *Error
	var kind ErrorKind
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Kind
	case errors.As(err, &kind):
		return kind
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Unavailable
	}
	return Internal
}

// Hint says as data what the user can do about an error. Every front end words it for
// its own users: a flag on the command line, a button on a page. It survives the wire.
type Hint string

const (
	HintCreate      Hint = "create-home"    // make a space, or join one
	HintAdopt       Hint = "adopt"          // have the founder of the space start its node
	HintOtherHome   Hint = "other-home"     // use another home directory
	HintStartNode   Hint = "start-node"     // run a node
	HintStartServer Hint = "start-server"   // run the space's server
	HintStopNode    Hint = "stop-node"      // stop the running node first
	HintAskServer   Hint = "ask-server"     // ask the server
	HintAskPeers    Hint = "ask-peers"      // ask peers
	HintInvite      Hint = "get-invitation" // have an owner or admin make an invitation
	HintPassword    Hint = "make-password"  // make a password for mail programs
	HintMailDomain  Hint = "mail-domain"    // run the server with a mail domain
	HintServeMail   Hint = "serve-mail"     // have the node answer mail programs
	HintForce       Hint = "force"          // do it all the same
	HintRename      Hint = "choose-name"    // choose another name
	HintOtherMember Hint = "other-member"   // name the member by its ID, or confirm that another is meant
	HintRetry       Hint = "retry"          // do the same again
	HintUpdate      Hint = "update"         // install a newer version
	HintUpdateNode  Hint = "update-node"    // have a newer version installed where the other node runs
	HintCopy        Hint = "copy"           // share a copy instead of the file in place
	HintOtherTree   Hint = "other-tree"     // run the node where it sees the same files
	HintRecursive   Hint = "recursive"      // also what is in the folder
	HintResume      Hint = "resume"         // go on with what is paused
	HintOutput      Hint = "output"         // write to another path
	HintResolve     Hint = "resolve"        // end the conflict first
	HintLend        Hint = "lend"           // lend computing power on some node
	HintForked      Hint = "choose-branch"  // say which branch of a forked device counts
	HintConfirm     Hint = "confirm"        // say that it is meant
	HintLeave       Hint = "leave"          // leave the space instead
	HintRecovery    Hint = "recovery"       // use the recovery code

	HintCheckInvite Hint = "check-invitation" // use the invitation's link as it was given, or a new one
	HintPassTLS     Hint = "pass-tls"         // have TLS end at the server itself, not at a proxy before it

	HintListFiles     Hint = "list-files"     // look at the names of the files
	HintListFolders   Hint = "list-folders"   // look at the directories that are kept in step
	HintFolderStatus  Hint = "folder-status"  // look at the state of a directory that is kept in step
	HintListConflicts Hint = "list-conflicts" // look at the versions of names in conflict
	HintListMembers   Hint = "list-members"   // look at the names of the members
	HintListDevices   Hint = "list-devices"   // look at the names of the devices
	HintListPeers     Hint = "list-peers"     // look at who can be reached
	HintListMessages  Hint = "list-messages"  // look at the messages
	HintCancelJob     Hint = "cancel-job"     // cancel the job first
	HintListJobs      Hint = "list-jobs"      // look at the jobs
)

// WithHint adds a hint to err, unless it has one. WithHint of nil is nil.
func WithHint(err error, hint Hint) error {
	if err == nil || HintOf(err) != "" {
		return err
	}
	return &Error{Kind: KindOf(err), Err: err, Hint: hint}
}

// HintOf returns the first hint in err's chain; "" if there is none.
func HintOf(err error) Hint {
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			return ""
		}
		if e.Hint != "" {
			return e.Hint
		}
		err = e.Err
	}
	return ""
}

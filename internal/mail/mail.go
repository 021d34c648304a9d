// Package mail gives entries and blobs the meaning of messages: a MIME message
// (RFC 5322, RFC 2045) sealed with age to its readers' keys is a blob, an entry
// announces it, receipts acknowledge it, and the member's flags and folders are in
// entries that only the member can read. An [Account] is one member's mail on one device
// over any moot.Node, which front ends use as a [Mailbox]; a [Relay] holds messages for
// devices that are offline (store and forward).
//
// All devices of a member show the same folders: what one sends, files or marks the
// others read as the member's own. Between peers alone a message reaches a device while
// somebody who holds it is online: the author, another device of a reader, or a relay
// within its days; a device that is added after that needs one of the first two. A
// server keeps what is in its members' mailboxes, so that a device added later gets the
// whole history from it.
//
// It must not know an architecture, a store, a link or a mail protocol.
package mail

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/mootspace/moot"
)

// Mailbox is one member's mail, as front ends see it.
type Mailbox interface {
	// Send seals a message to its recipients and announces it. The message is durable
	// when it returns nil. Kinds: Invalid for a malformed message or address, NotFound
	// for an unknown recipient, Conflict if a name means another member than when it was
	// last written to, TooLarge, Full if a recipient's mailbox is full.
	Send(ctx context.Context, o Outgoing) (Sent, error)

	// Save stores a private message in one of the member's folders: a draft, or what a
	// mail program appends; its bytes stay as they are. It arrived at a time, now if that
	// is zero. A copy of what was sent, in SentFolder, is joined with that. Durable as
	// Send. Kind Full if the mailbox is full.
	Save(ctx context.Context, folder string, flags []Flag, at time.Time, mime io.Reader) (Item, error)

	// Folders returns all folders, those with a special use first.
	Folders(ctx context.Context) ([]Folder, error)

	// SetFolder renames the folder from to to; with from empty it creates to, with to
	// empty it removes from and its items. Kind Denied for folders with a special use.
	SetFolder(ctx context.Context, from, to string) error

	// Subscriptions returns which folders the member has subscribed (true) and
	// unsubscribed; others are subscribed. A folder in it may not exist.
	Subscriptions(ctx context.Context) (map[string]bool, error)

	// Subscribe subscribes or unsubscribes a folder on all of the member's devices.
	// Durable as Send.
	Subscribe(ctx context.Context, folder string, on bool) error

	// Quota returns the bytes of the member's messages, and how many there may be; 0: any
	// number.
	Quota(ctx context.Context) (used, limit int64, err error)

	// List returns items in the order of their UIDs; what is searched for, and threads, by
	// time.
	List(ctx context.Context, q Query) ([]Item, error)

	// Open returns the MIME message. Kinds: NotFound if the member has no such message,
	// Unavailable if no holder of its blob can be reached.
	Open(ctx context.Context, id moot.BlobID) (io.ReadCloser, error)

	// Change moves, flags and removes items, durably, in the order given, and returns
	// their new state; a removed item has UID 0. Items that no longer exist are left out.
	Change(ctx context.Context, changes ...Change) ([]Item, error)

	// Receipts returns which recipients have got the message, and which have read it.
	Receipts(ctx context.Context, id moot.BlobID) ([]Receipt, error)

	// Watch yields the changed folders after each change, until ctx ends. Changes may be
	// coalesced.
	Watch(ctx context.Context) iter.Seq[[]string]
}

// Outgoing is a message to send.
type Outgoing struct {
	// To has the recipients (the envelope): a member's name or ID, with or without a
	// domain, #channel, or an address in another domain if the space's server relays
	// mail. Recipients that the header's To and Cc do not name get Bcc copies. Empty: the
	// header's To, Cc and Bcc.
	To   []string
	MIME io.Reader
	// Wait bounds how long Send waits for replicas, once the message is durable here.
	Wait time.Duration
	// Confirm accepts names that mean another member than when they were last written to.
	Confirm bool
}

// Sent is the outcome of Send.
type Sent struct {
	ID      moot.BlobID     `json:"id"`                // of the copy for the named recipients
	Members []moot.MemberID `json:"members"`           // recipients in the space, without the author
	Relayed []string        `json:"relayed,omitempty"` // recipients in other domains, for the server to relay to
	Holders int             `json:"holders"`           // replicas known when Send returned
}

// Flag is an IMAP flag (RFC 9051, 2.3.2) or keyword.
type Flag string

const (
	Seen     Flag = `\Seen`
	Answered Flag = `\Answered`
	Flagged  Flag = `\Flagged`
	Deleted  Flag = `\Deleted`
	Draft    Flag = `\Draft`
	Phishing Flag = "$Phishing" // From is not the author
)

// Folders that every mailbox has. Channels are folders below ChannelFolder.
const (
	Inbox         = "INBOX"
	SentFolder    = "Sent"
	DraftsFolder  = "Drafts"
	ArchiveFolder = "Archive"
	JunkFolder    = "Junk"
	TrashFolder   = "Trash"
	ChannelFolder = "Channels" // parent of one folder per channel, as Channels/general
)

// Folder is a set of items. Its name is a path with slashes, in UTF-8.
type Folder struct {
	Name     string `json:"name"`
	Use      string `json:"use,omitempty"` // special-use attribute (RFC 6154), as \Sent; "" if none
	Validity uint32 `json:"uid_validity"`
	Next     uint32 `json:"uid_next"`
	ModSeq   uint64 `json:"modseq"` // grows with every change of its items (RFC 7162)
	Messages int    `json:"messages"`
	Unseen   int    `json:"unseen"`
	Deleted  int    `json:"deleted"` // marked \Deleted
	Size     int64  `json:"size"`    // bytes of its messages
	Awaited  int    `json:"awaited"` // of the inbox: messages announced and not fetched yet
}

// Item is a message in a folder.
type Item struct {
	ID     moot.BlobID `json:"id"`
	Folder string      `json:"folder"`
	UID    uint32      `json:"uid"`    // grows within the folder and is never used again (RFC 9051, 2.3.1.1)
	ModSeq uint64      `json:"modseq"` // when the item last changed
	Flags  []Flag      `json:"flags"`
	Begin  []byte      `json:"begin,omitempty"` // with Query.Begin: the first bytes that Open returns, all or about MaxBegin; none if they are not at hand
	Summary
}

// Summary has the fields of a message that lists show.
type Summary struct {
	Author      moot.MemberID `json:"author"` // whose device announced it
	Arrived     time.Time     `json:"arrived"`
	Size        int64         `json:"size"` // bytes that Open returns
	From        string        `json:"from"` // name and address; the author's own if From was forged
	To          []string      `json:"to"`   // To and Cc
	Subject     string        `json:"subject"`
	Date        time.Time     `json:"date"`
	MessageID   string        `json:"message_id"` // without angle brackets
	References  []string      `json:"references,omitempty"`
	Thread      string        `json:"thread"`            // Message-ID of the first message of its thread
	Channel     string        `json:"channel,omitempty"` // as #general
	Attachments []Attachment  `json:"attachments,omitempty"`
	Text        string        `json:"text"` // the beginning of its text
}

// Attachment is a part of a message with a file name.
type Attachment struct {
	Name string `json:"name"`
	Type string `json:"type"` // media type
	Size int64  `json:"size"` // bytes, decoded
}

// Query selects items. Every set field narrows the selection.
type Query struct {
	Folder   string      `json:"folder,omitempty"`
	ID       moot.BlobID `json:"id,omitzero"`
	Prefix   string      `json:"prefix,omitempty"`   // of the ID, in hexadecimal
	Words    string      `json:"words,omitempty"`    // prefixes of words, and "phrases", in subject, people, text or attachments' names
	From     string      `json:"from,omitempty"`     // as Words, in who wrote it
	To       string      `json:"to,omitempty"`       // as Words, in To, Cc and the channel
	Subject  string      `json:"subject,omitempty"`  // as Words
	After    time.Time   `json:"after,omitzero"`     // arrived then or later
	Before   time.Time   `json:"before,omitzero"`    // arrived earlier
	Attached bool        `json:"attached,omitempty"` // with attachments
	Thread   string      `json:"thread,omitempty"`
	Since    uint64      `json:"since,omitempty"` // changed after this ModSeq
	First    uint32      `json:"first,omitempty"` // the lowest UID
	Last     uint32      `json:"last,omitempty"`  // the highest UID; 0: no limit
	Begin    bool        `json:"begin,omitempty"` // Item.Begin is filled in
	Unseen   bool        `json:"unseen,omitempty"`
	Limit    int         `json:"limit,omitempty"` // the newest Limit items; 0: all
	Brief    bool        `json:"light,omitempty"` // only ID, Folder, UID, ModSeq, Flags, Size and Arrived are filled in
}

// Change is a change of one item.
type Change struct {
	Folder string `json:"folder"` // the item's
	UID    uint32 `json:"uid"`
	Copy   string `json:"copy,omitempty"` // copy to this folder; the item returned is the copy
	Move   string `json:"move,omitempty"` // move to this folder
	Remove bool   `json:"remove,omitempty"`
	Set    []Flag `json:"set,omitempty"`
	Clear  []Flag `json:"clear,omitempty"`
	Exact  bool   `json:"exact,omitempty"` // clear all flags that are not in Set
}

// Receipt is a recipient's acknowledgement of a message, by the first of its devices.
type Receipt struct {
	Reader    moot.MemberID `json:"reader"`
	Delivered time.Time     `json:"delivered,omitzero"` // zero: not yet
	Read      time.Time     `json:"read,omitzero"`      // zero: not yet, or no read receipt was sent
}

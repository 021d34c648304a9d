// Package mail gives entries and blobs the meaning of messages: a MIME message
// (RFC 5322, RFC 2045) sealed with age to its readers' keys is a blob, an entry
// announces it, receipts answer it, and what a member does with it – flags, folders –
// is said in entries that only the member can read. A [Box] is one member's mail over
// any moot.Node; front ends see it as a [Mailbox].
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
	// Send seals a message to whom it is for and announces it. When it returns
	// without an error the message survives a power failure. Kinds: Invalid for a
	// message or address that makes no sense, NotFound for an unknown recipient,
	// TooLarge, Full if a recipient's mailbox on the server is.
	Send(ctx context.Context, o Outgoing) (Sent, error)

	// Save keeps a message in one of the member's own folders, for nobody else to
	// read: a draft, or what a mail program appends. Durable as Send.
	Save(ctx context.Context, folder string, flags []Flag, at time.Time, mime io.Reader) (Item, error)

	// Folders returns all folders, those with a special use first.
	Folders(ctx context.Context) ([]Folder, error)

	// SetFolder makes the folder to, and moves what is in the folder from into it;
	// with from empty it only makes one, with to empty it removes from and what is in
	// it. Folders with a special use stay: kind Denied.
	SetFolder(ctx context.Context, from, to string) error

	// List returns items in the order of their UIDs; for Query.Words and
	// Query.Thread by time.
	List(ctx context.Context, q Query) ([]Item, error)

	// Open returns the MIME message. Kind NotFound if the member has no such message,
	// Unavailable if nobody who has its bytes can be reached.
	Open(ctx context.Context, id moot.BlobID) (io.ReadCloser, error)

	// Change puts, marks and removes items, durably, in the order given, and returns
	// them as they are then; a removed one with UID 0. An item that is there no more
	// is left out.
	Change(ctx context.Context, changes ...Change) ([]Item, error)

	// Receipts tells who was given the message, and who has read it.
	Receipts(ctx context.Context, id moot.BlobID) ([]Receipt, error)

	// Watch yields a value whenever something in the mailbox has changed, until ctx
	// ends: the folders concerned. Several changes may come as one.
	Watch(ctx context.Context) iter.Seq[[]string]
}

// Outgoing is a message on its way out.
type Outgoing struct {
	// To are the addresses that it goes to: a member's name or key, with or without
	// a domain, #channel, or anybody's address elsewhere if the space's server sends
	// mail. Who is not named in the message's To or Cc is not seen by the others.
	// Empty: those whom its To, Cc and Bcc name.
	To   []string
	MIME io.Reader
	// Wait is how long Send may wait, once the message is safe here, until somebody else
	// holds it, too.
	Wait time.Duration
}

// Sent says what became of an outgoing message.
type Sent struct {
	ID      moot.BlobID `json:"id"`                // of the copy for those who are named in it
	Members []moot.Key  `json:"members"`           // whom it was sealed to, but for its author
	Relayed []string    `json:"relayed,omitempty"` // addresses elsewhere that the server was asked to reach
	Holders int         `json:"holders"`           // others known to hold it when Send returned
}

// Flag is an IMAP flag (RFC 9051, 2.3.2) or keyword.
type Flag string

const (
	Seen     Flag = `\Seen`
	Answered Flag = `\Answered`
	Flagged  Flag = `\Flagged`
	Deleted  Flag = `\Deleted`
	Draft    Flag = `\Draft`
	Phishing Flag = "$Phishing" // its From names somebody who did not write it
)

// Folders that every mailbox has. Channels are folders below ChannelFolder.
const (
	Inbox         = "INBOX"
	SentFolder    = "Sent"
	DraftsFolder  = "Drafts"
	ArchiveFolder = "Archive"
	JunkFolder    = "Junk"
	TrashFolder   = "Trash"
	ChannelFolder = "Channels" // and below it one a channel, as Channels/general
)

// Folder is a place for items. Its name is a path with slashes, in UTF-8.
type Folder struct {
	Name     string `json:"name"`
	Use      string `json:"use,omitempty"` // special-use attribute (RFC 6154), as \Sent; "" if none
	Validity uint32 `json:"uid_validity"`
	Next     uint32 `json:"uid_next"`
	ModSeq   uint64 `json:"modseq"` // grows with every change of what is in it (RFC 7162)
	Messages int    `json:"messages"`
	Unseen   int    `json:"unseen"`
	Deleted  int    `json:"deleted"` // marked \Deleted
	Size     int64  `json:"size"`    // bytes of its messages
	Awaited  int    `json:"awaited"` // of the inbox: messages that were announced and could not be fetched yet
}

// Item is a message in a folder.
type Item struct {
	ID     moot.BlobID `json:"id"`
	Folder string      `json:"folder"`
	UID    uint32      `json:"uid"`    // grows within the folder and is never used again (RFC 9051, 2.3.1.1)
	ModSeq uint64      `json:"modseq"` // when the item last changed
	Flags  []Flag      `json:"flags"`
	Summary
}

// Summary is what a list shows of a message.
type Summary struct {
	Author      moot.Key     `json:"author"` // who signed its announcement
	Arrived     time.Time    `json:"arrived"`
	Size        int64        `json:"size"` // bytes of what Open returns
	From        string       `json:"from"` // as shown: name and address; the author's own if From was forged
	To          []string     `json:"to"`   // To and Cc
	Subject     string       `json:"subject"`
	Date        time.Time    `json:"date"`
	MessageID   string       `json:"message_id"` // without angle brackets
	References  []string     `json:"references,omitempty"`
	Thread      string       `json:"thread"`            // Message-ID of the first message of its thread
	Channel     string       `json:"channel,omitempty"` // as #general
	Attachments []Attachment `json:"attachments,omitempty"`
	Text        string       `json:"text"` // the beginning of what it says
}

// Attachment is a part of a message with a file name.
type Attachment struct {
	Name string `json:"name"`
	Type string `json:"type"` // media type
	Size int64  `json:"size"` // bytes, decoded
}

// Query selects items. Every set field narrows the selection.
type Query struct {
	Folder string      `json:"folder,omitempty"`
	ID     moot.BlobID `json:"id,omitzero"`
	Prefix string      `json:"prefix,omitempty"` // of the ID, in hexadecimal
	Words  string      `json:"words,omitempty"`  // that subject, people, text or attachments' names contain, by their beginnings
	Thread string      `json:"thread,omitempty"`
	Since  uint64      `json:"since,omitempty"` // changed after this ModSeq
	Unseen bool        `json:"unseen,omitempty"`
	Limit  int         `json:"limit,omitempty"` // the newest so many; 0 means all
	Light  bool        `json:"light,omitempty"` // only ID, Folder, UID, ModSeq, Flags, Size and Arrived are wanted
}

// Change is what is to become of one item.
type Change struct {
	Folder string `json:"folder"` // where it is
	UID    uint32 `json:"uid"`
	Copy   string `json:"copy,omitempty"` // put a copy into this folder; the item returned is the copy
	Move   string `json:"move,omitempty"` // put it into this folder instead
	Remove bool   `json:"remove,omitempty"`
	Set    []Flag `json:"set,omitempty"`
	Clear  []Flag `json:"clear,omitempty"`
	Exact  bool   `json:"exact,omitempty"` // clear all flags that Set does not name
}

// Receipt is a reader's answer to a message.
type Receipt struct {
	Reader    moot.Key  `json:"reader"`
	Delivered time.Time `json:"delivered,omitzero"` // zero: not yet
	Read      time.Time `json:"read,omitzero"`      // zero: not yet, or not told
}

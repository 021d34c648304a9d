package mailbox

import (
	"fmt"
	"math"
	"strings"
	"sync"

	"github.com/emersion/go-imap/v2"

	"github.com/mootspace/moot/internal/mail"
)

// recentMarks has, for each folder of each user, the first UID that no session was told of
// yet: these messages have \Recent (RFC 3501, 2.3.2; IMAP4rev2 does not have it). It is not
// durable: after a start all unread messages are recent.
type recentMarks struct {
	mu   sync.Mutex
	next map[string]imap.UID
}

const maxMarks = 100_000 // folders

func newRecentMarks() *recentMarks { return &recentMarks{next: map[string]imap.UID{}} }

// first returns the first UID that is recent. If claimed, those before next are not recent
// for others.
func (r *recentMarks) first(key string, next imap.UID, claim bool) imap.UID {
	if r == nil {
		return math.MaxUint32
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	first := r.next[key]
	if claim && next > first {
		if len(r.next) >= maxMarks {
			clear(r.next)
		}
		r.next[key] = next
	}
	return first
}

// count returns how many messages of a folder are recent, at most.
func (r *recentMarks) count(key string, f mail.Folder) uint32 {
	first := r.first(key, 0, false)
	return min(uint32(f.Unseen), uint32(max(0, int64(f.Next)-int64(first))))
}

func (s *imapSession) recentKey(f mail.Folder) string {
	return fmt.Sprintf("%s\x00%d\x00%s", s.user, f.Validity, f.Name)
}

// markRecent marks the messages from one on that are recent. A folder that is open for
// reading only leaves them to others.
func (v *selection) markRecent(from int) {
	if from >= len(v.messages) {
		return
	}
	first := v.recent.first(v.recentKey, v.messages[len(v.messages)-1].uid+1, !v.readOnly)
	for i := range v.messages[from:] {
		m := &v.messages[from+i]
		m.recent = m.uid >= first && !hasFlag(m.flags, mail.Seen)
	}
}

func (v *selection) countRecent() (n uint32) {
	for _, m := range v.messages {
		if m.recent {
			n++
		}
	}
	return n
}

// has reports whether a message has a flag, also \Recent.
func (m *message) has(f mail.Flag) bool {
	if strings.EqualFold(string(f), flagRecent) {
		return m.recent
	}
	return hasFlag(m.flags, f)
}

// withRecent adds \Recent to the begin of a FETCH response's items, "UID n FLAGS (".
func (m *message) withRecent(items []byte) []byte {
	begin := fmt.Sprintf("UID %d FLAGS (", m.uid)
	rest, ok := strings.CutPrefix(string(items), begin)
	if !ok || !m.recent {
		return items
	}
	if !strings.HasPrefix(rest, ")") {
		rest = " " + rest
	}
	return []byte(begin + flagRecent + rest)
}

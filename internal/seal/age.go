package seal

import (
	"io"

	"filippo.io/age"

	"github.com/mootspace/moot"
)

// MaxRecipients bounds the recipients of one seal: age opens none with more.
const MaxRecipients = 1024

// maxHeader bounds the list of recipients, in bytes: about 100 each.
const maxHeader = 4 << 20

// Encrypt returns a writer that seals what is written to it so that only the recipients
// can read it (age-encryption.org/v1; recipient type X25519 for mailboxes, and ssh-ed25519
// for devices, which is made for keys that also sign). Who sealed it is not proven. The
// writer must be closed. Kinds: Invalid for a recipient that nothing can be sealed to,
// TooLarge beyond MaxRecipients.
func Encrypt(dst io.Writer, to ...Recipient) (io.WriteCloser, error) {
	if len(to) > MaxRecipients {
		return nil, moot.Errorf(moot.TooLarge, "seal: %d recipients, want at most %d", len(to), MaxRecipients)
	}
	recipients := make([]age.Recipient, len(to))
	for i, r := range to {
		recipients[i] = wrapper(r)
	}
	w, err := age.Encrypt(dst, recipients...)
	if err != nil {
		return nil, moot.Wrap("seal", err)
	}
	return w, nil
}

// Decrypt returns what was sealed to one of the identities, which are tried in their
// order: the one that most is sealed to should come first. What the reader returns is
// authentic, to the chunk; a truncated seal ends in an error, not in io.EOF. Kinds: Denied
// if it is sealed to none of them, Corrupt if it is damaged.
func Decrypt(src io.Reader, ids ...Identity) (io.Reader, error) {
	all := &openers{attempts: maxAttempts}
	for _, id := range ids {
		o, err := id.opener()
		if err != nil {
			return nil, err
		}
		all.list = append(all.list, o)
	}
	header := &allowance{r: src, left: maxHeader}
	r, err := age.Decrypt(header, all)
	if err != nil {
		if _, other := err.(*age.NoIdentityMatchError); other {
			return nil, moot.Errorf(moot.Denied, "it is sealed to others")
		}
		return nil, moot.Errorf(moot.Corrupt, "open what is sealed: %w", err)
	}
	header.left = -1
	return opened{r}, nil
}

// allowance is a reader that fails once more than left bytes were read; a negative left
// is no limit.
type allowance struct {
	r    io.Reader
	left int
}

func (a *allowance) Read(p []byte) (int, error) {
	if a.left == 0 {
		return 0, moot.Errorf(moot.TooLarge, "its header names too many recipients")
	}
	if a.left > 0 && len(p) > a.left {
		p = p[:a.left]
	}
	n, err := a.r.Read(p)
	if a.left > 0 {
		a.left -= n
	}
	return n, err
}

// opened gives the errors of damaged data their kind; errors of the source that have a
// kind pass.
type opened struct{ r io.Reader }

func (o opened) Read(p []byte) (int, error) {
	n, err := o.r.Read(p)
	if err != nil && err != io.EOF && moot.KindOf(err) == moot.Internal {
		err = moot.Errorf(moot.Corrupt, "open what is sealed: %w", err)
	}
	return n, err
}

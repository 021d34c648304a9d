package seal

import (
	"crypto/ed25519"
	"io"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"

	"github.com/mootspace/moot"
)

// maxHeader bounds the list of recipients, in bytes: about 110 each.
const maxHeader = 4 << 20

// Encrypt returns a writer that seals what is written to it so that only the holders of
// the keys can read it (age-encryption.org/v1, recipient type ssh-ed25519, which is made
// for keys that also sign). Who sealed it is not proven. The writer must be closed.
func Encrypt(dst io.Writer, to ...moot.Key) (io.WriteCloser, error) {
	recipients := make([]age.Recipient, len(to))
	for i, k := range to {
		public, err := ssh.NewPublicKey(ed25519.PublicKey(k[:]))
		if err == nil {
			recipients[i], err = agessh.NewEd25519Recipient(public)
		}
		if err != nil {
			return nil, moot.Errorf(moot.Invalid, "nothing can be sealed to %s: %w", k.Short(), err)
		}
	}
	w, err := age.Encrypt(dst, recipients...)
	if err != nil {
		return nil, moot.Wrap("seal", err)
	}
	return w, nil
}

// Decrypt returns what was sealed to the key. What the reader returns is authentic, to
// the chunk; a truncated seal ends in an error, not in io.EOF. Kinds: Denied if it is
// not sealed to the key, Corrupt if it is damaged.
func Decrypt(src io.Reader, key ed25519.PrivateKey) (io.Reader, error) {
	identity, err := agessh.NewEd25519Identity(key)
	if err != nil {
		return nil, moot.Errorf(moot.Internal, "open what is sealed: %w", err)
	}
	header := &allowance{r: src, left: maxHeader}
	r, err := age.Decrypt(header, identity)
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

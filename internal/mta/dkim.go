package mta

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"io"
	"slices"
	"strings"

	"github.com/emersion/go-message/textproto"
	"github.com/emersion/go-msgauth/dkim"

	"github.com/mootspace/moot"
)

// Signature signs messages (DKIM, RFC 6376).
type Signature struct {
	Domain   string        // the signing domain: the mail domain
	Selector string        // of the domain's key
	Key      crypto.Signer // Ed25519 (RFC 8463) or RSA
}

// Record returns the name and the text of the TXT record that publishes the key. Kind
// Invalid for other types of keys.
func (s Signature) Record() (name, text string, err error) {
	name = s.Selector + "._domainkey." + s.Domain
	switch pub := s.Key.Public().(type) {
	case ed25519.PublicKey:
		return name, "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(pub), nil
	case *rsa.PublicKey:
		der, err := x509.MarshalPKIXPublicKey(pub)
		if err != nil {
			return "", "", moot.Errorf(moot.Invalid, "DKIM key: %w", err)
		}
		return name, "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der), nil
	}
	return "", "", moot.Errorf(moot.Invalid, "a %T cannot sign mail", s.Key)
}

// Zone returns the record as a line of a zone file (RFC 1035, 5.1), in strings of at
// most 255 bytes.
func (s Signature) Zone() (string, error) {
	name, text, err := s.Record()
	if err != nil {
		return "", err
	}
	var parts []string
	for len(text) > 255 {
		parts, text = append(parts, `"`+text[:255]+`"`), text[255:]
	}
	return name + ". IN TXT " + strings.Join(append(parts, `"`+text+`"`), " "), nil
}

// Fields to sign, if a message has them (RFC 6376, 5.4.1). Those of unique are listed once
// more than they occur, so that no second one can be added. Lists add or replace the
// others, and add fields that the message lacks: that breaks no signature.
func signedFields(h textproto.Header) (keys []string) {
	unique := []string{"From", "To", "Cc", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"}
	others := []string{"Reply-To", "Sender", "In-Reply-To", "References"}
	for _, field := range slices.Concat(unique, others) {
		n := len(h.Values(field))
		if n > 0 && slices.Contains(unique, field) {
			n++
		}
		keys = append(keys, slices.Repeat([]string{field}, n)...)
	}
	return keys
}

// copySigned copies a message to w, and returns its size and the signatures to prepend,
// of the body and of fields.
func copySigned(w io.Writer, message io.Reader, fields []string, all []Signature) (head string, size int64, err error) {
	to := []io.Writer{w}
	var signers []*dkim.Signer
	for _, s := range all {
		d, err := dkim.NewSigner(&dkim.SignOptions{
			Domain: s.Domain, Selector: s.Selector, Signer: s.Key, HeaderKeys: fields,
			HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
		})
		if err != nil {
			return "", 0, moot.Errorf(moot.Internal, "sign mail: %w", err)
		}
		defer d.Close() //nolint:revive // few: the signatures of one server; all end together
		signers, to = append(signers, d), append(to, d)
	}
	if size, err = io.Copy(io.MultiWriter(to...), message); err != nil {
		return "", 0, err
	}
	for _, d := range signers {
		if err := d.Close(); err != nil {
			return "", 0, moot.Errorf(moot.Internal, "sign mail: %w", err)
		}
		head += d.Signature()
	}
	return head, size, nil
}

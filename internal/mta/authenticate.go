package mta

import (
	"bytes"
	"context"
	"io"
	"strings"
	"time"

	"blitiri.com.ar/go/spf"
	"github.com/emersion/go-message/textproto"
	"github.com/emersion/go-msgauth/authres"
	"github.com/emersion/go-msgauth/dkim"
)

// authTimeout bounds the authentication of one message.
const authTimeout = 30 * time.Second

// authResults is the authentication of a message's sender.
type authResults struct {
	results []authres.Result
	reject  bool // the policy of the domain in From asks to refuse it
	junk    bool
}

// text returns the value of an Authentication-Results field (RFC 8601).
func (a authResults) text(authserv string) string { return authres.Format(authserv, a.results) }

// authenticate checks SPF (RFC 7208), DKIM (RFC 6376) and DMARC (RFC 7489). The results
// have domain names only, no text from DNS records.
func (s *session) authenticate(ctx context.Context, from string, h textproto.Header, body io.Reader) authResults {
	spfResult := s.checkSPF(ctx, from)
	auth := authResults{results: []authres.Result{spfResult}}
	signed := checkDKIM(h, body, s.dns.txt(ctx))
	for _, r := range signed {
		auth.results = append(auth.results, r)
	}
	d := s.checkDMARC(ctx, h, spfResult, signed)
	auth.results = append(auth.results, d.result())
	auth.reject = d.reject()
	auth.junk = d.junk()
	return auth
}

// checkSPF checks whether the client may send for the sender's domain; for bounces, the
// EHLO name (RFC 7208, 2.4).
func (s *session) checkSPF(ctx context.Context, from string) *authres.SPFResult {
	r := &authres.SPFResult{Value: authres.ResultNone}
	if from == "" {
		r.Helo = s.helo
	} else {
		r.From, _ = splitAddress(from)
	}
	domain := r.From + r.Helo
	if domain == "" || strings.HasPrefix(domain, "[") || !s.remote.IsValid() || s.trusted {
		return r
	}
	result, _ := spf.CheckHostWithSender(s.remote.AsSlice(), domain, from, spf.WithContext(ctx), spf.WithResolver(s.dns))
	r.Value = authres.ResultValue(result)
	return r
}

const (
	maxSignatures = 8
	maxSignature  = 4 << 10 // bytes of a field: verification costs time per header field that it lists
)

// checkDKIM returns a result for each signature.
func checkDKIM(h textproto.Header, body io.Reader, txt func(string) ([]string, error)) (results []*authres.DKIMResult) {
	h = h.Copy()
	for f := h.FieldsByKey("DKIM-Signature"); f.Next(); {
		if raw, err := f.Raw(); err != nil || len(raw) > maxSignature {
			f.Del()
		}
	}
	var head bytes.Buffer
	if err := textproto.WriteHeader(&head, h); err != nil {
		return nil
	}
	found, _ := dkim.VerifyWithOptions(io.MultiReader(&head, body), &dkim.VerifyOptions{LookupTXT: txt, MaxVerifications: maxSignatures})
	for _, v := range found {
		r := &authres.DKIMResult{Value: dkimValue(v.Err)}
		r.Domain, _ = domainName(v.Domain) // "" for a malformed name
		if r.Domain != "" || v.Err != nil {
			results = append(results, r)
		}
	}
	return results
}

func dkimValue(err error) authres.ResultValue {
	switch {
	case err == nil:
		return authres.ResultPass
	case dkim.IsTempFail(err):
		return authres.ResultTempError
	case dkim.IsPermFail(err):
		return authres.ResultPermError
	}
	return authres.ResultFail
}

var _ spf.DNSResolver = resolver{}

package mta

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/mail"
	"slices"

	"github.com/emersion/go-message/textproto"
	"github.com/emersion/go-msgauth/authres"
	"github.com/emersion/go-msgauth/dmarc"
	"golang.org/x/net/publicsuffix"
)

// alignment is the DMARC result of a message (RFC 7489, 6.6).
type alignment struct {
	value  authres.ResultValue
	from   string       // the domain in From; "" if there is not exactly one
	policy dmarc.Policy // of that domain; "" if it has none
}

func (a alignment) result() authres.Result {
	return &authres.DMARCResult{Value: a.value, From: a.from}
}

func (a alignment) reject() bool {
	return a.value == authres.ResultFail && a.policy == dmarc.PolicyReject
}

// junk reports whether the message is marked as junk. One without exactly one author
// domain is malformed (RFC 7489, 6.6.1).
func (a alignment) junk() bool {
	return a.from == "" || a.value == authres.ResultFail && a.policy != dmarc.PolicyNone
}

func (s *session) checkDMARC(ctx context.Context, h textproto.Header, spf *authres.SPFResult, signed []*authres.DKIMResult) alignment {
	from := fromDomain(h)
	if from == "" {
		return alignment{value: authres.ResultPermError}
	}
	rec, policy, err := s.policyOf(ctx, from)
	switch {
	case errors.Is(err, dmarc.ErrNoPolicy):
		return alignment{value: authres.ResultNone, from: from}
	case dmarc.IsTempFail(err):
		return alignment{value: authres.ResultTempError, from: from}
	case err != nil:
		return alignment{value: authres.ResultPermError, from: from}
	}
	value := evaluate(rec, from, spf, signed)
	if s.trusted && value == authres.ResultFail && !slices.ContainsFunc(signed, func(r *authres.DKIMResult) bool { return r.Value == authres.ResultFail }) {
		value = authres.ResultNone // SPF might have passed where the relay got it
	}
	return alignment{value, from, policy}
}

// evaluate returns whether SPF or DKIM authenticate the domain in From.
func evaluate(rec *dmarc.Record, from string, spf *authres.SPFResult, signed []*authres.DKIMResult) authres.ResultValue {
	var values []authres.ResultValue
	if aligned(spf.From+spf.Helo, from, rec.SPFAlignment) {
		values = append(values, spf.Value)
	}
	for _, r := range signed {
		if aligned(r.Domain, from, rec.DKIMAlignment) {
			values = append(values, r.Value)
		}
	}
	switch {
	case slices.Contains(values, authres.ResultPass):
		return authres.ResultPass
	case slices.Contains(values, authres.ResultTempError):
		return authres.ResultTempError // it might have passed
	}
	return authres.ResultFail
}

// policyOf returns the record of a domain, or of its organizational domain, and the
// policy for this domain.
func (s *session) policyOf(ctx context.Context, domain string) (*dmarc.Record, dmarc.Policy, error) {
	opts := &dmarc.LookupOptions{LookupTXT: s.dns.txt(ctx)}
	rec, err := dmarc.LookupWithOptions(domain, opts)
	if err == nil {
		return rec, rec.Policy, nil
	}
	org := organization(domain)
	if !errors.Is(err, dmarc.ErrNoPolicy) || org == domain {
		return nil, "", err
	}
	if rec, err = dmarc.LookupWithOptions(org, opts); err != nil {
		return nil, "", err
	}
	if rec.SubdomainPolicy != "" {
		return rec, rec.SubdomainPolicy, nil
	}
	return rec, rec.Policy, nil
}

// aligned reports whether an authenticated domain is aligned with the one in From.
func aligned(domain, from string, mode dmarc.AlignmentMode) bool {
	if mode == dmarc.AlignmentStrict {
		return domain == from
	}
	return organization(domain) == organization(from)
}

// organization returns the organizational domain (RFC 7489, 3.2).
func organization(domain string) string {
	org, err := publicsuffix.EffectiveTLDPlusOne(domain)
	if err != nil {
		return domain // a public suffix itself, or an address
	}
	return org
}

// fromDomain returns the one domain of the addresses in From; "" if there is none or
// several, or several From fields.
func fromDomain(h textproto.Header) (domain string) {
	fields := h.Values("From")
	if len(fields) != 1 {
		return ""
	}
	asIs := func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // names do not matter here
	parser := mail.AddressParser{WordDecoder: &mime.WordDecoder{CharsetReader: asIs}}
	authors, err := parser.ParseList(fields[0])
	if err != nil {
		return ""
	}
	for _, a := range authors {
		d, err := splitAddress(a.Address)
		if err != nil || domain != "" && d != domain {
			return ""
		}
		domain = d
	}
	return domain
}

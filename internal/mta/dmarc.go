package mta

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/emersion/go-message/textproto"
	"github.com/emersion/go-msgauth/authres"
	"github.com/emersion/go-msgauth/dmarc"
	"golang.org/x/net/publicsuffix"

	"github.com/mootspace/moot/internal/mime"
)

// alignment is the DMARC result of a message (RFC 7489, 6.6).
type alignment struct {
	value  authres.ResultValue
	from   string       // the domain in From; "" if there is none
	policy dmarc.Policy // of that domain; "" if it has none
}

func (a alignment) result() authres.Result {
	return &authres.DMARCResult{Value: a.value, From: a.from}
}

func (a alignment) reject() bool {
	return a.value == authres.ResultFail && a.policy == dmarc.PolicyReject
}

// junk reports whether the message is marked as junk: it fails a policy, or From could
// not be checked because it hides its domain or has too many.
func (a alignment) junk() bool {
	return a.value == authres.ResultPermError && a.from == "" || a.value == authres.ResultFail && a.policy != dmarc.PolicyNone
}

// severity orders results: of several author domains, the one that fails worst counts
// (RFC 7489, 6.6.1).
func (a alignment) severity() int {
	switch {
	case a.reject():
		return 4
	case a.junk():
		return 3
	case a.value == authres.ResultFail:
		return 2
	case a.value != authres.ResultPass:
		return 1
	}
	return 0
}

func (s *session) checkDMARC(ctx context.Context, h textproto.Header, spf *authres.SPFResult, signed []*authres.DKIMResult) alignment {
	domains, ok := fromDomains(h)
	switch {
	case !ok:
		return alignment{value: authres.ResultPermError}
	case len(domains) == 0: // a name without an address
		return alignment{value: authres.ResultNone}
	}
	var results []alignment
	for _, domain := range domains {
		results = append(results, s.checkDomain(ctx, domain, spf, signed))
	}
	return slices.MaxFunc(results, func(a, b alignment) int { return cmp.Compare(a.severity(), b.severity()) })
}

// checkDomain checks one of the domains in From.
func (s *session) checkDomain(ctx context.Context, from string, spf *authres.SPFResult, signed []*authres.DKIMResult) alignment {
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

// maxAuthors bounds the domains in From, each of which costs queries.
const maxAuthors = 4

// fromDomains returns the domains of the addresses in From; none if it has only names. It
// is false for several From fields or too many domains, and for an address that a reader
// may take for the author's and that has no domain to check.
func fromDomains(h textproto.Header) (domains []string, ok bool) {
	fields := h.Values("From")
	if len(fields) > 1 {
		return nil, false
	}
	for _, value := range fields {
		for _, a := range mime.Singles(mime.ParseAddresses(value)) {
			if a.Domain == "" && !strings.Contains(a.Name+a.Local, "@") {
				continue
			}
			d, err := domainName(a.Domain)
			if err != nil || len(domains) == maxAuthors {
				return nil, false
			}
			if !slices.Contains(domains, d) {
				domains = append(domains, d)
			}
		}
	}
	return domains, true
}

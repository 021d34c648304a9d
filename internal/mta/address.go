package mta

import (
	"crypto/tls"
	"net/mail"
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/mootspace/moot"
)

// Limits of RFC 5321, 4.5.3.1, in bytes.
const (
	maxLocal  = 64
	maxDomain = 255
	maxLabel  = 63 // between two dots (RFC 1035, 2.3.4)
)

// splitAddress returns the domain of an address, as domainName. The local part is not
// parsed, but must have no control characters. Kind Invalid.
func splitAddress(address string) (domain string, err error) {
	at := strings.LastIndexByte(address, '@')
	if at < 1 || at > maxLocal || !utf8.ValidString(address) || strings.ContainsFunc(address, unicode.IsControl) {
		return "", moot.Errorf(moot.Invalid, "%.400q is not a mail address", address)
	}
	return domainName(address[at+1:])
}

// domainName returns a name in the DNS's form: A-labels, lower case, no final dot. An
// address literal (RFC 5321, 4.1.3) is returned unchanged. Kind Invalid.
func domainName(name string) (string, error) {
	if inner, ok := strings.CutPrefix(name, "["); ok {
		inner = strings.TrimPrefix(strings.TrimSuffix(inner, "]"), "IPv6:")
		if _, err := netip.ParseAddr(inner); err == nil && strings.HasSuffix(name, "]") {
			return name, nil
		}
		return "", moot.Errorf(moot.Invalid, "%.400q is not an address literal", name)
	}
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(name, "."))
	bad := func(label string) bool { return label == "" || len(label) > maxLabel }
	if err != nil || len(ascii) > maxDomain || strings.Trim(ascii, nameBytes) != "" || slices.ContainsFunc(strings.Split(ascii, "."), bad) {
		return "", moot.Errorf(moot.Invalid, "%.400q is not a domain name", name)
	}
	return strings.ToLower(ascii), nil
}

const nameBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

func sameName(a, b string) bool {
	a, errA := domainName(a)
	b, errB := domainName(b)
	return errA == nil && errB == nil && a == b
}

// cleanHelo returns the client's EHLO name if it is a name or an address, else "".
func cleanHelo(helo string) string {
	name, err := domainName(helo)
	if err != nil {
		return ""
	}
	return name
}

// angle formats an address for a header field, its local part quoted if necessary.
func angle(address string) string {
	if address == "" {
		return "<>"
	}
	return (&mail.Address{Address: address}).String()
}

func tlsName(state tls.ConnectionState) string {
	return tls.VersionName(state.Version) + " " + tls.CipherSuiteName(state.CipherSuite)
}

package mta

import "github.com/mootspace/moot"

// LoadSignatures returns the DKIM signatures of outgoing mail; path says where their
// keys are kept, and missing ones are made. There are two, because not every receiver
// knows the shorter kind (RFC 8463).
func LoadSignatures(path func(name string) string, domain string) (list []Signature, err error) {
	for _, kind := range []struct {
		algorithm Algorithm
		selector  string
	}{{Ed25519, "moot-ed25519"}, {RSA, "moot-rsa"}} {
		key, err := LoadKey(path("dkim-"+string(kind.algorithm)+".pem"), kind.algorithm)
		if err != nil {
			return nil, err
		}
		list = append(list, Signature{Domain: domain, Selector: kind.selector, Key: key})
	}
	return list, nil
}

// Records returns the lines that the DNS of a mail domain should hold; host is the
// server's name in it.
func Records(domain, host string, signatures ...Signature) ([]string, error) {
	list := []string{
		domain + ". IN MX 10 " + host + ".",
		domain + `. IN TXT "v=spf1 mx -all"`,
		"_dmarc." + domain + `. IN TXT "v=DMARC1; p=quarantine"`,
	}
	for _, s := range signatures {
		line, err := s.Zone()
		if err != nil {
			return nil, moot.Wrap("the DKIM key", err)
		}
		list = append(list, line)
	}
	return list, nil
}

package mta_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mta"
)

// signatures makes keys as an operator would, and publishes them.
func signatures(t *testing.T, names *dns) (all []mta.Signature) {
	t.Helper()
	for _, a := range []mta.Algorithm{mta.Ed25519, mta.RSA} {
		key, err := mta.LoadKey(filepath.Join(t.TempDir(), "key.pem"), a)
		if err != nil {
			t.Fatal(err)
		}
		s := mta.Signature{Domain: "space.example", Selector: string(a), Key: key}
		name, text, err := s.Record()
		if err != nil {
			t.Fatal(err)
		}
		names.txt[name] = []string{text}
		all = append(all, s)
	}
	return all
}

// TestExchange sends a signed message from one space to another, which authenticates it.
func TestExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		names := &dns{txt: map[string][]string{"_dmarc.space.example": {"v=DMARC1; p=reject; adkim=s"}}}
		p := newOutbox(t, nil, signatures(t, names)...)
		server, b := newServer()
		server.Hostname, server.Domains, server.Resolver, server.Reject = "mx.else.example", []string{"else.example"}, names, true
		b.accept["eve@else.example"] = nil
		cert, _ := certificate(t, "mx.else.example")
		server.TLS = tlsConfig(cert)
		p.net.put(t, "198.51.100.1:25", func(r listener) error { return server.Serve(t.Context(), r) })
		body := "Hello\n.\n..\n\n trailing space \n\n\n"
		p.addText("From: ann@space.example\nTo: eve@else.example\nSubject:  folded\n\tsubject\nDate: Mon, 01 Jan 2024 00:00:00 +0000\n\n"+body, "ann@space.example", "eve@else.example")
		p.run(time.Minute)
		got := b.only(t)
		results := strings.Join(strings.Fields(got.text[:strings.Index(got.text, "Received:")]), " ")
		for _, want := range []string{"dkim=pass header.d=space.example; dkim=pass header.d=space.example;", "dmarc=pass header.from=space.example"} {
			if !strings.Contains(results, want) {
				t.Errorf("found %s", results)
			}
		}
		if !strings.HasSuffix(got.text, "\r\n\r\n"+crlf(body)) || !strings.Contains(got.text, "ESMTPS") || got.Junk {
			t.Errorf("got %s", got.text)
		}
		for _, added := range []string{"From: ceo@space.example\r\n", "Subject: pay\r\n", "To: bob@else.example\r\n"} { // added below the signature
			message := got.text[strings.Index(got.text, "DKIM-Signature"):]
			at := strings.Index(message, "From:")
			if _, values := authenticated(t, names, "ann@space.example", dotted(message[:at]+added+message[at:])); strings.Contains(values["dkim"], "pass") {
				t.Errorf("with another %q the signature is good", added)
			}
		}
	})
}

// dotted writes a message for the wire.
func dotted(s string) string { return strings.ReplaceAll(s, "\r\n.", "\r\n..") }

func TestLoadKey(t *testing.T) {
	for _, a := range []mta.Algorithm{mta.Ed25519, mta.RSA} {
		path := filepath.Join(t.TempDir(), "key.pem")
		made, err := mta.LoadKey(path, a)
		if err != nil {
			t.Fatal(err)
		}
		again, err := mta.LoadKey(path, a)
		if err != nil || !made.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(again.Public()) {
			t.Errorf("%s: another key after loading: %v", a, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: others may read the key: %v %v", a, info.Mode(), err)
		}
		switch made.(type) {
		case ed25519.PrivateKey, *rsa.PrivateKey:
		default:
			t.Errorf("%s: a %T", a, made)
		}
		zone, err := mta.Signature{Domain: "space.example", Selector: "sel", Key: made}.Zone()
		if err != nil || !strings.HasPrefix(zone, `sel._domainkey.space.example. IN TXT "v=DKIM1; k=`+string(a)+`; p=`) {
			t.Errorf("%s: zone %s %v", a, zone, err)
		}
		for _, part := range strings.Split(zone, `"`) {
			if len(part) > 255 {
				t.Errorf("%s: a string of %d bytes", a, len(part))
			}
		}
	}
	path := filepath.Join(t.TempDir(), "key.pem")
	if _, err := mta.LoadKey(path, "rot13"); moot.KindOf(err) != moot.Invalid {
		t.Error(err)
	}
	for _, text := range []string{"", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := mta.LoadKey(path, mta.RSA); moot.KindOf(err) != moot.Corrupt {
			t.Errorf("%q: %v", text, err)
		}
	}
}

package mta_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"net/mail"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/authres"
	"github.com/emersion/go-msgauth/dkim"
)

// sign signs a message as else.example would, and returns the record of its key.
func sign(t *testing.T, message, domain string, key crypto.Signer) (signed, record string) {
	t.Helper()
	var b bytes.Buffer
	err := dkim.Sign(&b, strings.NewReader(message), &dkim.SignOptions{
		Domain: domain, Selector: "sel", Signer: key, HeaderKeys: []string{"From", "Subject"},
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
	})
	if err != nil {
		t.Fatal(err)
	}
	switch pub := key.Public().(type) {
	case ed25519.PublicKey:
		record = "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(pub)
	case *rsa.PublicKey:
		record = "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PublicKey(pub))
	}
	return b.String(), record
}

func keys(t *testing.T) map[string]crypto.Signer {
	t.Helper()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]crypto.Signer{"ed25519": ed, "rsa": r}
}

// authenticated sends a message from 127.0.0.1 and returns its authentication results.
func authenticated(t *testing.T, names *dns, from, message string) (delivered, map[string]string) {
	t.Helper()
	s, b := newServer()
	s.Resolver = names
	w := dial(t, serve(t, s))
	w.send("", "220")
	w.send("EHLO mail.else.example\r\nMAIL FROM:<"+from+">\r\nRCPT TO:<ann@space.example>\r\nDATA\r\n", "250", "250", "250", "354")
	w.send(message+".\r\n", "250")
	got := b.only(t)
	m, err := mail.ReadMessage(strings.NewReader(got.text))
	if err != nil {
		t.Fatal(err)
	}
	id, results, err := authres.Parse(m.Header.Get("Authentication-Results"))
	if err != nil || id != "mx.space.example" {
		t.Fatalf("%q: %v", id, err)
	}
	values := map[string]string{}
	for _, r := range results {
		switch r := r.(type) {
		case *authres.SPFResult:
			values["spf"] = string(r.Value)
		case *authres.DKIMResult:
			values["dkim"] += string(r.Value)
		case *authres.DMARCResult:
			values["dmarc"] = string(r.Value)
		}
	}
	if junk := m.Header.Get("X-Spam-Flag") == "YES"; junk != got.Junk {
		t.Errorf("X-Spam-Flag differs from Junk: %v", got.Junk)
	}
	return got, values
}

func TestAuthenticate(t *testing.T) {
	const message = "From: Eve <eve@else.example>\r\nSubject: hi\r\n\r\nHello\r\n"
	const (
		here, there = "v=spf1 ip4:127.0.0.1 -all", "v=spf1 ip4:192.0.2.1 -all"
		reject      = "v=DMARC1; p=reject"
	)
	key := keys(t)["ed25519"]
	signed, record := sign(t, message, "else.example", key)
	other, _ := sign(t, message, "other.example", key)
	changed := strings.Replace(signed, "Hello", "Pay", 1)
	for name, c := range map[string]struct {
		spf, dmarc, from, message string
		want                      [3]string // spf, dkim, dmarc
		junk                      bool
	}{
		"all pass":           {here, reject, "eve@else.example", signed, [3]string{"pass", "pass", "pass"}, false},
		"only SPF":           {here, reject, "eve@else.example", message, [3]string{"pass", "", "pass"}, false},
		"only DKIM":          {there, reject, "eve@else.example", signed, [3]string{"fail", "pass", "pass"}, false},
		"neither":            {there, reject, "eve@else.example", message, [3]string{"fail", "", "fail"}, true},
		"changed":            {there, reject, "eve@else.example", changed, [3]string{"fail", "fail", "fail"}, true},
		"other sender":       {here, reject, "eve@other.example", message, [3]string{"pass", "", "fail"}, true},
		"other signer":       {there, reject, "eve@else.example", other, [3]string{"fail", "pass", "fail"}, true},
		"subdomain, relaxed": {here, reject, "eve@sub.else.example", message, [3]string{"pass", "", "pass"}, false},
		"subdomain, strict":  {here, reject + "; aspf=s", "eve@sub.else.example", message, [3]string{"pass", "", "fail"}, true},
		"quarantine":         {there, "v=DMARC1; p=quarantine", "eve@else.example", message, [3]string{"fail", "", "fail"}, true},
		"policy none":        {there, "v=DMARC1; p=none", "eve@else.example", message, [3]string{"fail", "", "fail"}, false},
		"no policy":          {there, "", "eve@else.example", message, [3]string{"fail", "", "none"}, false},
		"strange policy":     {there, "v=DMARC1; p=shout", "eve@else.example", message, [3]string{"fail", "", "permerror"}, false},
		"bounce":             {here, reject, "", message, [3]string{"pass", "", "pass"}, false},
		"no SPF":             {"", reject, "eve@else.example", signed, [3]string{"none", "pass", "pass"}, false},
		"two From fields":    {here, reject, "eve@else.example", "From: <ceo@space.example>\r\n" + message, [3]string{"pass", "", "permerror"}, true},
		"two authors":        {here, reject, "eve@else.example", "From: eve@else.example, ceo@space.example\r\n\r\nx\r\n", [3]string{"pass", "", "none"}, false},
		"the other fails":    {here, reject, "eve@other.example", "From: eve@other.example, ceo@else.example\r\n\r\nx\r\n", [3]string{"pass", "", "fail"}, true},
		"many authors":       {here, reject, "eve@else.example", "From: e@else.example, b@b.example, c@c.example, d@d.example, e@e.example\r\n\r\nx\r\n", [3]string{"pass", "", "permerror"}, true},
		"only a name":        {here, reject, "eve@else.example", "From: Eve Else\r\n\r\nx\r\n", [3]string{"pass", "", "none"}, false},
		"a hidden address":   {here, reject, "eve@else.example", "From: \"ceo@else.example\"\r\n\r\nx\r\n", [3]string{"pass", "", "permerror"}, true},
		"odd spelling":       {here, reject, "eve@else.example", "From: Eve [Else] <eve@else.example\r\n\r\nx\r\n", [3]string{"pass", "", "pass"}, false},
		"strange charset":    {here, reject, "eve@else.example", "From: =?klingon?q?Eve?= <eve@else.example>\r\n\r\nx\r\n", [3]string{"pass", "", "pass"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			names := &dns{txt: map[string][]string{"sel._domainkey.else.example": {record}, "sel._domainkey.other.example": {record}}}
			if c.spf != "" {
				for _, d := range []string{"else.example", "sub.else.example", "other.example", "mail.else.example"} {
					names.txt[d] = []string{"unrelated", c.spf}
				}
			}
			if c.dmarc != "" {
				names.txt["_dmarc.else.example"] = []string{c.dmarc}
			}
			got, values := authenticated(t, names, c.from, c.message)
			if found := [3]string{values["spf"], values["dkim"], values["dmarc"]}; found != c.want || got.Junk != c.junk {
				t.Errorf("found %v, junk %v; want %v, %v", found, got.Junk, c.want, c.junk)
			}
		})
	}
}

func TestAuthenticateKeys(t *testing.T) {
	for name, key := range keys(t) {
		signed, record := sign(t, sample, "else.example", key)
		signed = strings.Replace(signed, "\r\n..a", "\r\n...a", 1) // a dot more on the wire
		_, values := authenticated(t, &dns{txt: map[string][]string{"sel._domainkey.else.example": {record}}}, "eve@else.example", signed)
		if values["dkim"] != "pass" {
			t.Errorf("%s: %v", name, values)
		}
	}
}

// TestAuthenticateWithoutDNS: a DNS failure marks no mail as junk.
func TestAuthenticateWithoutDNS(t *testing.T) {
	signed, _ := sign(t, sample, "else.example", keys(t)["ed25519"])
	names := &dns{
		txt:  map[string][]string{"_dmarc.else.example": {"v=DMARC1; p=reject"}},
		fail: map[string]error{"sel._domainkey.else.example": timeout, "else.example": timeout},
	}
	got, values := authenticated(t, names, "eve@else.example", signed)
	if values["spf"] != "temperror" || values["dkim"] != "temperror" || values["dmarc"] != "temperror" || got.Junk {
		t.Errorf("%v, junk %v", values, got.Junk)
	}
	names.fail["_dmarc.else.example"] = timeout
	if got, values = authenticated(t, names, "eve@else.example", signed); values["dmarc"] != "temperror" || got.Junk {
		t.Errorf("%v, junk %v", values, got.Junk)
	}
}

func TestSubdomainPolicy(t *testing.T) {
	message := "From: eve@sub.else.example\r\n\r\nx\r\n"
	for record, junk := range map[string]bool{"v=DMARC1; p=reject": true, "v=DMARC1; p=reject; sp=none": false, "v=DMARC1; p=none; sp=reject": true} {
		got, values := authenticated(t, &dns{txt: map[string][]string{"_dmarc.else.example": {record}}}, "eve@else.example", message)
		if values["dmarc"] != "fail" || got.Junk != junk {
			t.Errorf("%s: %v, junk %v", record, values, got.Junk)
		}
	}
}

func TestReject(t *testing.T) {
	for policy, reply := range map[string]string{"reject": "550 5.7.1", "quarantine": "250", "none": "250"} {
		s, b := newServer()
		s.Reject = true
		s.Resolver = &dns{txt: map[string][]string{"_dmarc.else.example": {"v=DMARC1; p=" + policy}}}
		w := dial(t, serve(t, s)).begin()
		w.send("DATA\r\n", "354")
		w.send(sample+".\r\n", reply)
		if delivered := len(b.all()) == 1; delivered != (reply == "250") {
			t.Errorf("%s: delivered %v", policy, delivered)
		}
	}
}

// TestForgedFields: fields that only this server may add are removed, and no others.
func TestForgedFields(t *testing.T) {
	mine := []string{
		"Authentication-Results: mx.space.example; dmarc=pass header.from=bank.example",
		"AUTHENTICATION-RESULTS: MX.Space.Example 1; dmarc=pass",
		"Authentication-Results : mx.space.example; dmarc=pass",
		"Authentication-Results:\r\n mx.space.example;\r\n dmarc=pass",
		"Authentication-Results: (a (nested; ) comment \\) mx) mx.space.example (x) 1; dmarc=pass",
		"Authentication-Results: \"mx.space.example\"; dmarc=pass",
		"Authentication-Results: \"mx.\\space.example\"; dmarc=pass",
		"Authentication-Results: mx.space.example.; dmarc=pass",
		"Authentication-Results: mx.space.example",
		"Authentication-Results: ; dmarc=pass",
		"Authentication-Results: (never ends mx.space.example; dmarc=pass",
		"Return-Path: <forged@else.example>",
		"X-Spam-Flag: YES",
	}
	theirs := []string{
		"Authentication-Results: mx.else.example; dmarc=pass",
		"Authentication-Results: else.example; x=mx.space.example",
		"X-Authentication-Results: mx.space.example",
	}
	got, _ := authenticated(t, &dns{}, "eve@else.example", strings.Join(append(mine, theirs...), "\r\n")+"\r\n"+sample)
	_, rest, _ := strings.Cut(got.text, "Received: ")
	rest = rest[strings.Index(rest, "\r\n")+2:]
	for strings.HasPrefix(rest, " ") { // the folded Received
		rest = rest[strings.Index(rest, "\r\n")+2:]
	}
	if want := strings.Join(theirs, "\r\n") + "\r\n"; !strings.HasPrefix(rest, want+"From: Eve") {
		t.Errorf("the header is\n%s", got.text)
	}
	if got.Junk {
		t.Error("marked as junk by another server")
	}
}

// TestForgedValues: a client's values add nothing but a name to the trace fields.
func TestForgedValues(t *testing.T) {
	s, b := newServer()
	w := dial(t, serve(t, s))
	w.send("", "220")
	w.send("EHLO x;dmarc=pass\r\n", "250")
	w.send("MAIL FROM:<\"a\\\\\\\" ;dmarc=pass\"@else.example>\r\n", "250")
	w.send("MAIL FROM:<a@else.example;dmarc=pass>\r\n", "553 5.1.7")
	w.send("MAIL FROM:<a@"+strings.Repeat("a.", 200)+"example>\r\n", "553 5.1.7")
	w.send("RCPT TO:<ann@space.example>\r\nDATA\r\n", "250", "354")
	w.send("DKIM-Signature: v=1; a=rsa-sha256; d=x\"\\;dmarc=pass; s=y; h=from; bh=a; b=c\r\n"+sample+".\r\n", "250")
	got := b.only(t)
	m, err := mail.ReadMessage(strings.NewReader(got.text))
	if err != nil {
		t.Fatal(err)
	}
	if a := m.Header.Get("Authentication-Results"); strings.Contains(a, "pass") {
		t.Errorf("Authentication-Results %q", a)
	}
	if p := m.Header.Get("Return-Path"); p != `<"a\\\" ;dmarc=pass"@else.example>` {
		t.Errorf("Return-Path %q", p)
	}
	if r := m.Header.Get("Received"); !strings.HasPrefix(r, "from unknown (") {
		t.Errorf("Received %q", r)
	}
}

// TestManySignatures: the number of verified signatures is bounded.
func TestManySignatures(t *testing.T) {
	signature := "DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=y; h=from; bh=a; b=c\r\n"
	long := "DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=y; h=from" + strings.Repeat("\r\n :from", 1000) + "; bh=a; b=c\r\n"
	if _, values := authenticated(t, &dns{}, "eve@else.example", long+sample); values["dkim"] != "" {
		t.Errorf("dkim: %s", values["dkim"])
	}
	_, values := authenticated(t, &dns{}, "eve@else.example", long+strings.Repeat(signature, 100)+sample)
	if values["dkim"] != strings.Repeat("permerror", 8) {
		t.Errorf("dkim: %s", values["dkim"])
	}
}

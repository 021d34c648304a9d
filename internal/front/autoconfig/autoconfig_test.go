package autoconfig_test

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/front/autoconfig"
)

var settings = app.MailSettings{Domain: "example.org", Services: []app.MailService{
	{Protocol: app.IMAP, Host: "mx.example.org", Port: 993, Security: app.ImplicitTLS},
	{Protocol: app.IMAP, Host: "mx.example.org", Port: 143, Security: app.StartTLS},
	{Protocol: app.Submission, Host: "mx.example.org", Port: 587, Security: app.StartTLS},
}}

// ask sends a request, and returns what is answered.
func ask(t *testing.T, method, path, body string) (int, http.Header, string) {
	t.Helper()
	srv := httptest.NewServer(autoconfig.Handler(settings))
	defer srv.Close()
	req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(text)
}

const thunderbird = `<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="example.org">
    <domain>example.org</domain>
    <displayName>example.org</displayName>
    <displayShortName>example.org</displayShortName>
    <incomingServer type="imap">
      <hostname>mx.example.org</hostname>
      <port>993</port>
      <socketType>SSL</socketType>
      <authentication>password-cleartext</authentication>
      <username>%EMAILADDRESS%</username>
    </incomingServer>
    <incomingServer type="imap">
      <hostname>mx.example.org</hostname>
      <port>143</port>
      <socketType>STARTTLS</socketType>
      <authentication>password-cleartext</authentication>
      <username>%EMAILADDRESS%</username>
    </incomingServer>
    <outgoingServer type="smtp">
      <hostname>mx.example.org</hostname>
      <port>587</port>
      <socketType>STARTTLS</socketType>
      <authentication>password-cleartext</authentication>
      <username>%EMAILADDRESS%</username>
    </outgoingServer>
  </emailProvider>
</clientConfig>
`

func TestThunderbird(t *testing.T) {
	for _, path := range []string{
		"/mail/config-v1.1.xml?emailaddress=zoe%40example.org", "/mail/config-v1.1.xml?emailaddress=zoe%40EXAMPLE.org&emailmd5=0",
		"/.well-known/autoconfig/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=nobody%40example.org",
	} {
		status, header, text := ask(t, "GET", path, "")
		if status != 200 || text != thunderbird || !strings.HasPrefix(header.Get("Content-Type"), "text/xml") {
			t.Errorf("%s: %d %v\n%s", path, status, header, text)
		}
	}
}

func request(address string) string {
	return `<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">` +
		`<Request><EMailAddress>` + address + `</EMailAddress><AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>`
}

func TestOutlook(t *testing.T) {
	for _, path := range []string{"/autodiscover/autodiscover.xml", "/Autodiscover/Autodiscover.xml"} {
		status, _, text := ask(t, "POST", path, request("zoe@example.org"))
		var answer struct {
			Response struct {
				Account struct {
					Action   string
					Protocol []struct {
						Type, Server, LoginName, SSL, Encryption string
						Port                                     int
					}
				}
			}
		}
		if err := xml.Unmarshal([]byte(text), &answer); err != nil || status != 200 {
			t.Fatalf("%s: %d, %v\n%s", path, status, err, text)
		}
		acct := answer.Response.Account
		if p := acct.Protocol; acct.Action != "settings" || len(p) != 2 || p[0].Type != "IMAP" || p[0].Port != 993 || p[0].Encryption != "SSL" || p[0].LoginName != "zoe@example.org" ||
			p[1].Type != "SMTP" || p[1].Port != 587 || p[1].Encryption != "TLS" || p[1].Server != "mx.example.org" {
			t.Errorf("%s: %+v", path, acct)
		}
	}
}

func TestApple(t *testing.T) {
	status, header, text := ask(t, "GET", "/apple.mobileconfig?email=zoe%40example.org", "")
	if status != 200 || !strings.Contains(header.Get("Content-Type"), "x-apple-aspen-config") || xml.Unmarshal([]byte(text), new(any)) != nil {
		t.Fatalf("%d %v\n%s", status, header, text)
	}
	flat := regexp.MustCompile(`>\s+<`).ReplaceAllString(text, "><")
	for _, want := range []string{
		"<key>IncomingMailServerHostName</key><string>mx.example.org</string>", "<key>IncomingMailServerPortNumber</key><integer>993</integer>", "<key>IncomingMailServerUseSSL</key><true></true>",
		"<key>EmailAddress</key><string>zoe@example.org</string>", "<key>PayloadContent</key><array><dict><key>EmailAccountDescription</key>", "<key>PayloadIdentifier</key><string>org.example.mail</string>",
	} {
		if !strings.Contains(flat, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if _, _, again := ask(t, "GET", "/apple.mobileconfig?email=zoe%40example.org", ""); again != text {
		t.Error("a profile that is installed again would be another one")
	}
}

// TestStrangers has people ask for what there is not, and send what should not be sent.
func TestStrangers(t *testing.T) {
	const outlook = "/autodiscover/autodiscover.xml"
	bomb := `<!DOCTYPE a [<!ENTITY b "zoe@example.org"><!ENTITY c SYSTEM "file:///etc/passwd">]>`
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/", ""}, {"GET", "/api/session", ""}, {"POST", "/mail/config-v1.1.xml", ""},
		{"GET", "/mail/config-v1.1.xml?emailaddress=zoe%40elsewhere.org", ""},
		{"GET", "/apple.mobileconfig", ""}, {"GET", "/apple.mobileconfig?email=" + strings.Repeat("a", 300) + "%40example.org", ""},
		{"POST", outlook, ""}, {"POST", outlook, request("zoe@elsewhere.org")}, {"POST", outlook, request("<x>zoe@example.org</x>")},
		{"POST", outlook, bomb + request("&b;")}, {"POST", outlook, bomb + request("&c;@example.org")},
		{"POST", outlook, strings.Repeat("<a>", 1000) + request("zoe@example.org")},
		{"POST", outlook, "<a>" + strings.Repeat(" ", 64<<10) + request("zoe@example.org")},
	} {
		status, _, text := ask(t, c.method, c.path, c.body)
		if status < 400 || status >= 500 || strings.Contains(text, "mx.example.org") {
			t.Errorf("%s %s %.60q: %d %s", c.method, c.path, c.body, status, text)
		}
	}
	for _, address := range []string{"/apple.mobileconfig?email=%22%3E%3Cscript%3E%40example.org"} {
		if _, _, text := ask(t, "GET", address, ""); strings.Contains(text, "<script>") {
			t.Errorf("%s: %s", address, text)
		}
	}
}

// FuzzAutodiscover has anything be sent.
func FuzzAutodiscover(f *testing.F) {
	f.Add(request("zoe@example.org"))
	f.Add(request("&amp;@example.org"))
	f.Add("<a><EMailAddress>")
	h := autoconfig.Handler(settings)
	f.Fuzz(func(t *testing.T, body string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", "/autodiscover/autodiscover.xml", strings.NewReader(body)))
		if w.Code == 200 && xml.Unmarshal(w.Body.Bytes(), new(struct{ Response struct{} })) != nil {
			t.Errorf("answered %s", w.Body)
		}
	})
}

package autoconfig

import (
	"encoding/xml"
	"io"
	"net/http"

	"github.com/mootspace/moot/internal/app"
)

// Names of autodiscover for Outlook (MS-OXDSCLI).
const (
	autodiscoverPath = "/autodiscover/autodiscover.xml"
	responseSpace    = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
	settingsSpace    = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
)

// Limits of a request, which strangers write.
const (
	maxRequest  = 16 << 10 // bytes
	maxElements = 32
)

type autodiscovery struct {
	XMLName  xml.Name `xml:"Autodiscover"`
	Space    string   `xml:"xmlns,attr"`
	Response struct {
		Space   string `xml:"xmlns,attr"`
		Name    string `xml:"User>DisplayName"`
		Account struct {
			Type      string `xml:"AccountType"`
			Action    string
			Protocols []outlookServer `xml:"Protocol"`
		}
	}
}

type outlookServer struct {
	Type           string
	Server         string
	Port           int
	DomainRequired string
	LoginName      string
	SPA            string
	SSL            string
	Encryption     string
	AuthRequired   string
}

// autodiscover answers with one service of each protocol: Outlook takes the first.
func (h handler) autodiscover(w http.ResponseWriter, r *http.Request) {
	address := r.URL.Query().Get("Email")
	if r.Method == http.MethodPost {
		address = requested(http.MaxBytesReader(w, r.Body, maxRequest))
	}
	address, ok := h.ours(address)
	if !ok {
		http.NotFound(w, r)
		return
	}
	var a autodiscovery
	a.Space, a.Response.Space = responseSpace, settingsSpace
	a.Response.Name = address
	acct := &a.Response.Account
	acct.Type, acct.Action = "email", "settings"
	for _, p := range []struct {
		app.MailProtocol
		name string
	}{{app.IMAP, "IMAP"}, {app.Submission, "SMTP"}} {
		for _, s := range h.Of(p.MailProtocol)[:min(1, len(h.Of(p.MailProtocol)))] {
			encryption := "SSL"
			if s.Security == app.StartTLS {
				encryption = "TLS"
			}
			acct.Protocols = append(acct.Protocols, outlookServer{
				Type: p.name, Server: s.Host, Port: s.Port, DomainRequired: "off", LoginName: address, SPA: "off", SSL: "on", Encryption: encryption, AuthRequired: "on",
			})
		}
	}
	reply(w, "text/xml; charset=utf-8", "", a)
}

// requested returns the address that a request names; "" if it is none.
func requested(r io.Reader) string {
	d := xml.NewDecoder(r)
	for range maxElements {
		t, err := d.Token()
		if err != nil {
			return ""
		}
		if e, ok := t.(xml.StartElement); ok && e.Name.Local == "EMailAddress" {
			var text string
			if d.DecodeElement(&text, &e) != nil {
				return ""
			}
			return text
		}
	}
	return ""
}

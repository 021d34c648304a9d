package autoconfig

import (
	"encoding/xml"
	"net/http"

	"github.com/mootspace/moot/internal/app"
)

// clientConfig is the document that Thunderbird and Evolution read
// (draft-ietf-mailmaint-autoconfig).
type clientConfig struct {
	XMLName  xml.Name `xml:"clientConfig"`
	Version  string   `xml:"version,attr"`
	Provider struct {
		ID        string       `xml:"id,attr"`
		Domain    string       `xml:"domain"`
		Name      string       `xml:"displayName"`
		ShortName string       `xml:"displayShortName"`
		Incoming  []mailServer `xml:"incomingServer"`
		Outgoing  []mailServer `xml:"outgoingServer"`
	} `xml:"emailProvider"`
}

type mailServer struct {
	Type           string `xml:"type,attr"`
	Host           string `xml:"hostname"`
	Port           int    `xml:"port"`
	SocketType     string `xml:"socketType"`
	Authentication string `xml:"authentication"`
	Username       string `xml:"username"` // programs put the address in
}

// autoconfig answers for the whole domain: only some programs say for which address they
// ask.
func (h handler) autoconfig(w http.ResponseWriter, r *http.Request) {
	if address := r.URL.Query().Get("emailaddress"); address != "" {
		if _, ok := h.ours(address); !ok {
			http.NotFound(w, r)
			return
		}
	}
	c := clientConfig{Version: "1.1"}
	p := &c.Provider
	p.ID, p.Domain, p.Name, p.ShortName = h.Domain, h.Domain, h.Domain, h.Domain
	for _, s := range h.Services {
		one := mailServer{Type: "imap", Host: s.Host, Port: s.Port, SocketType: "SSL", Authentication: "password-cleartext", Username: "%EMAILADDRESS%"}
		if s.Security == app.StartTLS {
			one.SocketType = "STARTTLS"
		}
		if s.Protocol == app.Submission {
			one.Type = "smtp"
			p.Outgoing = append(p.Outgoing, one)
			continue
		}
		p.Incoming = append(p.Incoming, one)
	}
	reply(w, "text/xml; charset=utf-8", "", c)
}

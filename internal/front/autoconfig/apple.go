package autoconfig

import (
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/mootspace/moot/internal/app"
)

// doctype is the document type of property lists.
const doctype = `<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">` + "\n"

// plist is a property list with a dictionary.
type plist struct {
	XMLName xml.Name `xml:"plist"`
	Version string   `xml:"version,attr"`
	Root    dict     `xml:"dict"`
}

// dict is a dictionary, written in its order.
type dict []pair

type pair struct {
	key   string
	value any // a string, an int, a bool or an array of one dict
}

// MarshalXML implements xml.Marshaler.
func (d dict) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	for _, p := range d {
		if err := e.EncodeElement(p.key, element("key")); err != nil {
			return err
		}
		if err := p.encode(e); err != nil {
			return err
		}
	}
	return e.EncodeToken(start.End())
}

func (p pair) encode(e *xml.Encoder) error {
	switch v := p.value.(type) {
	case bool:
		return e.EncodeElement("", element(strconv.FormatBool(v)))
	case int:
		return e.EncodeElement(v, element("integer"))
	case dict:
		return e.EncodeElement(struct {
			One dict `xml:"dict"`
		}{v}, element("array"))
	}
	return e.EncodeElement(p.value, element("string"))
}

func element(name string) xml.StartElement { return xml.StartElement{Name: xml.Name{Local: name}} }

// profile answers with a configuration profile for one address, which iOS and macOS
// install; they ask for the password.
func (h handler) profile(w http.ResponseWriter, r *http.Request) {
	address, ok := h.ours(r.URL.Query().Get("email"))
	incoming, outgoing := h.Of(app.IMAP), h.Of(app.Submission)
	if !ok || len(incoming) == 0 || len(outgoing) == 0 {
		http.NotFound(w, r)
		return
	}
	in, out := incoming[0], outgoing[0]
	account := dict{
		{"EmailAccountDescription", address},
		{"EmailAccountType", "EmailTypeIMAP"},
		{"EmailAddress", address},
		{"IncomingMailServerAuthentication", "EmailAuthPassword"},
		{"IncomingMailServerHostName", in.Host},
		{"IncomingMailServerPortNumber", in.Port},
		{"IncomingMailServerUseSSL", true},
		{"IncomingMailServerUsername", address},
		{"OutgoingMailServerAuthentication", "EmailAuthPassword"},
		{"OutgoingMailServerHostName", out.Host},
		{"OutgoingMailServerPortNumber", out.Port},
		{"OutgoingMailServerUseSSL", true},
		{"OutgoingMailServerUsername", address},
		{"OutgoingPasswordSameAsIncomingPassword", true},
		{"PayloadDisplayName", address},
		{"PayloadIdentifier", h.identifier() + ".account"},
		{"PayloadType", "com.apple.mail.managed"},
		{"PayloadUUID", uuid("account", address)},
		{"PayloadVersion", 1},
	}
	w.Header().Set("Content-Disposition", `attachment; filename="mail.mobileconfig"`)
	reply(w, "application/x-apple-aspen-config; charset=utf-8", doctype, plist{Version: "1.0", Root: dict{
		{"PayloadContent", account},
		{"PayloadDescription", "Mail of " + address},
		{"PayloadDisplayName", address},
		{"PayloadIdentifier", h.identifier()},
		{"PayloadType", "Configuration"},
		{"PayloadUUID", uuid("profile", address)},
		{"PayloadVersion", 1},
	}})
}

// identifier is the domain from its end, as Apple names things.
func (h handler) identifier() string {
	labels := strings.Split(h.Domain, ".")
	for i, j := 0, len(labels)-1; i < j; i, j = i+1, j-1 {
		labels[i], labels[j] = labels[j], labels[i]
	}
	return strings.Join(labels, ".") + ".mail"
}

// uuid is the same for the same profile, so that installing it again replaces it: version
// 8 (RFC 9562, 5.8), of a hash.
func uuid(kind, address string) string {
	b := sha256.Sum256([]byte("moot " + kind + " " + strings.ToLower(address)))
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("%X-%X-%X-%X-%X", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// Package autoconfig answers mail programs that set themselves up from an address alone:
// Thunderbird and Evolution (autoconfig), Outlook (autodiscover) and Apple Mail (a
// configuration profile). It says nothing but the public facts of a mail domain, the same
// for every address in it, so that nobody learns from it who has a mailbox.
//
// It must not know a node, members or accounts.
package autoconfig

import (
	"encoding/xml"
	"net/http"
	"strings"

	"github.com/mootspace/moot/internal/app"
)

// Handler answers requests for the settings of a domain.
func Handler(s app.MailSettings) http.Handler {
	h := handler{s}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /mail/config-v1.1.xml", h.autoconfig)
	mux.HandleFunc("GET /.well-known/autoconfig/mail/config-v1.1.xml", h.autoconfig)
	mux.HandleFunc("GET "+autodiscoverPath, h.autodiscover)
	mux.HandleFunc("POST "+autodiscoverPath, h.autodiscover)
	mux.HandleFunc("GET /apple.mobileconfig", h.profile)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.EqualFold(r.URL.Path, autodiscoverPath) { // programs do not agree on capitals
			r.URL.Path = autodiscoverPath
		}
		mux.ServeHTTP(w, r)
	})
}

type handler struct{ app.MailSettings }

// maxAddress is the size in bytes of the longest address (RFC 5321, 4.5.3.1.3).
const maxAddress = 254

// ours reports whether an address is one of the domain, and returns it without spaces
// around it.
func (h handler) ours(address string) (string, bool) {
	address = strings.TrimSpace(address)
	at := strings.LastIndexByte(address, '@')
	return address, at > 0 && len(address) <= maxAddress && strings.EqualFold(address[at+1:], h.Domain)
}

// reply answers with XML; before comes ahead of the document's root.
func reply(w http.ResponseWriter, mediaType, before string, v any) {
	text, err := xml.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, "the settings cannot be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write([]byte(xml.Header + before + string(text) + "\n")) // an error means that the caller has left
}

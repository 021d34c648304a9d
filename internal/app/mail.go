package app

// MailSettings are what a mail program needs to know to reach mailboxes at a node.
type MailSettings struct {
	Domain   string        `json:"domain"`   // of addresses
	Services []MailService `json:"services"` // those of a kind in the order of preference
	// Certificate is the SHA-256 fingerprint, in hexadecimal, of the home's own certificate;
	// empty for one of a public authority.
	Certificate string `json:"certificate,omitempty"`
	// Autoconfig is the port of HTTPS at which programs ask for these settings; 0 for none.
	Autoconfig int `json:"autoconfig,omitempty"`
}

// MailService is one way to reach mailboxes.
type MailService struct {
	Protocol MailProtocol `json:"protocol"`
	Host     string       `json:"host"`
	Port     int          `json:"port"`
	Security MailSecurity `json:"security"`
}

// MailProtocol is what a mail program speaks.
type MailProtocol string

const (
	IMAP       MailProtocol = "imap"       // RFC 9051
	Submission MailProtocol = "submission" // RFC 6409
)

// MailSecurity is how a connection is encrypted.
type MailSecurity string

const (
	ImplicitTLS MailSecurity = "tls"      // from the beginning (RFC 8314)
	StartTLS    MailSecurity = "starttls" // by a command
)

// Of returns the services of a protocol.
func (s MailSettings) Of(p MailProtocol) (list []MailService) {
	for _, one := range s.Services {
		if one.Protocol == p {
			list = append(list, one)
		}
	}
	return list
}

// Package mta is a mail transfer agent: how a space's server that has a mail domain
// exchanges mail with the outside world over SMTP (RFC 5321). A [Server] takes mail in
// for local mailboxes and says how far its sender is to be believed (SPF, DKIM, DMARC).
// A [Queue] keeps mail on its way out, and a [Sender] takes it to where it goes, or
// tells its author why not.
//
// It must not know members, sealing, stores or an architecture: [Mailboxes] takes what
// comes in, and whoever adds to the queue decides what goes out.
//
// Not here: MTA-STS (RFC 8461) and DANE (RFC 7672), so that TLS between servers keeps
// out who listens and not who interferes; ARC (RFC 8617); and DMARC's reports.
package mta

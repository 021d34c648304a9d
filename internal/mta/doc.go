// Package mta is a mail transfer agent: it exchanges a space's mail with other domains
// over SMTP (RFC 5321). A [Server] receives mail for local mailboxes and authenticates
// its sender (SPF, DKIM, DMARC). A [Queue] stores outbound messages durably, and a
// [Sender] delivers them to the servers of their domains, or bounces them to their
// author.
//
// It must not know members, sealing, stores or an architecture: [Mailboxes] takes
// inbound mail, and the caller of [Queue.Add] decides what goes out.
//
// Not here: MTA-STS (RFC 8461) and DANE (RFC 7672), so that TLS between servers protects
// against eavesdropping only; ARC (RFC 8617); and DMARC reports.
package mta

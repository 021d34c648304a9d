package cli

import (
	"net/netip"
	"os"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
)

// mailFlags are where mail programs are answered. --mail stands for the addresses given.
func (a *commandLine) mailFlags(c *cobra.Command, o *app.MailOptions, imap, submission, imaps, submissions string) {
	var all bool
	f := c.Flags()
	f.BoolVar(&all, "mail", false, "answer mail programs, on the usual ports:"+usual(imap, submission, imaps, submissions))
	f.StringVar(&o.IMAP, "imap", "", "answer mail programs that read (IMAP, STARTTLS) on `ADDR`")
	f.StringVar(&o.Submission, "submission", "", "answer mail programs that send (SMTP, STARTTLS) on `ADDR`")
	f.StringVar(&o.IMAPS, "imaps", "", "answer them on `ADDR` with TLS from the beginning")
	f.StringVar(&o.Submissions, "submissions", "", "answer those on `ADDR` with TLS from the beginning")
	c.PreRunE = after(c.PreRunE, func() error {
		if !all {
			return nil
		}
		for at, addr := range map[*string]string{&o.IMAP: imap, &o.Submission: submission, &o.IMAPS: imaps, &o.Submissions: submissions} {
			if *at == "" {
				*at = addr
			}
		}
		return nil
	})
}

func usual(addrs ...string) (text string) {
	for _, a := range addrs {
		if a != "" {
			text += " " + a
		}
	}
	return text
}

// outsideFlags are how a server exchanges mail with the outside.
func (a *commandLine) outsideFlags(c *cobra.Command, o *app.MailOptions) {
	var quota string
	f := c.Flags()
	f.StringVar(&o.Domain, "mail-domain", "", "exchange mail for `DOMAIN` with the outside; 'moot account dns' prints what its DNS should hold")
	f.StringVar(&o.Host, "mail-host", "", "this server's `NAME` in the DNS (default: the mail domain)")
	f.StringVar(&o.SMTP, "smtp", "", "answer other mail servers on `ADDR` (usually :25)")
	f.StringVar(&o.Smarthost, "smarthost", "", "send everything through the mail server at `HOST:PORT`")
	f.StringVar(&o.SmarthostUser, "smarthost-user", "", "log in there as `NAME`, with the password in MOOT_SMARTHOST_PASSWORD")
	o.SmarthostPassword = os.Getenv("MOOT_SMARTHOST_PASSWORD")
	f.StringVar(&o.Autoconfig, "autoconfig", "", "answer mail programs that set themselves up from an address (HTTPS) on `ADDR` (usually :443); anybody may ask")
	f.StringVar(&o.AutoconfigHTTP, "autoconfig-http", "", "answer them without TLS on `ADDR`, as behind a proxy that has it")
	f.StringVar(&quota, "mail-quota", "5G", "`BYTES` that one mailbox may hold on this server; 0 for no limit")
	f.BoolVar(&o.Private, "mail-private", false, "send also to mail servers whose addresses are not public")
	f.IntVar(&o.OutPort, "mail-port", 25, "`PORT` of other mail servers")
	limits := a.limitFlags(c, &o.Limits)
	c.PreRunE = after(c.PreRunE, func() (err error) {
		if o.Domain == "" && (o.Host != "" || o.SMTP != "" || o.Smarthost != "" || o.Autoconfig != "" || o.AutoconfigHTTP != "") {
			return moot.Errorf(moot.Invalid, "--mail-host, --smtp, --smarthost and --autoconfig want a --mail-domain")
		}
		if o.Domain != "" && o.Host == "" {
			o.Host = o.Domain
		}
		if o.Quota, err = parseSize(quota); err != nil {
			return err
		}
		return limits()
	})
}

// limitFlags are the limits of what other mail servers may send. The function returned
// reads those that are more than numbers.
func (a *commandLine) limitFlags(c *cobra.Command, o *app.MailLimits) func() error {
	var trusted []string
	var message string
	f := c.Flags()
	f.StringSliceVar(&trusted, "smtp-trusted", nil, "relays that pass on the mail of others: `ADDRESSES` or networks (192.0.2.0/24), for whom the next two limits and SPF do not hold")
	f.IntVar(&o.PerMinute, "smtp-per-minute", 300, "`MESSAGES` that one address may send in a minute")
	f.IntVar(&o.PerAddress, "smtp-per-address", 20, "`CONNECTIONS` that one address may have open")
	f.IntVar(&o.Connections, "smtp-connections", 200, "`CONNECTIONS` that all together may have open")
	f.IntVar(&o.Recipients, "smtp-recipients", 100, "`ADDRESSES` that one message may name")
	f.StringVar(&message, "smtp-size", "64M", "`BYTES` of the largest message exchanged with the outside")
	f.IntVar(&o.Queue, "smtp-queue", 10_000, "`MESSAGES` that may wait to be sent")
	return func() (err error) {
		for _, n := range []int{o.PerMinute, o.PerAddress, o.Connections, o.Recipients, o.Queue} {
			if n < 1 {
				return moot.Errorf(moot.Invalid, "a limit of mail is at least 1, not %d", n)
			}
		}
		if o.Message, err = parseSize(message); err == nil && o.Message < minMailSize {
			err = moot.Errorf(moot.Invalid, "--smtp-size is at least 64K (RFC 5321, 4.5.3.1.7)")
		}
		for _, text := range trusted {
			network, err := parseNetwork(text)
			if err != nil {
				return err
			}
			o.Trusted = append(o.Trusted, network)
		}
		return err
	}
}

const minMailSize = 64 << 10 // bytes

// parseNetwork reads an IP address or a network (RFC 4632).
func parseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return addr.Unmap().Prefix(addr.Unmap().BitLen())
	}
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return network, moot.Errorf(moot.Invalid, "--smtp-trusted wants addresses or networks, not %.80q", text)
	}
	return network.Masked(), nil
}

// after is a check that comes after another.
func after(first func(*cobra.Command, []string) error, then func() error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		if first != nil {
			if err := first(c, args); err != nil {
				return err
			}
		}
		return then()
	}
}

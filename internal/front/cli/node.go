package cli

import (
	"github.com/spf13/cobra"

	"github.com/mootspace/moot/internal/app"
)

func (a *commandLine) initCommand() *cobra.Command {
	var o app.InitOptions
	c := &cobra.Command{
		Use:   "init [--name SPACE]",
		Short: "Make a new space, owned by you, and print its ID and your recovery code",
		Long: `Make a new space, whose first owner is this home's member, and print the space's ID and
your recovery code: a device on paper, with which you remove one that was lost or stolen.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			home, err := a.program.Init(c.Context(), a.home, o)
			if err != nil {
				return err
			}
			if a.json {
				a.print(home)
				return nil
			}
			a.say("%s", home.Space)
			a.say("space %q, owned by %q in %s", name(home.Name), name(home.As), home.Home)
			if home.Recovery != "" {
				a.say("recovery code: %s", home.Recovery)
				a.explainRecovery()
			}
			a.say("next: 'moot up' runs a peer, 'moot serve' the space's server, 'moot invite' brings others in")
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&o.Space, "name", "moot", "`NAME` of the space")
	f.StringVar(&o.As, "as", "", "`NAME` that you are called by in it (default: your login name)")
	f.StringVar(&o.Label, "device", "", "what this device is called, as `LABEL` (default: this host's name)")
	return c
}

// alone is the help of a flag.
const alone = "after a restore from a backup: do not wait to hear from others what this home has written since, because nobody has it"

func (a *commandLine) upCommand() *cobra.Command {
	var o app.RunOptions
	c := &cobra.Command{
		Use:   "up [--listen ADDR]…",
		Short: "Run this node as a peer, in the foreground",
		Long: `Run this node as a peer, in the foreground, until it is interrupted. It prints
"ready" and its addresses once it answers others. If the space has a server, the
node keeps in step with it, too (hybrid).`,
		Example: "  moot up\n  moot up --listen 192.168.1.5:7444",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.run(c, o) },
	}
	c.Flags().StringVar(&o.Web, "web", "", "answer people's programs (the HTTP interface below /api, with tokens) on `ADDR`, as 127.0.0.1:7480; plain HTTP on loopback, else TLS")
	a.mailFlags(c, &o.Mail, "127.0.0.1:1143", "127.0.0.1:1587", "", "")
	c.Flags().BoolVar(&o.Alone, "alone", false, alone)
	c.Flags().StringArrayVar(&o.Listen, "listen", nil, "listen on `ADDR`, as 192.168.1.5:7444, or a multiaddr (default: all interfaces, port 7444 or a free one)")
	return c
}

func (a *commandLine) serveCommand() *cobra.Command {
	o := app.RunOptions{Serve: true}
	c := &cobra.Command{
		Use:   "serve [--listen ADDR]",
		Short: "Run this node as the space's server (and as a peer, unless --no-peer)",
		Long: `Run this node as the space's server, in the foreground, until it is interrupted.
Members find it by the key in their invitation, so no certificate is needed; a
certificate of a public authority also works.`,
		Example: "  moot serve\n  moot serve --listen 0.0.0.0:443 --announce https://moot.example.org",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o.Serve = !o.Worker
			return a.run(c, o)
		},
	}
	f := c.Flags()
	f.StringArrayVar(&o.Listen, "listen", nil, "listen on `ADDR` for HTTPS (default: all interfaces, port 7443 or a free one)")
	f.BoolVar(&o.Worker, "worker", false, "do not be the server but run tasks beside it (this home's role must be server)")
	f.BoolVar(&o.NoPeer, "no-peer", false, "be a server only: no peer-to-peer links")
	f.BoolVar(&o.Alone, "alone", false, alone)
	f.StringVar(&o.Database, "database", "", "`PATH` of the central database (default: in the home)")
	f.StringVar(&o.Blobs, "blobs", "", "`DIR` for the blobs (default: in the home)")
	f.StringVar(&o.CertFile, "cert", "", "certificate chain of a public authority, PEM `FILE`")
	f.StringVar(&o.KeyFile, "cert-key", "", "private key of the certificate, PEM `FILE`")
	f.StringVar(&o.Web, "web", "", "answer people's programs (the HTTP interface below /api, with tokens) on `ADDR`, as :8443; with the server's certificate, plain HTTP on loopback")
	f.StringArrayVar(&o.Announce, "announce", nil, "`URL` that members should use, if not the addresses listened on")
	c.MarkFlagsRequiredTogether("cert", "cert-key")
	a.mailFlags(c, &o.Mail, ":143", ":587", ":993", ":465")
	a.outsideFlags(c, &o.Mail)
	return c
}

func (a *commandLine) run(c *cobra.Command, o app.RunOptions) error {
	o.Mail.CertFile, o.Mail.KeyFile = o.CertFile, o.KeyFile
	return a.program.Run(c.Context(), a.home, o, func(addrs []string) {
		if a.json {
			a.print(map[string]any{"ready": true, "addrs": addrs})
			return
		}
		a.say("ready")
		for _, addr := range addrs {
			a.say("  %s", addr)
		}
	})
}

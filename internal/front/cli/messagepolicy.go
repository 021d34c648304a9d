package cli

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/policy"
)

// messagePolicy are the flags about messages: of others that are held, of one's own that
// are kept.
type messagePolicy struct {
	copies, days int
	bytes        string
	hide         bool

	trash, junk, mail, jobs int // days
}

func (o *messagePolicy) flags(c *cobra.Command) {
	f := c.Flags()
	f.IntVar(&o.copies, "carry-copies", 0, "help to hold `N` copies of a message besides its author's; 0 for the default, -1 to hold none")
	f.StringVar(&o.bytes, "carry-bytes", "", "hold at most so many `BYTES` together (as 500M); 0 for the default")
	f.IntVar(&o.days, "carry-days", 0, "hold a message for at most `N` days; 0 for the default")
	f.IntVar(&o.trash, "keep-trash-days", 0, "remove own messages from Trash when they were not touched for `N` days; 0 for never")
	f.IntVar(&o.junk, "keep-junk-days", 0, "the same for Junk after `N` days")
	f.IntVar(&o.mail, "keep-mail-days", 0, "the same for all other folders but Drafts after `N` days")
	f.IntVar(&o.jobs, "keep-jobs-days", 0, "remember jobs that have ended for `N` days; 0 for 30, -1 for ever")
	f.BoolVar(&o.hide, "hide-reading", false, "do not tell authors when their messages are read")
}

// apply sets the preferences whose flags were given.
func (o *messagePolicy) apply(c *cobra.Command, w *policy.Preferences) (err error) {
	given := c.Flags().Changed
	if given("carry-copies") {
		w.RelayCopies = o.copies
	}
	if given("carry-bytes") {
		if w.RelayBytes, err = parseSize(o.bytes); err != nil {
			return err
		}
	}
	if given("carry-days") {
		if o.days < 0 {
			return moot.Errorf(moot.Invalid, "--carry-days is %d: want 0 or more", o.days)
		}
		w.RelayDays = o.days
	}
	for _, r := range []struct {
		flag string
		days int
		to   *int
	}{{"keep-trash-days", o.trash, &w.TrashDays}, {"keep-junk-days", o.junk, &w.JunkDays}, {"keep-mail-days", o.mail, &w.MailDays}} {
		if !given(r.flag) {
			continue
		}
		if r.days < 0 {
			return moot.Errorf(moot.Invalid, "--%s is %d: want 0 or more", r.flag, r.days)
		}
		*r.to = r.days
	}
	if given("keep-jobs-days") {
		w.JobDays = o.jobs
	}
	if given("hide-reading") {
		w.HideReading = o.hide
	}
	return nil
}

// heldMessages describes which messages of others are held.
func heldMessages(w policy.Preferences) string {
	if w.RelayCopies < 0 {
		return "no messages for others"
	}
	copies, bytes, days := "2 copies", "1 GiB", "30 days"
	if w.RelayCopies > 0 {
		copies = fmt.Sprintf("%d copies", w.RelayCopies)
	}
	if w.RelayBytes > 0 {
		bytes = size(w.RelayBytes)
	}
	if w.RelayDays > 0 {
		days = fmt.Sprintf("%d days", w.RelayDays)
	}
	return "messages for others: " + copies + ", at most " + bytes + ", for " + days
}

func readReceipts(w policy.Preferences) string {
	if w.HideReading {
		return "authors get no receipts"
	}
	return "authors get receipts"
}

// retention describes how long own messages are kept.
func retention(w policy.Preferences) string {
	days := func(n int) string {
		if n == 0 {
			return "for ever"
		}
		return fmt.Sprintf("%d days", n)
	}
	if w.TrashDays+w.JunkDays+w.MailDays == 0 {
		return "own messages for ever"
	}
	return "own messages " + days(w.MailDays) + ", Junk " + days(w.JunkDays) + ", Trash " + days(w.TrashDays)
}

// jobRetention describes how long jobs that have ended are remembered.
func jobRetention(w policy.Preferences) string {
	if w.JobDays < 0 {
		return "that have ended: for ever"
	}
	return fmt.Sprintf("that have ended: for %d days", cmp.Or(w.JobDays, 30))
}

package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/mail"
)

func (a *commandLine) searchCommand() *cobra.Command {
	var limit int
	var folder string
	c := &cobra.Command{
		Use:   "search WORDS…",
		Short: "Find messages by their people, subjects, texts, attachments' names and dates",
		Long: `Find messages that have all the words, or words that begin so, in their people, subjects,
texts or attachments' names. These narrow the search:

  from:NAME  to:NAME  subject:WORD     words there
  after:DATE  before:DATE              2026-11-28, 2026-11, today, yesterday, 7d (days ago); after: includes the day
  in:FOLDER  has:attachment
  subject:"board meeting"              words that follow one another (quote them for the shell, too)`,
		Example: "  moot search report 2026\n  moot search from:zoe after:7d has:attachment\n  moot search 'subject:\"board meeting\" before:2026-11-28'",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			q, err := mail.ParseSearch(searchText(args), time.Now())
			if err != nil {
				return err
			}
			q.Limit = limit
			if folder != "" {
				q.Folder = folder
			}
			return a.withMail(c.Context(), func(ctx context.Context, _ *app.Session, m mail.Mailbox) error {
				if q.Folder, err = folderName(ctx, m, q.Folder); err != nil {
					return err
				}
				items, err := m.List(ctx, q)
				if err == nil {
					a.showItems(items)
				}
				return err
			})
		},
	}
	c.Flags().IntVar(&limit, "limit", 100, "the newest `N`; 0 for all")
	c.Flags().StringVar(&folder, "folder", "", "only in `FOLDER`")
	return c
}

// searchText joins arguments. The shell has removed the quotes in subject:"two words",
// which are put back unless more keys follow in the same argument.
func searchText(args []string) string {
	text := make([]string, len(args))
	for i, arg := range args {
		text[i] = arg
		key, value, ok := strings.Cut(arg, ":")
		if !ok || !mail.IsSearchKey(key) || !strings.Contains(value, " ") || strings.Contains(value, `"`) {
			continue
		}
		more := slices.ContainsFunc(strings.Fields(value), func(word string) bool {
			key, _, ok := strings.Cut(word, ":")
			return ok && mail.IsSearchKey(key)
		})
		if !more {
			text[i] = key + `:"` + value + `"`
		}
	}
	return strings.Join(text, " ")
}

// folderName returns a folder's name as it is written; "" for all folders. Kind NotFound.
func folderName(ctx context.Context, m mail.Mailbox, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	list, err := m.Folders(ctx)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(list, func(f mail.Folder) bool { return strings.EqualFold(f.Name, name) })
	if i < 0 {
		return "", moot.Errorf(moot.NotFound, "there is no folder %.80q: see 'moot inbox --folders'", name)
	}
	return list[i].Name, nil
}

package cli

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/mootspace/moot"
)

// confirm asks a person on a terminal whether a deed that cannot be undone is meant. Kind
// Invalid if it is not, or if nobody can be asked.
func (a *commandLine) confirm(format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if in, ok := a.in.(*os.File); ok && !a.json && term.IsTerminal(int(in.Fd())) && isTerminal(a.err) {
		fmt.Fprintf(a.err, "%s. Go on? [y/N] ", text)
		answer, err := bufio.NewReader(in).ReadString('\n')
		if answer = strings.ToLower(strings.TrimSpace(answer)); err == nil && (answer == "y" || answer == "yes") {
			return nil
		}
		return moot.Errorf(moot.Invalid, "nothing was done")
	}
	return moot.WithHint(moot.Errorf(moot.Invalid, "%s", text), moot.HintConfirm)
}

// maxSecret is the size in bytes of the longest link, code or password that is read.
const maxSecret = 64 << 10

// readSecret reads a secret, which a command line would show to others on the machine.
func (a *commandLine) readSecret(r io.Reader, what string) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxSecret+1))
	switch {
	case err != nil:
		return "", moot.Errorf(moot.Invalid, "read the %s: %w", what, err)
	case len(text) > maxSecret:
		return "", moot.Errorf(moot.TooLarge, "the %s is longer than %d KiB", what, maxSecret>>10)
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		return "", moot.Errorf(moot.Invalid, "the %s is empty", what)
	}
	return secret, nil
}

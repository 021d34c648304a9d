package mailbox

import (
	"fmt"
	"log/slog"
	"strings"
)

// libraryLog takes what the protocol libraries report: broken connections and damaged
// commands, which are nothing unusual, and panics.
type libraryLog struct {
	log      *slog.Logger
	protocol string
}

const maxLogged = 8 << 10 // a stack

func (l libraryLog) Printf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	text = text[:min(len(text), maxLogged)]
	if strings.HasPrefix(text, "panic") {
		l.log.Error(text, "protocol", l.protocol)
		return
	}
	l.log.Debug(text, "protocol", l.protocol)
}

func (l libraryLog) Println(args ...any) { l.Printf("%s", fmt.Sprintln(args...)) }

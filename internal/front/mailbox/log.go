package mailbox

import (
	"fmt"
	"log/slog"
	"strings"
)

// libraryLog logs what the protocol libraries report: panics as errors; broken
// connections and malformed commands, which are common, for debugging.
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

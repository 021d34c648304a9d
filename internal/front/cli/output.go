package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/mootspace/moot"
)

// print writes one JSON object on a line.
func (a *commandLine) print(v any) {
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // a closed output ends the process by SIGPIPE; there is nobody to tell
}

// say writes a line for a person; nothing with --json.
func (a *commandLine) say(format string, args ...any) {
	if !a.json {
		fmt.Fprintf(a.out, format+"\n", args...)
	}
}

// table writes aligned columns for a person.
func (a *commandLine) table(header string, rows [][]string) {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	if len(rows) > 0 && header != "" {
		fmt.Fprintln(w, header)
	}
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	w.Flush()
	for line := range strings.Lines(text.String()) {
		fmt.Fprintln(a.out, strings.TrimRight(line, " \n")) // empty cells at the end
	}
}

// done reports a change that has no other result: what happened, and to what.
func (a *commandLine) done(what, to string) {
	if a.json {
		a.print(map[string]string{what: to})
	}
	a.say("%s %s", what, name(to))
}

// clean makes text that others wrote safe for a terminal: no control characters, no
// escape sequences, nothing that turns the direction of writing.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsGraphic(r) && !unicode.Is(unicode.Bidi_Control, r) {
			return r
		}
		return '�'
	}, s)
}

// name is clean for one line.
func name(s string) string { return strings.ReplaceAll(clean(s), "\n", "�") }

// size writes bytes for people, in powers of 1024.
func size(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n), -1
	for value >= 1024 && unit < len(units)-1 {
		value /= 1024
		unit++
	}
	return fmt.Sprintf("%.1f %ciB", value, units[unit])
}

func when(t moot.Time) string { return t.Wall().Local().Format("2006-01-02 15:04:05") }

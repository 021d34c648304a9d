package mime

import "strings"

// MessageID returns the identifier in a Message-ID, without brackets. Of a field without
// brackets, it is the whole value without white space.
func MessageID(value string) string {
	if ids := MessageIDs(value); len(ids) > 0 {
		return ids[0]
	}
	return strings.Join(strings.Fields(value), "")
}

// MessageIDs returns the identifiers in a References or In-Reply-To, without brackets.
// Identifiers without brackets have an @.
func MessageIDs(value string) (ids []string) {
	rest := value
	for {
		_, after, found := strings.Cut(rest, "<")
		if !found {
			break
		}
		end := strings.IndexAny(after, "<>")
		if end < 0 {
			end = len(after)
		}
		if id := strings.Join(strings.Fields(after[:end]), ""); id != "" {
			ids = append(ids, id)
		}
		rest = after[end:]
	}
	if len(ids) > 0 || strings.ContainsAny(value, "<>") {
		return ids
	}
	for _, one := range strings.FieldsFunc(value, func(r rune) bool { return isBlank(byte(r)) && r < 0x80 || r == ',' }) {
		if strings.Contains(one, "@") {
			ids = append(ids, one)
		}
	}
	return ids
}

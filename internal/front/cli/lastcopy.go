package cli

import (
	"context"
	"fmt"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/policy"
)

// lastCopies words how many files are on no devices but some, before these go; "" if none
// is. but says whose they are.
func lastCopies(ctx context.Context, s *app.Session, devices []policy.Device, but string) (string, error) {
	keys := make([]moot.Key, 0, len(devices))
	for _, d := range devices {
		if !d.Recovery {
			keys = append(keys, d.Key)
		}
	}
	if len(keys) == 0 {
		return "", nil
	}
	n, err := s.Copies.OnlyOn(ctx, keys)
	if err != nil || n.Files == 0 {
		return "", err
	}
	verb := "are"
	if n.Files == 1 {
		verb = "is"
	}
	return fmt.Sprintf("%s (%s) %s on no device but %s, as far as is known", plural(n.Files, "file"), size(n.Bytes), verb, but), nil
}

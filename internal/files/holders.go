package files

import (
	"strings"

	"github.com/mootspace/moot"
)

// maxHolders is how many holders an error names.
const maxHolders = 5

// away adds to the error of bytes that cannot be had with whom they should be.
func (fs *Files) away(id moot.BlobID, author moot.Key, err error) error {
	if fs.o.Holders == nil || moot.HintOf(err) != moot.HintListPeers {
		return err
	}
	names := fs.o.Holders(id, author)
	if len(names) == 0 {
		return err
	}
	more := ""
	if len(names) > maxHolders {
		names, more = names[:maxHolders], " and others"
	}
	return moot.WithHint(moot.Errorf(moot.KindOf(err), "%w; it should be with %s%s", err, strings.Join(names, ", "), more), moot.HintListPeers)
}

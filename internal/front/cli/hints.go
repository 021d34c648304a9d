package cli

import "github.com/mootspace/moot"

// advice words what the user can do about an error as commands and flags; "" if there is
// nothing to say.
func advice(err error) string {
	switch moot.HintOf(err) {
	case moot.HintCreate:
		return "run 'moot init' or 'moot join LINK' first, or give --home"
	case moot.HintOtherHome:
		return "give another --home"
	case moot.HintStartNode:
		return "run 'moot up' (a peer) or 'moot serve' (the server)"
	case moot.HintStartServer:
		return "start one with 'moot serve', or use --via peers"
	case moot.HintStopNode:
		return "stop it first, or give another --home"
	case moot.HintAskServer:
		return "use --via server"
	case moot.HintAskPeers:
		return "use --via peers"
	case moot.HintInvite:
		return "have an owner or admin run 'moot invite', and give the link with --invite"
	case moot.HintPassword:
		return "'moot account password' makes one"
	case moot.HintMailDomain:
		return "start it with 'moot serve --mail-domain DOMAIN'"
	case moot.HintForce:
		return "look at it with 'moot get', then do it again, or use --force to keep both"
	case moot.HintRename:
		return "choose another with --as"
	case moot.HintRetry:
		return "run the same command again"
	case moot.HintUpdate:
		return "install a newer version of moot"
	case moot.HintCopy:
		return "leave --in-place out"
	}
	return ""
}

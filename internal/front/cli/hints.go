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
	case moot.HintServeMail:
		return "start it with 'moot serve --mail', or 'moot up --mail'"
	case moot.HintForce:
		return "look at it with 'moot get' and do it again, or use --force: no version is lost"
	case moot.HintRename:
		return "choose another name (when joining: with --as)"
	case moot.HintOtherMember:
		return "write to the member's ID (see 'moot members'), or use --confirm if this one is meant"
	case moot.HintRetry:
		return "run the same command again"
	case moot.HintUpdate:
		return "install a newer version of moot"
	case moot.HintUpdateNode:
		return "update it"
	case moot.HintPassTLS:
		return "if a proxy ends TLS there, have it pass TCP through; otherwise somebody is listening in"
	case moot.HintOtherTree:
		return "run the node where it sees the same files"
	case moot.HintCopy:
		return "leave --in-place out"
	case moot.HintResume:
		return "go on with 'moot sync resume'"
	case moot.HintRecursive:
		return "use -r to remove it with all that is in it"
	case moot.HintOutput:
		return "use -o PATH"
	case moot.HintResolve:
		return "end the conflict first: see 'moot conflicts'"
	case moot.HintLend:
		return "a member lends it with 'moot offer --cpus 2'"
	case moot.HintConfirm:
		return "use --yes if it is meant"
	case moot.HintCheckInvite:
		return "check the link that you were given, or have an owner or admin run 'moot invite' for a new one"
	}
	return adviceOnMembers(err)
}

// adviceOnMembers words what can be done about members and devices.
func adviceOnMembers(err error) string {
	switch moot.HintOf(err) {
	case moot.HintAdopt:
		return "have the founder of the space run 'moot up' or 'moot serve' of this version"
	case moot.HintForked:
		return "see 'moot device ls', and say which branch counts with 'moot device choose'"
	case moot.HintLeave:
		return "use 'moot leave'"
	case moot.HintRecovery:
		return "use --recovery CODE: 'moot init' or 'moot device add --recovery' printed it"
	}
	return adviceToLook(err)
}

// adviceToLook words where to look up what was not found.
func adviceToLook(err error) string {
	switch moot.HintOf(err) {
	case moot.HintListFiles:
		return "see 'moot ls' or 'moot find'"
	case moot.HintFolderStatus:
		return "see 'moot sync status'"
	case moot.HintListFolders:
		return "see 'moot sync ls'"
	case moot.HintListConflicts:
		return "see 'moot conflicts'"
	case moot.HintListMembers:
		return "see 'moot members'"
	case moot.HintListDevices:
		return "see 'moot device ls'"
	case moot.HintListPeers:
		return "'moot peers' shows who is connected"
	case moot.HintListMessages:
		return "see 'moot inbox'"
	case moot.HintCancelJob:
		return "stop it first with 'moot cancel ID'"
	case moot.HintListJobs:
		return "see 'moot jobs'"
	}
	return ""
}

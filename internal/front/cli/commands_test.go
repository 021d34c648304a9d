package cli

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/mootspace/moot"
)

// command is a command line, what it asks of the program, and what it prints.
type command struct {
	line       string
	calls      string // without opening a session
	text, json string // printed without and with --json
	errs       string // printed to standard error, without --json
}

func commands() []command {
	return slices.Concat(nodeCommands, filesCommands, syncCommands, peopleCommands, deviceCommands, accountCommands, aliasCommands, mailCommands, jobsCommands)
}

// recorded are the calls but the one that opens a session.
func (f *fake) recorded() string {
	calls := slices.DeleteFunc(slices.Clone(f.calls), func(s string) bool { return strings.HasPrefix(s, "open ") })
	return plain(strings.Join(calls, "\n"))
}

func TestCommands(t *testing.T) {
	for _, c := range commands() {
		f := newFake()
		if status, out, errs := f.runLine(t, c.line, "typed\n"); status != Done || errs != c.errs || out != c.text[1:] {
			t.Errorf("%s: status %d, errors %q, output\n%s\nwant\n%s", c.line, status, errs, out, c.text[1:])
		}
		if got := f.recorded(); got != strings.TrimSpace(c.calls) {
			t.Errorf("%s: called\n%s\nwant\n%s", c.line, got, c.calls)
		}
		f = newFake()
		if status, out, errs := f.runLine(t, "--json "+c.line, "typed\n"); status != Done || errs != "" || out != c.json[1:] {
			t.Errorf("%s --json: status %d, errors %q, output\n%s\nwant\n%s", c.line, status, errs, out, c.json[1:])
		}
	}
}

// TestJSON checks that with --json every command prints something, and nothing but JSON.
func TestJSON(t *testing.T) {
	for _, c := range commands() {
		if strings.Contains(c.line, "--raw") {
			continue // the message as it is
		}
		lines := strings.Split(strings.TrimSpace(c.json), "\n")
		for _, line := range lines {
			if !json.Valid([]byte(line)) {
				t.Errorf("%s --json: %q is not JSON", c.line, line)
			}
		}
	}
}

// TestEveryCommandIsTried compares the tables with the program's commands.
func TestEveryCommandIsTried(t *testing.T) {
	elsewhere := []string{"completion", "docs", "version", "help", "tour", "compare", "plan", "watch", "attachments", "cat"}
	for _, c := range (&commandLine{}).root().Commands() {
		tried := func(k command) bool { return strings.Fields(k.line)[0] == c.Name() }
		if !slices.Contains(elsewhere, c.Name()) && !slices.ContainsFunc(commands(), tried) {
			t.Errorf("no test tries %q", c.Name())
		}
	}
}

// TestFailures has each call of each command fail in turn.
func TestFailures(t *testing.T) {
	fail := moot.WithHint(moot.Errorf(moot.Unavailable, "it broke"), moot.HintRetry)
	for _, c := range commands() {
		f := newFake()
		f.runLine(t, c.line, "typed\n")
		for n := range len(f.calls) {
			broken := newFake()
			broken.fail, broken.failAt = fail, n+1
			status, _, errs := broken.runLine(t, c.line, "typed\n")
			if status != Failed || !strings.HasPrefix(errs, "moot: ") || !strings.Contains(errs, "it broke: run the same command again\n") {
				t.Errorf("%s: call %d (%s) fails: status %d, %q", c.line, n+1, f.calls[n], status, errs)
			}
			if len(broken.calls) != n+1 {
				t.Errorf("%s: after call %d failed: %v", c.line, n+1, broken.calls[n+1:])
			}
			broken = newFake()
			broken.fail, broken.failAt = fail, n+1
			_, out, errs := broken.runLine(t, "--json "+c.line, "typed\n")
			var report struct{ Error, Kind, Hint string }
			lines := strings.Split(strings.TrimSpace(out), "\n")
			err := json.Unmarshal([]byte(lines[len(lines)-1]), &report)
			if err != nil || !strings.Contains(report.Error, "it broke") || report.Kind != "unavailable" || report.Hint != "retry" || errs != "" {
				t.Errorf("%s --json: call %d fails: %v, %+v, %q", c.line, n+1, err, report, errs)
			}
		}
	}
}

// TestUsage tries command lines that make no sense: status 2 and no call.
func TestUsage(t *testing.T) {
	for line, want := range map[string]string{
		"bogus":                              "unknown command \"bogus\" for \"moot\"\n\nDid you mean this?\n  logs\nTry 'moot --help'.",
		"get":                                "requires at least 1 arg(s), only received 0\nUsage: moot get NAME|ID… [-o PATH]\nTry 'moot get --help'.",
		"ls a b":                             "Usage: moot ls [NAME] [-r] [-l]",
		"ls --via pigeon":                    `--via is "pigeon": want server, peers or both`,
		"ls --bogus":                         "unknown flag: --bogus",
		"account":                            "account: want one of add, alias, dns, enable, export, import, ls, password, rm",
		"account bogus":                      `unknown command "bogus" for "moot account"`,
		"token":                              "token: want one of add, ls, rm",
		"device":                             "device: want one of add, choose, ls, rename, rm",
		"device add --expires 1x":            "is not a duration",
		"device add --recovery --expires 1h": "none of the others can be",
		"join":                               "want one LINK, '-' or --file",
		"join moot://a --file b":             "want one LINK, '-' or --file",
		"invite --list --withdraw a":         "none of the others can be",
		"invite --role guest --list":         "none of the others can be",
		"revoke bob --lift --strict":         "none of the others can be",
		"account password --drop --password-stdin": "none of the others can be",
		"compare":                           "compare: want one of scalability",
		"docs":                              "docs: want one of man, markdown",
		"share a b --as c":                  "--as names one thing, and there are 2 paths",
		"invite --expires soon":             `"soon" is not a duration (want 30m, 12h, 7d)`,
		"invite --server-only --peers-only": "none of the others can be",
		"token add a --expires -1d":         "is not a duration",
		"offer --time 5":                    "is not a duration",
		"send bob --wait x":                 "is not a duration",
		"run a.wasm --timeout x":            "is not a duration",
		"mark abcd":                         "at least one of the flags",
		"read abcd --raw --thread":          "none of the others can be",
		"serve --cert c.pem":                "they must all be set",
		"plan --lifetime x":                 "is not a duration",
		"plan --up fast":                    `--up: "fast" is no rate`,
		"plan --down 3x":                    "--down:",
		"plan --size big":                   "is no size of a file",
		"plan --members 3 --up 2x5":         "--up describes 2 members, and there are 3",
		"plan --members 0":                  "a group of 0 members",
		"plan --server-up x":                "--server-up:",
		"plan --server-down x":              "--server-down:",
		"plan --source-up x":                "--source-up:",
		"plan --lifetime 0s":                "want more than nothing",
	} {
		newFake().wantUsage(t, line, want)
	}
	newFake().expect(t, "", "", Done, "Computing power:", "")
}

func TestUsageOfFiles(t *testing.T) {
	for line, want := range map[string]string{
		"get a b -o -":                   "-o - takes one NAME; 'moot cat' takes several",
		"sync":                           "accepts 1 arg(s), received 0",
		"sync a b":                       "accepts 1 arg(s), received 2",
		"sync a --name b --prefix c":     "none of the others can be",
		"sync select a":                  "at least one of the flags",
		"sync select a --all --except b": "none of the others can be",
		"sync add":                       "accepts between 1 and 2 arg(s), received 0",
		"rm":                             "requires at least 1 arg(s)",
		"gc now":                         "unknown command",
	} {
		newFake().wantUsage(t, line, want)
	}
}

// wantUsage fails unless a line is a usage error, and nothing was called.
func (f *fake) wantUsage(t *testing.T, line, want string) {
	t.Helper()
	f.calls = nil
	if status, out, errs := f.runLine(t, line, ""); status != Usage || !strings.Contains(errs, want) || out != "" || len(f.calls) > 0 {
		t.Errorf("%s: status %d, output %q, errors\n%s\nwant %q", line, status, out, errs, want)
	}
}

// TestRefused tries command lines that are understood and cannot be followed.
func TestRefused(t *testing.T) {
	for line, want := range map[string]string{
		"policy --rate fast":                         `"fast" is no number of bytes`,
		"policy --carry-bytes x":                     "is no number of bytes",
		"policy --space some":                        `"some" is no number of bytes`,
		"policy --copies 2 --rate 5":                 "--copies is a rule for all members, --rate about this node: give them one after the other",
		"policy --carry-days -1":                     "--carry-days is -1: want 0 or more",
		"policy --keep-junk-days -1":                 "--keep-junk-days is -1: want 0 or more",
		"offer --memory x":                           "is no number of bytes",
		"offer --hours 6":                            "is not a range of hours",
		"serve --smtp :25":                           "want a --mail-domain",
		"serve --mail-quota x":                       "is no number of bytes",
		"run nosuch.wasm":                            `there is no "nosuch.wasm", neither here nor in the space`,
		"run texts":                                  "the module texts is a folder",
		"run mod.wasm --memory x":                    "is no number of bytes",
		"run mod.wasm --each texts --count 2":        "--each and --count do not go together",
		"run mod.wasm --in nosuch":                   "neither here nor in the space",
		"run mod.wasm --each nosuch":                 "neither here nor in the space",
		"run mod.wasm --reduce nosuch":               "neither here nor in the space",
		"inbox nosuch":                               `there is no folder "nosuch": see 'moot inbox --folders'`,
		"send bob --attach nosuch":                   "attach nosuch:",
		"send bob --attach .":                        "it is a folder",
		"compare scalability --architectures cloud":  "cloud",
		"compare scalability --size x":               "is no number of bytes",
		"compare scalability --report a.pdf":         "ends in .html",
		"compare scalability --report nosuch/a.html": "write the report",
		"compare scalability --peers 0":              "",
		"tour nosuch":                                "tour: stat",
		"sync add docs --ignore-file nosuch":         "read the patterns: open nosuch",
		"sync status nosuch":                         "nosuch is not kept in step: see 'moot sync ls'",
		"sync /here/docs --name other":               `/here/docs is kept in step already, with "docs"`,
		"sync /here/docs --read-only":                "/here/docs is kept in step already, in another way",
		"sync /music --except x":                     "/music is kept in step already, in another way",
		"docs man commands_test.go/x":                "make the directory of the manual",
	} {
		status, _, errs := newFake().runLine(t, line, "text")
		if status != Failed || !strings.HasPrefix(errs, "moot: ") || !strings.Contains(errs, want) {
			t.Errorf("%s: status %d, errors %q; want %q", line, status, errs, want)
		}
	}
}

// TestHints checks that every hint is worded, and shown.
func TestHintsArePrinted(t *testing.T) {
	for hint, want := range map[moot.Hint]string{
		moot.HintCreate: "moot init", moot.HintOtherHome: "--home", moot.HintStartNode: "moot up", moot.HintStartServer: "moot serve", moot.HintStopNode: "stop it",
		moot.HintAskServer: "--via server", moot.HintAskPeers: "--via peers", moot.HintInvite: "moot invite", moot.HintPassword: "moot account password", moot.HintMailDomain: "--mail-domain", moot.HintServeMail: "serve --mail",
		moot.HintForce: "--force", moot.HintConfirm: "--yes", moot.HintAdopt: "founder", moot.HintListDevices: "moot device ls", moot.HintListPeers: "moot peers", moot.HintForked: "moot device choose",
		moot.HintOtherMember: "--confirm", moot.HintLeave: "moot leave", moot.HintRecovery: "--recovery", moot.HintRename: "--as", moot.HintRetry: "again", moot.HintRecursive: "-r", moot.HintResume: "moot sync resume", moot.HintListFolders: "moot sync ls", moot.HintFolderStatus: "moot sync status", moot.HintUpdate: "newer version", moot.HintCopy: "--in-place",
	} {
		f := newFake()
		f.fail = moot.WithHint(moot.Errorf(moot.Invalid, "no"), hint)
		if _, _, errs := f.runLine(t, "status", ""); !strings.Contains(errs, "moot: no: ") || !strings.Contains(errs, want) {
			t.Errorf("hint %s: %q, want %q", hint, errs, want)
		}
	}
	if advice(errors.New("x")) != "" || advice(moot.WithHint(errors.New("x"), "from-the-future")) != "" {
		t.Error("advice without a hint that is known")
	}
}

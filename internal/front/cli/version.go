package cli

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build identifies the running executable.
type build struct {
	Version  string `json:"version"`
	Go       string `json:"go"`       // version of the Go toolchain
	Platform string `json:"platform"` // operating system and architecture
	Revision string `json:"revision"` // commit; empty if the build recorded none
	Modified bool   `json:"modified"` // built from a working tree with changes
}

func (a *commandLine) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "version",
		Short:             "Print the version of this program",
		Args:              cobra.NoArgs,
		PersistentPreRunE: a.prepareWithoutHome,
		RunE: func(*cobra.Command, []string) error {
			info, _ := debug.ReadBuildInfo()
			b := readBuild(info)
			if a.json {
				a.print(b)
				return nil
			}
			a.say("moot %s", b.Version)
			a.say("%s, %s", b.Go, b.Platform)
			a.say("revision %s", b.revision())
			return nil
		},
	}
}

// readBuild takes the revision from what the Go toolchain recorded; info may be nil.
func readBuild(info *debug.BuildInfo) build {
	b := build{Version: Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info == nil {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

func (b build) revision() string {
	switch {
	case b.Revision == "":
		return "unknown"
	case b.Modified:
		return b.Revision + ", modified"
	}
	return b.Revision
}

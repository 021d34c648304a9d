package moot

// Architecture says whom a node may ask: the space's servers, other members' nodes
// (peers), or both. The zero Architecture leaves the choice to the node. What follows
// from it – who stores, who decides, who coordinates – is data in internal/arch;
// everything else looks at the two fields and never at a name.
type Architecture struct {
	Server bool // the space's servers are asked
	Peers  bool // other members' nodes are asked
}

// Architectures returns all there are, in the order in which they are shown.
func Architectures() []Architecture {
	return []Architecture{{Server: true}, {Peers: true}, {Server: true, Peers: true}}
}

// IsZero reports whether the choice is left to the node.
func (a Architecture) IsZero() bool { return a == Architecture{} }

// Name returns the field's name for it, as "client-server"; "" for the zero value.
func (a Architecture) Name() string {
	switch {
	case a.Server && a.Peers:
		return "hybrid"
	case a.Server:
		return "client-server"
	case a.Peers:
		return "peer-to-peer"
	}
	return ""
}

// String returns the word for whom it asks: "server", "peers", "both", or "".
func (a Architecture) String() string {
	switch {
	case a.Server && a.Peers:
		return "both"
	case a.Server:
		return "server"
	case a.Peers:
		return "peers"
	}
	return ""
}

// MarshalText and UnmarshalText use the form of String.
func (a Architecture) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

func (a *Architecture) UnmarshalText(text []byte) error {
	parsed, err := ParseArchitecture(string(text))
	if err == nil {
		*a = parsed
	}
	return err
}

// ParseArchitecture reads what String writes, and the names of Name. Kind Invalid.
func ParseArchitecture(s string) (Architecture, error) {
	for _, a := range append(Architectures(), Architecture{}) {
		if s == a.String() || s == a.Name() {
			return a, nil
		}
	}
	return Architecture{}, Errorf(Invalid, "%.40q is no architecture: want server, peers or both", s)
}

// Package moot is the vocabulary of Moot: the few nouns and interfaces that every
// other package speaks, and nothing that does any work.
//
// The one idea: a server is a peer that everyone asks. Every participant is a
// [Node]; an architecture is only the answer to "whom do I ask?", a [Locator].
// Client-server, peer-to-peer and hybrid are three Locators over the same Nodes,
// the same signed entries and the same verified bytes.
//
// Reading order: id.go (what things are called), entry.go (signed statements),
// blob.go (bytes), node.go (who answers), task.go (who computes), locate.go (whom to
// ask), architecture.go (the three choices), error.go (what goes wrong). This package imports nothing of this module and must not know any
// database, network protocol, file format or user interface.
package moot

// Package wire puts a moot.Node on HTTP and takes it off again: Handler serves
// any node, Client is a node behind any http.RoundTripper. Each route is one file
// that holds both of its sides; only the long exchange takes several. The interface
// is plain enough for curl and is described by openapi.json, which a test holds
// against what is served.
//
// It must not know what a connection is made of (TLS, libp2p, a socket), who is a
// member, or how anything is stored: callers come from moot.Caller, permission
// from a Guard, and everything else from the node.
//
// Whatever arrives is bounded in size and time. The bytes of blobs prove
// themselves (blob.NewDecoder). Entries that a Client yields are well-formed and
// match their IDs, but their signatures are checked by whoever stores them
// (Append) or, if they are used without being stored, by feed.Verify.
package wire

import "time"

// Limits on what one request may carry.
const (
	maxQuery   = 4 << 20  // bytes of a query or vector as JSON
	maxBatch   = 16 << 20 // bytes of entries in one POST
	maxEntries = 4096     // entries in one POST
	maxItem    = 128 << 10
	maxTask    = 1 << 20 // bytes of a task as JSON
	maxOutcome = 8 << 20 // bytes of an outcome as JSON
	maxProblem = 64 << 10
)

// How long each side waits for the other.
const (
	beatEvery    = 15 * time.Second // between heartbeats on a watch
	lifeEvery    = 2 * time.Second  // between signs of life while a task runs
	aliveWithin  = 8 * time.Second  // silence after which a worker is given up
	answerWithin = 45 * time.Second // silence after which a quick answer or a watch is given up
	workWithin   = 2 * time.Minute  // the same for answers that need disks or other nodes first
	stuckAfter   = time.Minute      // a read or write of a request that makes no progress
)

// Media types.
const (
	typeBao     = "application/vnd.moot.bao"
	typeBytes   = "application/octet-stream"
	typeSeq     = "application/cbor-seq" // RFC 8742
	typeJSON    = "application/json"
	typeLines   = "application/jsonl"
	typeProblem = "application/problem+json" // RFC 9457
)

// Paths, as patterns of http.ServeMux without their methods.
const (
	pathBlobs    = "/v1/blobs"
	pathBlob     = "/v1/blobs/{id}"
	pathHolding  = "/v1/blobs/{id}/holding"
	pathExchange = "/v1/blobs/{id}/exchange"
	pathEntries  = "/v1/entries"
	pathQuery    = "/v1/query"
	pathWatch    = "/v1/watch"
	pathVector   = "/v1/vector"
	pathTasks    = "/v1/tasks"
	pathOpenAPI  = "/v1/openapi.json"
)

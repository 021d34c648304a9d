// Package wire puts a moot.Node on HTTP: Handler serves any node, Client is the node
// behind any http.RoundTripper. Each route is one file that holds both of its sides;
// only the exchange takes several. The interface is usable with curl and is described
// by openapi.json, which a test compares with what is served.
//
// It must not know how a connection is made (TLS, libp2p, a socket), who is a member, or
// how anything is stored: callers come from moot.Caller, permission from a Guard, and
// everything else from the node.
//
// All input is bounded in size and time. The bytes of blobs prove themselves
// (blob.NewDecoder). Entries that a Client yields are well-formed and match their IDs,
// but their signatures are checked when they are stored (Append) or, if they are used
// without being stored, by feed.Verify.
package wire

import "time"

// Limits of one request.
const (
	maxQuery   = 4 << 20  // bytes of a query or vector as JSON
	maxBatch   = 16 << 20 // bytes of entries in one POST
	maxEntries = 4096     // entries in one POST
	maxItem    = 128 << 10
	maxTask    = 1 << 20 // bytes of a task as JSON
	maxOutcome = 8 << 20 // bytes of an outcome as JSON
	maxProblem = 64 << 10
)

// Intervals and timeouts.
const (
	heartbeatEvery   = 15 * time.Second // between heartbeats on a watch
	keepAliveEvery   = 2 * time.Second  // between keep-alives while a task runs
	keepAliveTimeout = 8 * time.Second  // of a worker without a keep-alive
	idleTimeout      = 45 * time.Second // of quick responses and watches
	workTimeout      = 2 * time.Minute  // of responses that need disks or other nodes first
	stallTimeout     = time.Minute      // of a single read or write of a request
)

// Media types.
const (
	typeBao     = "application/vnd.moot.bao"
	typeSmall   = "application/vnd.moot.small"
	typeBytes   = "application/octet-stream"
	typeSeq     = "application/cbor-seq" // RFC 8742
	typeJSON    = "application/json"
	typeLines   = "application/jsonl"
	typeProblem = "application/problem+json" // RFC 9457
)

// Paths, as patterns of http.ServeMux without their methods.
const (
	pathBlobs    = "/v2/blobs"
	pathGetMany  = "/v2/blobs/fetch"
	pathPutMany  = "/v2/blobs/store"
	pathHaveMany = "/v2/blobs/have"
	pathBlob     = "/v2/blobs/{id}"
	pathHolding  = "/v2/blobs/{id}/holding"
	pathExchange = "/v2/blobs/{id}/exchange"
	pathEntries  = "/v2/entries"
	pathQuery    = "/v2/query"
	pathWatch    = "/v2/watch"
	pathTasks    = "/v2/tasks"
	pathJob      = "/v2/jobs/{id}"
	pathOpenAPI  = "/v2/openapi.json"
)

// PathVector is where nodes begin to compare their entries.
const PathVector = "/v2/vector"

// PathAccounts is where a member asks a server to keep a device for it.
const PathAccounts = "/v2/accounts"

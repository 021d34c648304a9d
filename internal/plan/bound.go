// Package plan computes from formulas alone what each architecture can give a group:
// the time in which a file reaches all members, the bytes that each must send, its
// availability, and the propagation of entries.
//
// It must not know how anything is done: no node, no network, no file is touched.
// Package compare measures, and shows these bounds beside what it measured.
package plan

import (
	"math"
	"time"
)

// Link is the capacity of one host's link, in payload bits per second; 0: no limit.
type Link struct {
	Up, Down float64
}

// ClientServer is the least time in which one server distributes a file to every
// receiver by itself: max{NF/u_s, F/d_min} (Kurose and Ross, Computer
// Networking, section 2.5). size is in bytes.
func ClientServer(size int64, server Link, receivers []Link) time.Duration {
	bits := 8 * float64(size)
	return seconds(max(transferTime(bits*float64(len(receivers)), server.Up), transferTime(bits, slowest(receivers))))
}

// PeerToPeer is the least distribution time of a file from one source when every
// receiver uploads what it has: max{F/u_s, F/d_min, NF/(u_s+Σu_i)} (Kumar and Ross,
// HOTWEB 2006, who show that a fluid reaches it). A hybrid whose server is the source
// has the same bound; for one whose server helps a source, see [Hybrid].
func PeerToPeer(size int64, source Link, receivers []Link) time.Duration {
	return Hybrid(size, source, Link{}, 0, receivers)
}

// Hybrid is the least distribution time of a file from one source when receivers and
// servers that lack it upload what they have: max{F/u_s, F/d_min,
// NF/(u_s+Σu_i+H(N−1)/N)}, H being the servers' uplinks together. A server that sends
// a bit to all N must have received it, which costs others 1/N of what it gives;
// otherwise it is one more peer of Kumar and Ross, whose schedule reaches the bound.
func Hybrid(size int64, source, server Link, servers int, receivers []Link) time.Duration {
	bits, n := 8*float64(size), float64(len(receivers))
	rates := []float64{source.Up}
	for _, r := range receivers {
		rates = append(rates, r.Up)
	}
	if servers > 0 && n > 1 { // one receiver gets no more than the source can send
		rates = append(rates, server.Up*float64(servers)*(n-1)/n)
	}
	return seconds(max(transferTime(bits, source.Up), transferTime(bits, slowest(receivers)), transferTime(bits*n, totalRate(rates))))
}

// totalRate adds rates; one of 0 makes the sum unlimited, 0 again.
func totalRate(rates []float64) (sum float64) {
	for _, r := range rates {
		if r == 0 {
			return 0
		}
		sum += r
	}
	return sum
}

// slowest is the least downlink; 0 if none is limited.
func slowest(receivers []Link) (least float64) {
	for _, r := range receivers {
		if r.Down > 0 && (least == 0 || r.Down < least) {
			least = r.Down
		}
	}
	return least
}

// fastest is the greatest downlink; 0 if one is unlimited.
func fastest(receivers []Link) (most float64) {
	for _, r := range receivers {
		if r.Down == 0 {
			return 0
		}
		most = max(most, r.Down)
	}
	return most
}

// transferTime is in seconds; a rate of 0 is no limit.
func transferTime(bits, rate float64) float64 {
	if rate == 0 {
		return 0
	}
	return bits / rate
}

// seconds saturates at the longest duration, 292 years.
func seconds(s float64) time.Duration {
	if ns := s * float64(time.Second); ns < math.MaxInt64 {
		return time.Duration(ns)
	}
	return math.MaxInt64
}

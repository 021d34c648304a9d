package compare

import "fmt"

// coreTime is a core's busy and total time since boot, in clock ticks.
type coreTime struct{ busy, total float64 }

// maxCPU is the busy share of the machine above which it is taken as the bottleneck.
const maxCPU = 0.8

// cpuBetween is the load between two readings; nil if one is missing, or if no time has
// passed.
func cpuBetween(before, after []coreTime) *CPU {
	if len(before) == 0 || len(before) != len(after) {
		return nil
	}
	var c CPU
	var busy, all float64
	for i := range after {
		b, a := after[i].busy-before[i].busy, after[i].total-before[i].total
		busy, all = busy+b, all+a
		c.Busiest = max(c.Busiest, ratio(b, a))
	}
	if all <= 0 {
		return nil
	}
	c.Total = busy / all
	return &c
}

// void is the reason why figures taken under this load do not count; "" if they do.
func (c *CPU) void() string {
	if c == nil || c.Total <= maxCPU {
		return ""
	}
	return fmt.Sprintf("the machine was the limit (%.0f %% of its CPU busy)", 100*c.Total)
}

package compare

import "fmt"

// ticks is how long a core was busy, and how long there was, since the start.
type ticks struct{ busy, all float64 }

// tooBusy is the share of the machine above which it was what limited a run.
const tooBusy = 0.8

// between is how busy the machine was from one reading to the next; nil if a reading
// is missing, or if no time has passed.
func between(before, after []ticks) *CPU {
	if len(before) == 0 || len(before) != len(after) {
		return nil
	}
	var c CPU
	var busy, all float64
	for i := range after {
		b, a := after[i].busy-before[i].busy, after[i].all-before[i].all
		busy, all = busy+b, all+a
		c.Busiest = max(c.Busiest, ratio(b, a))
	}
	if all <= 0 {
		return nil
	}
	c.Total = busy / all
	return &c
}

// void says why figures taken on so busy a machine do not count; "" if they do.
func (c *CPU) void() string {
	if c == nil || c.Total <= tooBusy {
		return ""
	}
	return fmt.Sprintf("the machine was the limit (%.0f %% of its CPU busy)", 100*c.Total)
}

// State keeps small records.
package accounts

// State keeps small records durably.
type State interface {
	// Load reads a record that Save wrote. Kind NotFound if there is none.
	Load(name string, v any) error
	// Save replaces a record as a whole, durably.
	Save(name string, v any) error
}

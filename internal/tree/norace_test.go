//go:build !race

package tree

// defaultSeeds is how many runs the property test makes.
const defaultSeeds = 2000

//go:build race

package tree

// defaultSeeds of the property test are fewer with the race detector, which costs ten times
// as much and has little to find in a package without goroutines.
const defaultSeeds = 200

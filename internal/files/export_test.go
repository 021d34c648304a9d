package files

import "context"

// Publish gives a name to what is stored.
func (fs *Files) Publish(ctx context.Context, f File, name string) (File, error) {
	f.Name = name
	return fs.supersede(ctx, f, true, true)
}

// Staged is a directory in which something is written.
type Staged struct{ s *staging }

// Stage begins to write to a target.
func Stage(target string) (Staged, error) {
	s, err := newStaging(target)
	return Staged{s}, err
}

// Dir is the directory.
func (s Staged) Dir() string { return s.s.dir }

// Kill ends the writing as the end of its process does.
func (s Staged) Kill() error { return s.s.locked.Close() }

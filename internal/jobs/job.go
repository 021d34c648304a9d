package jobs

import (
	"context"
	"time"

	"github.com/mootspace/moot"
)

// job is a job that has not ended.
type job struct {
	stored
	tasks      []*task
	ready      []*task // waiting for a worker, in order
	open       int     // unfinished tasks
	failed     int     // failed tasks
	started    time.Time
	times      []time.Duration // wall times of finished tasks, to find slow ones
	dirty      bool            // followers have not been notified
	busy       bool            // no task starts: the stage is being concluded
	ctx        context.Context //nolint:containedctx // of its attempts: a job outlives the call that submits it
	stop       context.CancelFunc
	next       *submittedJob              // submission received after it had ended, or while it started
	starting   bool                       // held, and being started
	looked     int                        // Coordinator.results when its sources were last looked for
	pool       []*worker                  // available workers
	dissenters map[moot.MemberID]bool     // members whose workers were outvoted
	excluded   map[moot.Key]*exclusion    // workers that could not run its tasks
	refused    map[moot.MemberID]struct{} // whose workers say that nobody can run them
	audited    map[moot.Key]bool          // in this stage, by a check after all that they returned on trust
	known      bool                       // the result cache has outcomes of the stage's program
	waits      string                     // why no task starts
	located    map[moot.Key]bool          // workers that were asked which inputs they hold
	locating   int                        // such questions without an answer
	ran        time.Duration              // wall time of the runs that have ended,
	ended      int                        // of so many
}

package plan

import "time"

// SetResolveTime says how long the outcome of a lost commit is looked for.
func (e *Executor) SetResolveTime(d time.Duration) { e.resolveTime = d }

// LockKey makes the number of an advisory lock.
func LockKey(parts ...string) int64 { return lockKey(parts...) }

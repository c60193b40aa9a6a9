package serve

import "golang.org/x/sys/unix"

// duplicate is dup2(2), which not every Linux has.
func duplicate(from, to int) error { return unix.Dup3(from, to, 0) }

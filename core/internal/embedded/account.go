package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the operating system's user that PostgreSQL runs as.
type account struct {
	name     string
	uid, gid int
}

// other reports whether it is somebody else than this process.
func (a account) other() bool { return a.uid != os.Geteuid() }

// credential is nil when PostgreSQL runs as this process does.
func (a account) credential() *syscall.Credential {
	if !a.other() {
		return nil
	}
	return &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)} //nolint:gosec // ids of the system's own user list
}

// chooseAccount keeps the owner that a cluster has. A new one belongs to whoever runs this
// process or, since PostgreSQL refuses to run as root, to postgres or nobody.
func chooseAccount(data string) (account, error) {
	self := os.Geteuid()
	owner, ok, err := ownerOf(data)
	switch {
	case err != nil:
		return account{}, err
	case self != 0 && ok && owner.uid != self:
		return account{}, fmt.Errorf("%s belongs to the account %s: run as that account, or as root", data, owner.name)
	case self != 0:
		return account{name: strconv.Itoa(self), uid: self, gid: os.Getegid()}, nil
	case ok && owner.uid != 0:
		return owner, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.Atoi(u.Uid)
		gid, gidErr := strconv.Atoi(u.Gid)
		if uidErr == nil && gidErr == nil && uid != 0 {
			return account{name: name, uid: uid, gid: gid}, nil
		}
	}
	return account{}, errors.New("PostgreSQL does not run as root, and there is no account postgres or nobody: " +
		"create one, run pakhus as an ordinary user, or give it a database URL")
}

func ownerOf(path string) (_ account, ok bool, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return account{}, false, nil
	}
	if err != nil {
		return account{}, false, fmt.Errorf("look at the cluster: %w", err)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return account{}, false, nil
	}
	a := account{name: strconv.Itoa(int(st.Uid)), uid: int(st.Uid), gid: int(st.Gid)}
	if u, err := user.LookupId(a.name); err == nil {
		a.name = u.Username
	}
	return a, true, nil
}

// blockedBy returns the directory above path that a may not pass through; "" if there is none.
func (a account) blockedBy(path string) string {
	if !a.other() {
		return ""
	}
	parent := filepath.Dir(path)
	if parent != path {
		if dir := a.blockedBy(parent); dir != "" {
			return dir
		}
	}
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return ""
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	mode := info.Mode().Perm()
	switch {
	case int(st.Uid) == a.uid:
		mode >>= 6
	case int(st.Gid) == a.gid:
		mode >>= 3
	}
	if mode&1 == 0 {
		return path
	}
	return ""
}

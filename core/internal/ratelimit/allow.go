package ratelimit

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// Allowed is somebody who is never counted; exactly one field is set.
type Allowed struct {
	network     netip.Prefix
	username    string
	userID      int64
	deployToken int64
}

// ParseAllowed reads an entry of the allow-list: a network (10.0.0.0/8), an
// address, user:7 and deploy_token:7 by number, or a user by name.
func ParseAllowed(s string) (Allowed, error) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return Allowed{network: p.Masked()}, nil
	}
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return Allowed{network: netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())}, nil
	}
	kind, number, numbered := strings.Cut(s, ":")
	if numbered {
		id, err := strconv.ParseUint(number, 10, 63)
		switch {
		case err != nil || id == 0:
		case kind == "user":
			return Allowed{userID: int64(id)}, nil
		case kind == "deploy_token":
			return Allowed{deployToken: int64(id)}, nil
		}
	} else if _, err := strconv.ParseUint(s, 10, 64); err == nil {
		return Allowed{}, fmt.Errorf("%q is a number: user:%s is the user with that id", s, s)
	} else if regexp.MustCompile(`^[A-Za-z0-9_.-]+$`).MatchString(s) {
		return Allowed{username: s}, nil
	}
	return Allowed{}, fmt.Errorf("%q is neither a network, an address, a user name, user:<id> nor deploy_token:<id>", s)
}

func (l *Limiter) allowed(from netip.Addr, actor registry.Actor) bool {
	for _, a := range l.allow {
		if a.has(from, actor) {
			return true
		}
	}
	return false
}

func (a Allowed) has(from netip.Addr, actor registry.Actor) bool {
	switch {
	case a.network.IsValid():
		return a.network.Contains(from)
	case actor.Kind == registry.User:
		return (a.userID != 0 && a.userID == actor.UserID) || (a.username != "" && strings.EqualFold(a.username, actor.Username))
	case actor.Kind == registry.DeployToken:
		return a.deployToken != 0 && a.deployToken == actor.OwnTokenID()
	}
	return false
}

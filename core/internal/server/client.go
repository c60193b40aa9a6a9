package server

import (
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// origin is how clients call this registry: as configured, else as this
// request's client did. A proxy's word is taken only if it is a trusted one.
func (s *Server) origin(r *http.Request) string {
	if s.ExternalURL != "" {
		return s.ExternalURL
	}
	scheme := "http"
	if r.TLS != nil || (s.fromTrustedProxy(r) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")) {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

func (s *Server) fromTrustedProxy(r *http.Request) bool {
	peer, ok := peerOf(r)
	return ok && s.trusts(peer)
}

func (s *Server) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(s.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// clientIP is who has sent the request, as far as it can be believed: the peer,
// or if that is a trusted proxy, whom it says it got the request from, and so on.
// What stands further left in X-Forwarded-For anybody may have written. The zero
// Addr is a peer without an address.
func (s *Server) clientIP(r *http.Request) netip.Addr {
	client, _ := peerOf(r)
	if len(s.TrustedProxies) == 0 {
		return client
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !s.trusts(client) {
			break
		}
		before, ok := parseHop(strings.TrimSpace(hop))
		if !ok {
			break // the last one that could be read is as far as it goes
		}
		client = before
	}
	return client
}

// parseHop reads an address of X-Forwarded-For; some proxies write its port too.
func parseHop(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a.Unmap().WithZone(""), true
	}
	ap, err := netip.ParseAddrPort(s)
	return ap.Addr().Unmap().WithZone(""), err == nil
}

// peerOf is the address at the other end of the connection.
func peerOf(r *http.Request) (netip.Addr, bool) {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	return ap.Addr().Unmap(), err == nil
}

func acceptsGzip(h http.Header) bool {
	for _, v := range h.Values("Accept-Encoding") {
		for coding := range strings.SplitSeq(v, ",") {
			name, params, _ := strings.Cut(strings.TrimSpace(coding), ";")
			if strings.EqualFold(name, "gzip") {
				q, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(params), "q="), 64)
				return err != nil || q > 0 // no weight is full weight
			}
		}
	}
	return false
}

// matches reports whether If-None-Match names the tag (weakly, as RFC 9110 §13.1.2 says).
func matches(h http.Header, tag string) bool {
	weak := strings.TrimPrefix(tag, "W/")
	for _, v := range h.Values("If-None-Match") {
		for one := range strings.SplitSeq(v, ",") {
			if strings.TrimPrefix(strings.TrimSpace(one), "W/") == weak {
				return true
			}
		}
	}
	return false
}

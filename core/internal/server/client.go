package server

import (
	"net/http"
	"net/netip"
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
	if !ok {
		return false
	}
	for _, p := range s.TrustedProxies {
		if p.Contains(peer) {
			return true
		}
	}
	return false
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

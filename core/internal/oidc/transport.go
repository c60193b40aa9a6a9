package oidc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"
)

// transport asks an issuer for its documents. It keeps each answer for a while,
// also that there was none: whoever sends tokens with made-up keys makes nobody
// look for them more often than that.
type transport struct {
	base         http.RoundTripper
	loopbackHTTP bool
	again        time.Duration

	mu   sync.Mutex // also while asking: who comes meanwhile gets the same answer
	kept map[string]kept
}

// kept is an answer, and since when.
type kept struct {
	since  time.Time
	status int
	header http.Header
	body   []byte
	err    error
}

// maxDocument bounds what an issuer says of itself: a megabyte are thousands of keys.
const maxDocument = 1 << 20

var errRedirect = errors.New("an issuer must not redirect")

func refuseRedirect(*http.Request, []*http.Request) error { return errRedirect }

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := CheckURL(req.URL, t.loopbackHTTP); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	for address, k := range t.kept {
		if now.Sub(k.since) >= t.again {
			delete(t.kept, address)
		}
	}
	address := req.URL.String()
	k, ok := t.kept[address]
	if !ok {
		k = t.ask(req)
		k.since = time.Now()
		t.kept[address] = k
	}
	if k.err != nil {
		return nil, k.err
	}
	return &http.Response{
		Status: http.StatusText(k.status), StatusCode: k.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: k.header.Clone(), Body: io.NopCloser(bytes.NewReader(k.body)), ContentLength: int64(len(k.body)), Request: req,
	}, nil
}

func (t *transport) ask(req *http.Request) kept {
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		return kept{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	if err == nil && len(body) > maxDocument {
		err = fmt.Errorf("%s is larger than %d bytes", req.URL.Redacted(), maxDocument)
	}
	return kept{status: resp.StatusCode, header: resp.Header, body: body, err: err}
}

// CheckURL reports why an issuer cannot be at a URL: it is not https, which only
// on a loopback address it may do without, and only where that is allowed.
func CheckURL(u *url.URL, loopbackHTTP bool) error {
	switch {
	case u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("%q is not the URL of an issuer", u.Redacted())
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && loopbackHTTP && loopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("%q is not https", u.Redacted())
}

// loopback is of addresses alone: a name may be anybody's tomorrow.
func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}

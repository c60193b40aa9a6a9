package server

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/pakhus/pakhus/core/internal/packages"
)

// pageHeaders says where a page lies in its list, in GitLab's headers. rows is
// how many the page has. A list that is too long to be counted has no total and
// no last page.
func (s *Server) pageHeaders(h http.Header, r *http.Request, page packages.Page, extent packages.Extent, rows int) {
	counted := extent.Total <= packages.Countable
	pages := max(1, (extent.Total+page.Size-1)/page.Size)
	var previous, next, last int
	if page.Number > 1 && rows > 0 {
		previous = page.Number - 1
	}
	if extent.More {
		next = page.Number + 1
	}
	if counted {
		last = pages
	}
	h.Set("X-Page", strconv.Itoa(page.Number))
	h.Set("X-Per-Page", strconv.Itoa(page.Size))
	h.Set("X-Prev-Page", unlessZero(previous))
	h.Set("X-Next-Page", unlessZero(next))
	if counted {
		h.Set("X-Total", strconv.Itoa(extent.Total))
		h.Set("X-Total-Pages", strconv.Itoa(pages))
	}
	var links []string
	for _, l := range []struct {
		rel    string
		number int
	}{{"prev", previous}, {"next", next}, {"first", 1}, {"last", last}} {
		if l.number > 0 {
			links = append(links, "<"+s.pageURL(r, l.number, page.Size)+`>; rel="`+l.rel+`"`)
		}
	}
	h.Set("Link", strings.Join(links, ", "))
}

// pageURL is the request's own URL, for another page.
func (s *Server) pageURL(r *http.Request, number, size int) string {
	query := r.URL.Query()
	query.Set("page", strconv.Itoa(number))
	query.Set("per_page", strconv.Itoa(size))
	return s.origin(r) + r.URL.EscapedPath() + "?" + query.Encode()
}

func unlessZero(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

package spec

import "net/http"

// DirectRow is the answer where the route's only prefetched query, of one column
// of text, returns one row: the core sends the text with 200, without asking the
// plugin, whose handler must answer no differently. Where the query returns none,
// or several, the plugin decides.
type DirectRow struct {
	ContentType string
}

// Answer is the answer for what the route's queries have returned; nil: the plugin decides.
func (d *DirectRow) Answer(prefetched [][]Row) *HTTPResponse {
	if d == nil || len(prefetched) != 1 || len(prefetched[0]) != 1 || len(prefetched[0][0]) != 1 {
		return nil
	}
	for _, value := range prefetched[0][0] {
		if text, ok := value.(string); ok {
			return &HTTPResponse{Status: http.StatusOK, Header: http.Header{"Content-Type": {d.ContentType}}, Body: []byte(text)}
		}
	}
	return nil
}

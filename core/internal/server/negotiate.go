package server

import (
	"net/http"
	"strings"

	"github.com/elnormous/contenttype"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// negotiate picks the media type to answer with: the first of offers if the
// client has no preference, the client's favourite otherwise (RFC 9110 §12.5.1).
// Clients that accept none of them get the first: package clients send strange
// Accept headers, and a document they did not ask for serves them better than 406.
func negotiate(offers []string, h http.Header) (string, error) {
	if len(offers) == 0 {
		return "", nil
	}
	accept := strings.Join(h.Values("Accept"), ",")
	if accept == "" || len(offers) == 1 {
		return offers[0], nil
	}
	available := make([]contenttype.MediaType, 0, len(offers))
	for _, o := range offers {
		available = append(available, contenttype.NewMediaType(o))
	}
	chosen, _, err := contenttype.GetAcceptableMediaTypeFromHeader(accept, available)
	if err != nil {
		if strings.ContainsAny(accept, "\r\n\x00") {
			return "", registry.Errorf(registry.CodeInvalid, "the Accept header is not valid")
		}
		return offers[0], nil
	}
	return chosen.MIME(), nil
}

package ratelimit

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// ExceededError is the refusal of a client that has sent too many requests. Its code
// is registry.CodeTooManyRequests.
type ExceededError struct {
	Name Name
	Throttle
	Observed int       // requests in this window, with this one
	Now      time.Time // when this one was refused
	Reset    time.Time // when the next window begins
}

// Error implements error.
func (e *ExceededError) Error() string {
	return fmt.Sprintf("%s: %d requests in %s, where %d are allowed", e.Name, e.Observed, e.Period, e.Requests)
}

// Unwrap returns the error with the code and the words for the client.
func (e *ExceededError) Unwrap() error {
	return registry.Errorf(registry.CodeTooManyRequests, "Retry later")
}

// The body of the answer, whatever the format: GitLab's.
const (
	ContentType = "text/plain"
	Body        = "Retry later\n"
)

// SetHeader writes the headers of the answer: GitLab's, spelled as GitLab does.
func (e *ExceededError) SetHeader(h http.Header) {
	period := int(e.Period / time.Second)
	perMinute := (e.Requests*60 + period - 1) / period // rounded up
	for name, value := range map[string]string{
		"RateLimit-Name":      string(e.Name),
		"RateLimit-Limit":     strconv.Itoa(perMinute),
		"RateLimit-Observed":  strconv.Itoa(e.Observed),
		"RateLimit-Remaining": "0",
		"RateLimit-Reset":     strconv.FormatInt(e.Reset.Unix(), 10),
		"RateLimit-ResetTime": e.Reset.UTC().Format(http.TimeFormat),
		"Retry-After":         strconv.FormatInt(e.Reset.Unix()-e.Now.Unix(), 10),
	} {
		h[name] = []string{value} // Set would write Ratelimit-Name
	}
}

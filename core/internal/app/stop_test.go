package app

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

// A request that does not end keeps nobody from stopping, and is told so by a
// broken connection; stopping is no failure.
func TestStoppingBreaksOffWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	began, told := make(chan struct{}), make(chan struct{})
	web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done()
		close(told)
	}))
	defer web.Close()
	answered := make(chan error, 1)
	go func() {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.URL, nil)
		if err != nil {
			answered <- err
			return
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		answered <- err
	}()
	<-began
	if err := stop(t.Context(), web.Config, 10*time.Millisecond, hclog.NewNullLogger()); err != nil {
		t.Errorf("stopping failed: %v", err)
	}
	if err := <-answered; err == nil {
		t.Error("the client got an answer")
	}
	<-told
}

func TestAnAddressIsNamedAsAClientCanCallIt(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"127.0.0.1:8080": "http://127.0.0.1:8080", "0.0.0.0:80": "http://localhost:80", "[::]:8080": "http://localhost:8080", "[::1]:1": "http://[::1]:1",
	} {
		tcp, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if got := urlOf(tcp); got != want {
			t.Errorf("%s: %s", address, got)
		}
	}
}

package download_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"

	"github.com/pakhus/pakhus/core/internal/download"
	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/core/internal/storage/storagetest"
)

// watched is a listener whose connections note what they are told to send by
// themselves. The kernel sends a file if, and only if, a *net.TCPConn is handed
// an *os.File, or a limited one, in this way.
type watched struct {
	*net.TCPListener
	mu    sync.Mutex
	files []int64
	other int
}

func (l *watched) Accept() (net.Conn, error) {
	c, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	return &watchedConn{TCPConn: c, l: l}, nil
}

type watchedConn struct {
	*net.TCPConn
	l *watched
}

func (c *watchedConn) ReadFrom(r io.Reader) (int64, error) {
	c.l.mu.Lock()
	limited, ok := r.(*io.LimitedReader)
	if ok {
		_, ok = limited.R.(*os.File)
	}
	if ok {
		c.l.files = append(c.l.files, limited.N)
	} else {
		c.l.other++
	}
	c.l.mu.Unlock()
	return c.TCPConn.ReadFrom(r)
}

func listen(t *testing.T, h http.Handler) (*watched, string) {
	t.Helper()
	tcp, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	l := &watched{TCPListener: tcp}
	server := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() {
		_ = server.Shutdown(context.WithoutCancel(t.Context()))
		<-done
	})
	return l, "http://" + tcp.Addr().String()
}

func TestServe_theKernelSendsFiles(t *testing.T) {
	t.Parallel()
	all := data()
	blobs := stores(t)["filesystem"]
	key := storagetest.Commit(t, blobs, all)
	open := func() storage.Blob {
		b, err := blobs.Open(t.Context(), key)
		if err != nil {
			t.Error(err)
		}
		return b
	}
	for frame, h := range handlers(open, download.Meta{SHA256: key}) {
		for ranges, want := range map[string][]byte{"": all, "bytes=100000-399999": all[100000:400000]} {
			t.Run(frame+"/"+ranges, func(t *testing.T) {
				t.Parallel()
				l, url := listen(t, h)
				_, body, err := ask(t, "GET", url, map[string]string{"Range": ranges})
				if err != nil || !bytes.Equal(body, want) {
					t.Fatalf("got %d bytes, %v", len(body), err)
				}
				l.mu.Lock()
				defer l.mu.Unlock()
				// net/http sends the first bytes itself, with the headers.
				const first = 512
				if len(l.files) != 1 || l.files[0] != int64(len(want)-first) || l.other != 0 {
					t.Errorf("the kernel was given files of %v bytes, and %d other things; want one of %d", l.files, l.other, len(want)-first)
				}
			})
		}
	}
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// target is a running registry.
type target struct {
	name   string
	base   string // of npm's package URLs, without a slash at the end
	maven  string // of Maven's, likewise; empty: it does not speak it
	token  string
	data   string // its folder
	client *http.Client

	buffers sync.Pool // of *[]byte, to read answers with

	launch func(ctx context.Context) (*exec.Cmd, error) // the process, ready to answer
	first  time.Duration                                // until ready for the first time
	cmd    *exec.Cmd
}

// newTarget starts what launch launches.
func newTarget(ctx context.Context, name, data string, launch func(ctx context.Context) (*exec.Cmd, error)) (*target, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true, ReadBufferSize: 32 << 10, WriteBufferSize: 32 << 10}
	t := &target{name: name, data: data, launch: launch, client: &http.Client{Transport: transport, Timeout: 5 * time.Minute}}
	var err error
	t.first, err = t.start(ctx)
	if err != nil {
		return nil, err
	}
	return t, nil
}

// start launches the process and tells how long it took to be ready.
func (t *target) start(ctx context.Context) (time.Duration, error) {
	begin := time.Now()
	cmd, err := t.launch(ctx)
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", t.name, err)
	}
	t.cmd = cmd
	return time.Since(begin), nil
}

// stop ends the process in its own way.
func (t *target) stop() {
	t.client.CloseIdleConnections()
	_ = t.cmd.Process.Signal(syscall.SIGTERM)
	_ = t.cmd.Wait()
}

func (t *target) pid() int { return t.cmd.Process.Pid }

// launched runs a command and waits until url answers with the status.
func launched(ctx context.Context, url string, status int, program string, args ...string) (*exec.Cmd, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	said := &tail{}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !answers(ctx, url, status) {
		select {
		case <-ctx.Done():
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			return nil, fmt.Errorf("%s does not answer at %s:\n%s", program, url, said)
		case <-tick.C:
		}
	}
	return cmd, nil
}

func answers(ctx context.Context, url string, status int) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == status
}

// tail keeps the beginning of what a process says, for the error that quotes it.
type tail struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := 64<<10 - t.text.Len(); room > 0 {
		t.text.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

func freeAddress(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// publish sends a body.
func (t *target) publish(ctx context.Context, b body) error {
	status := http.StatusCreated
	if t.name != verdaccio {
		status = http.StatusOK
	}
	_, err := t.expect(ctx, status, http.MethodPut, "/"+b.name, b.json, http.Header{"Content-Type": {"application/json"}, "Npm-Command": {"publish"}})
	return err
}

// expect sends one request below the base of npm.
func (t *target) expect(ctx context.Context, status int, method, path string, body []byte, header http.Header) (http.Header, error) {
	return t.expectAt(ctx, status, method, t.base+path, body, header)
}

// expectAt sends one request, reads its answer to the end and returns the
// headers. Another status than the one expected is an error.
func (t *target) expectAt(ctx context.Context, status int, method, url string, body []byte, header http.Header) (http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = header.Clone()
	req.Header.Set("Authorization", "Bearer "+t.token)
	resp, err := t.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != status {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 500))
		return nil, fmt.Errorf("%s %s: %s, not %d: %s", method, url, resp.Status, status, text)
	}
	if read, err := t.discard(resp.Body); err != nil {
		return nil, fmt.Errorf("%s %s: after %d bytes: %w", method, url, read, err)
	}
	return resp.Header, nil
}

// discard reads in large pieces: the client shares the processor with the server.
func (t *target) discard(r io.Reader) (int64, error) {
	buf, ok := t.buffers.Get().(*[]byte)
	if !ok {
		buf = new(make([]byte, 256<<10))
	}
	defer t.buffers.Put(buf)
	var read int64
	for {
		n, err := r.Read(*buf)
		read += int64(n)
		if errors.Is(err, io.EOF) {
			return read, nil
		}
		if err != nil {
			return read, err
		}
	}
}

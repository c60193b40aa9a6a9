package plugins

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

// listening has a voice whose clock stands still, and what is logged of it.
func listening() (*voice, *logBuffer, *time.Time) {
	log, now := &logBuffer{}, time.Unix(1000, 0)
	v := newVoice(hclog.New(&hclog.LoggerOptions{JSONFormat: true, Output: log, Level: hclog.Trace}).With("plugin", "demo"))
	v.now = func() time.Time { return now }
	return v, log, &now
}

func TestLinesComeInPieces(t *testing.T) {
	t.Parallel()
	v, log, _ := listening()
	s := v.stream()
	for _, piece := range []string{"one ", "line\ntwo", " lines\r\n\n", `{"@message":"a`, ` b","@level":"error"}`, "\nnot ended"} {
		if n, err := s.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	}
	for _, want := range []string{`"line":"one line"`, `"line":"two lines"`, `"@message":"a b"`} {
		if log.line(want) == "" {
			t.Errorf("not logged: %s", want)
		}
	}
	if n := strings.Count(log.text.String(), "\n"); n != 3 {
		t.Errorf("%d lines were logged", n)
	}
}

func TestTooManyLinesAreDroppedAndCounted(t *testing.T) {
	t.Parallel()
	v, log, now := listening()
	s := v.stream()
	for range maxLinesPerSecond + 50 {
		_, _ = s.Write([]byte("noise\n"))
	}
	if n := strings.Count(log.text.String(), "noise"); n != maxLinesPerSecond {
		t.Errorf("%d lines were logged", n)
	}
	*now = now.Add(time.Second)
	_, _ = s.Write([]byte("quiet\n"))
	if log.line("dropped", `"count":50`) == "" || log.line("quiet") == "" {
		t.Errorf("log: %s", log.text.String())
	}
}

func TestLastWordsAreThePanic(t *testing.T) {
	t.Parallel()
	v, _, _ := listening()
	s := v.stream()
	for _, line := range []string{"before", "panic: boom", "[signal 11]", "", "goroutine 1 [running]:", "main.main()", "\tfile.go:1", "exit", "more", "and more"} {
		_, _ = s.Write([]byte(line + "\n"))
	}
	if got := v.lastLines(); got != "panic: boom / [signal 11]" {
		t.Errorf("got %q", got)
	}
}

func FuzzWhatAPluginSays(f *testing.F) {
	for _, seed := range []string{
		`{"@level":"info","@message":1}`, `{"@level":"info","@message":"m","a":{"b":[1,null]}}`, "panic: x", "{}", `{"@message":"m"} {}`,
		"\xff\x00\x1b[31m", `{"@message":"m\u001b","@level":"OFF","pid":0,"":1,"@caller":"x"}`, strings.Repeat("[", 100),
	} {
		f.Add([]byte(seed + "\n"))
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		v, log, _ := listening()
		if n, err := v.stream().Write(said); n != len(said) || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
		for line := range strings.Lines(log.text.String()) {
			var entry map[string]any
			if err := json.Unmarshal([]byte(line), &entry); err != nil {
				t.Fatalf("%q is not a log entry: %v", line, err)
			}
			if entry["plugin"] != "demo" {
				t.Errorf("said in another's name: %s", line)
			}
		}
		if got := len(v.lastLines()); got > keptLines*(keptBytes+len("… / ")) {
			t.Errorf("%d bytes of last words", got)
		}
	})
}

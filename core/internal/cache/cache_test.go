package cache_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/core/internal/cache"
)

func TestAnswersAreKeptWithinTheirBound(t *testing.T) {
	t.Parallel()
	answers, err := cache.New(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	body := bytes.Repeat([]byte("x"), 64<<10)
	for i := range 200 {
		answers.Put("about "+fmt.Sprint(i), fmt.Sprint(i), cache.NewAnswer(http.Header{}, body))
	}
	count := func() int {
		kept := 0
		for i := range 200 {
			if _, ok := answers.Get(fmt.Sprint(i)); ok {
				kept++
			}
		}
		return kept
	}
	// What is too much leaves in the background.
	deadline := time.After(30 * time.Second)
	for count() > 16 {
		select {
		case <-deadline:
			t.Fatalf("%d answers of 64 KiB kept in 1 MiB", count())
		case <-time.After(time.Millisecond):
		}
	}
	if count() == 0 {
		t.Fatal("nothing is kept")
	}
}

func TestGzip(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("some text that repeats ", 1000)
	a := cache.NewAnswer(http.Header{}, []byte(text))
	r, err := gzip.NewReader(bytes.NewReader(a.Gzip()))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err != nil || string(got) != text {
		t.Fatalf("unzipped %d bytes, %v", len(got), err)
	}
	if cache.NewAnswer(http.Header{}, []byte("small")).Gzip() != nil {
		t.Fatal("a small body was compressed")
	}
}

func TestASubjectIsKnownOnceAnAnswerAboutItWasKept(t *testing.T) {
	t.Parallel()
	answers, err := cache.New(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	if answers.Knows("a") {
		t.Error("a subject is known of which nothing was kept")
	}
	answers.Put("a", "tag", cache.NewAnswer(http.Header{}, nil))
	if !answers.Knows("a") || answers.Knows("tag") {
		t.Error("a subject is not known, or a tag is taken for one")
	}
	answers.Changed("b", "c")
	if !answers.Knows("a", "d") || answers.Knows("a", "d", "c") {
		t.Error("what has changed, and nothing else, ends what is known")
	}
	answers.Put("a", "another tag", cache.NewAnswer(http.Header{}, nil))
	if !answers.Knows("a", "c") {
		t.Error("a subject is not known again after its answer was made anew")
	}
}

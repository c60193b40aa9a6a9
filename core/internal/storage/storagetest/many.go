package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/pakhus/pakhus/core/internal/storage"
)

func (t exam) readBack() {
	data := make([]byte, 300_000)
	for i := range data {
		data[i] = byte(i / 7)
	}
	b, err := t.blobs.Open(t.Context(), Commit(t.T, t.blobs, data))
	must(t.T, err)
	defer func() { must(t.T, b.Close()) }()
	if at, err := b.Seek(-10, io.SeekEnd); err != nil || at != int64(len(data)-10) {
		t.Errorf("Seek: %d, %v", at, err)
	}
	if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, data[len(data)-10:]) {
		t.Errorf("the last bytes read %v, %v", got, err)
	}
	var readers sync.WaitGroup
	for i := range 8 {
		readers.Go(func() {
			got, from := make([]byte, 1000), i*30_000
			if _, err := b.ReadAt(got, int64(from)); err != nil || !bytes.Equal(got, data[from:from+1000]) {
				t.Errorf("ReadAt %d: wrong bytes, %v", from, err)
			}
		})
	}
	readers.Wait()
	if n, err := b.ReadAt(make([]byte, 100), int64(len(data)-10)); n != 10 || !errors.Is(err, io.EOF) {
		t.Errorf("ReadAt over the end: %d, %v", n, err)
	}
	if _, err := b.Seek(0, io.SeekStart); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, data) {
		t.Errorf("after ReadAt and Seek: %d bytes, %v", len(got), err)
	}
}

// together stages and commits data from many goroutines at once.
func together(t *testing.T, blobs storage.Blobs, data []byte, n int) {
	t.Helper()
	var (
		writers sync.WaitGroup
		start   = make(chan struct{})
	)
	for range n {
		s := Stage(t, blobs, data)
		writers.Go(func() {
			<-start
			if err := s.Commit(t.Context(), Key(data)); err != nil {
				t.Errorf("Commit: %v", err)
			}
		})
	}
	close(start)
	writers.Wait()
}

func (t exam) oneKey() {
	for i := range 5 {
		data := bytes.Repeat([]byte{byte(i)}, 5000)
		together(t.T, t.blobs, data, 8)
		if got := Read(t.T, t.blobs, Key(data)); !bytes.Equal(got, data) {
			t.Errorf("the blob has %d bytes", len(got))
		}
	}
	if all := Keys(t.T, t.blobs); len(all) != 5 {
		t.Errorf("Walk sees %d t.blobs, want 5", len(all))
	}
}

func (t exam) collected() {
	data := []byte("wanted and not wanted")
	stop, collector := make(chan struct{}), sync.WaitGroup{}
	collector.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := t.blobs.Delete(t.Context(), Key(data)); err != nil {
				t.Errorf("Delete: %v", err)
			}
		}
	})
	for range 5 {
		together(t.T, t.blobs, data, 4)
	}
	close(stop)
	collector.Wait()
	Commit(t.T, t.blobs, data)
	if got := Read(t.T, t.blobs, Key(data)); !bytes.Equal(got, data) {
		t.Errorf("the blob reads %q", got)
	}
}

func (t exam) walked() {
	want := map[storage.Key]int64{}
	for i := range 20 {
		data := fmt.Appendf(nil, "blob %0*d", i, i)
		want[Commit(t.T, t.blobs, data)] = int64(len(data))
	}
	gone := Commit(t.T, t.blobs, []byte("deleted"))
	must(t.T, t.blobs.Delete(t.Context(), gone))
	Stage(t.T, t.blobs, []byte("staged"))
	all := Keys(t.T, t.blobs)
	for key, size := range want {
		info, err := t.blobs.Stat(t.Context(), key)
		must(t.T, err)
		if got := all[key]; got.Size != size || !got.ModTime.Equal(info.ModTime) || info.Size != size {
			t.Errorf("Walk says %+v, Stat says %+v, the size is %d", got, info, size)
		}
	}
	if len(all) != len(want) {
		t.Errorf("Walk sees %d t.blobs, want %d", len(all), len(want))
	}
}

func (t exam) walkEnds() {
	Commit(t.T, t.blobs, []byte("a"))
	Commit(t.T, t.blobs, []byte("b"))
	enough, calls := errors.New("enough"), 0
	err := t.blobs.Walk(t.Context(), func(storage.Key, storage.Info) error { calls++; return enough })
	if !errors.Is(err, enough) || calls != 1 {
		t.Errorf("Walk: %v after %d calls", err, calls)
	}
	ctx, cancel := context.WithCancel(t.Context())
	calls = 0
	err = t.blobs.Walk(ctx, func(storage.Key, storage.Info) error { calls++; cancel(); return nil })
	if !errors.Is(err, context.Canceled) || calls != 1 {
		t.Errorf("Walk under a context that ends: %v after %d calls", err, calls)
	}
}

func (t exam) swept() {
	kept := Commit(t.T, t.blobs, []byte("kept"))
	s := Stage(t.T, t.blobs, []byte("forgotten"))
	open, err := t.blobs.Stage(t.Context())
	must(t.T, err)
	_, err = open.Write([]byte("being written"))
	must(t.T, err)
	defer func() { must(t.T, open.Discard()) }()
	if n, err := t.blobs.Sweep(t.Context(), time.Now().Add(-time.Hour)); err != nil || n != 0 {
		t.Errorf("Sweep of what is old: %d, %v; nothing is", n, err)
	}
	must(t.T, s.Commit(t.Context(), Key([]byte("forgotten"))))
	must(t.T, t.blobs.Delete(t.Context(), Key([]byte("forgotten"))))
	// The committed one's staged bytes are there until Discard, at the test's end.
	if n, err := t.blobs.Sweep(t.Context(), time.Now().Add(time.Hour)); err != nil || n != 3 {
		t.Errorf("Sweep of all: %d, %v; want 3", n, err)
	}
	err = s.Commit(t.Context(), Key([]byte("forgotten")))
	if err == nil || errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Commit of swept bytes: %v", err)
	}
	if _, err := s.Open(t.Context()); err == nil || errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Open of swept bytes: %v", err)
	}
	if got := Read(t.T, t.blobs, kept); string(got) != "kept" {
		t.Errorf("a blob reads %q after Sweep", got)
	}
}

// Package storagetest is the exam that every blob store sits.
package storagetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/pakhus/pakhus/core/internal/storage"
)

// Run examines stores that open makes. Each is empty and nobody else's.
func Run(t *testing.T, open func(t *testing.T) storage.Blobs) {
	t.Helper()
	for _, question := range []struct {
		name string
		ask  func(exam)
	}{
		{"bytes are invisible until they are committed", exam.invisible},
		{"a blob is read back whole, from anywhere, by many", exam.readBack},
		{"a blob may be empty", exam.empty},
		{"what is not there is ErrNotFound", exam.notFound},
		{"a commit may be repeated, and outlives Discard", exam.repeated},
		{"a commit starts the blob's time anew", exam.refreshed},
		{"equal bytes are stored once", exam.once},
		{"a blob of another length is a fault, and stays", exam.damaged},
		{"a deleted blob is gone, but not for who reads it", exam.deleted},
		{"staged bytes bring a deleted blob back", exam.broughtBack},
		{"writers of one blob do not hinder one another", exam.oneKey},
		{"writers and a collector of one blob do not hinder one another", exam.collected},
		{"Walk sees every blob and nothing else", exam.walked},
		{"Walk ends with its first error", exam.walkEnds},
		{"Sweep takes what was forgotten, and that only", exam.swept},
		{"staged bytes are used in order", exam.misused},
		{"a request that is over commits nothing", exam.over},
	} {
		t.Run(question.name, func(t *testing.T) {
			t.Parallel()
			question.ask(exam{T: t, blobs: open(t)})
		})
	}
}

// exam is one question to one store.
type exam struct {
	*testing.T
	blobs storage.Blobs
}

// Key returns the key of data.
func Key(data []byte) storage.Key { return sha256.Sum256(data) }

// Stage stages data and seals it. It is discarded when the test ends.
func Stage(tb testing.TB, blobs storage.Blobs, data []byte) storage.Staged {
	tb.Helper()
	s, err := blobs.Stage(tb.Context())
	must(tb, err)
	tb.Cleanup(func() { must(tb, s.Discard()) })
	n, err := s.Write(data)
	must(tb, err)
	if n != len(data) {
		tb.Fatalf("wrote %d of %d bytes", n, len(data))
	}
	must(tb, s.Seal(tb.Context()))
	return s
}

// Commit makes data a blob and returns its key.
func Commit(tb testing.TB, blobs storage.Blobs, data []byte) storage.Key {
	tb.Helper()
	must(tb, Stage(tb, blobs, data).Commit(tb.Context(), Key(data)))
	return Key(data)
}

// Read returns a blob's content.
func Read(tb testing.TB, blobs storage.Blobs, key storage.Key) []byte {
	tb.Helper()
	b, err := blobs.Open(tb.Context(), key)
	must(tb, err)
	defer func() { must(tb, b.Close()) }()
	data, err := io.ReadAll(b)
	must(tb, err)
	if b.Size() != int64(len(data)) {
		tb.Errorf("Size is %d, and there are %d bytes", b.Size(), len(data))
	}
	return data
}

// Keys returns the keys of all blobs.
func Keys(tb testing.TB, blobs storage.Blobs) map[storage.Key]storage.Info {
	tb.Helper()
	all := map[storage.Key]storage.Info{}
	must(tb, blobs.Walk(tb.Context(), func(k storage.Key, i storage.Info) error {
		if _, ok := all[k]; ok {
			tb.Errorf("Walk sees %s twice", k)
		}
		all[k] = i
		return nil
	}))
	return all
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func wantNotFound(t *testing.T, blobs storage.Blobs, key storage.Key) {
	t.Helper()
	if _, err := blobs.Open(t.Context(), key); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Open: %v, want ErrNotFound", err)
	}
	if _, err := blobs.Stat(t.Context(), key); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Stat: %v, want ErrNotFound", err)
	}
}

func (t exam) invisible() {
	data := []byte("not yet")
	s := Stage(t.T, t.blobs, data)
	wantNotFound(t.T, t.blobs, Key(data))
	if all := Keys(t.T, t.blobs); len(all) != 0 {
		t.Errorf("Walk sees %v", all)
	}
	b, err := s.Open(t.Context())
	must(t.T, err)
	defer func() { must(t.T, b.Close()) }()
	if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, data) || b.Size() != int64(len(data)) {
		t.Errorf("the staged bytes read %q, %v", got, err)
	}
	must(t.T, s.Commit(t.Context(), Key(data)))
	if got := Read(t.T, t.blobs, Key(data)); !bytes.Equal(got, data) {
		t.Errorf("the blob reads %q", got)
	}
}

func (t exam) empty() {
	key := Commit(t.T, t.blobs, nil)
	if got := Read(t.T, t.blobs, key); len(got) != 0 {
		t.Errorf("an empty blob reads %q", got)
	}
	if info, err := t.blobs.Stat(t.Context(), key); err != nil || info.Size != 0 {
		t.Errorf("Stat: %+v, %v", info, err)
	}
}

func (t exam) notFound() {
	wantNotFound(t.T, t.blobs, storage.Key{})
	must(t.T, t.blobs.Delete(t.Context(), storage.Key{}))
	if n, err := t.blobs.Sweep(t.Context(), time.Now()); err != nil || n != 0 {
		t.Errorf("Sweep of an empty store: %d, %v", n, err)
	}
}

func (t exam) repeated() {
	data := []byte("again and again")
	s := Stage(t.T, t.blobs, data)
	for range 3 {
		must(t.T, s.Commit(t.Context(), Key(data)))
	}
	must(t.T, s.Discard())
	must(t.T, s.Discard())
	if got := Read(t.T, t.blobs, Key(data)); !bytes.Equal(got, data) {
		t.Errorf("the blob reads %q", got)
	}
}

func (t exam) once() {
	data := []byte("the same")
	Commit(t.T, t.blobs, data)
	Commit(t.T, t.blobs, data)
	if all := Keys(t.T, t.blobs); len(all) != 1 || all[Key(data)].Size != int64(len(data)) {
		t.Errorf("Walk sees %v", all)
	}
}

func (t exam) refreshed() {
	data := []byte("old")
	s := Stage(t.T, t.blobs, data)
	last := time.Now()
	// Of staged bytes, too, what counts is when they are committed.
	for what, commit := range map[string]func(){
		"a first commit":  func() { must(t.T, s.Commit(t.Context(), Key(data))) },
		"a second commit": func() { must(t.T, s.Commit(t.Context(), Key(data))) },
		"equal bytes":     func() { Commit(t.T, t.blobs, data) },
	} {
		commit()
		info, err := t.blobs.Stat(t.Context(), Key(data))
		must(t.T, err)
		if !info.ModTime.After(last) {
			t.Errorf("after %s the time is %v, before it was %v", what, info.ModTime, last)
		}
		last = info.ModTime
	}
}

func (t exam) damaged() {
	key := Key([]byte("some key"))
	must(t.T, Stage(t.T, t.blobs, []byte("right")).Commit(t.Context(), key))
	err := Stage(t.T, t.blobs, []byte("wrong length")).Commit(t.Context(), key)
	if err == nil || errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Commit over a blob of another length: %v", err)
	}
	if got := Read(t.T, t.blobs, key); string(got) != "right" {
		t.Errorf("the blob reads %q", got)
	}
}

func (t exam) deleted() {
	data := bytes.Repeat([]byte("still read "), 10_000)
	key := Commit(t.T, t.blobs, data)
	b, err := t.blobs.Open(t.Context(), key)
	must(t.T, err)
	defer func() { must(t.T, b.Close()) }()
	must(t.T, t.blobs.Delete(t.Context(), key))
	must(t.T, t.blobs.Delete(t.Context(), key))
	wantNotFound(t.T, t.blobs, key)
	if all := Keys(t.T, t.blobs); len(all) != 0 {
		t.Errorf("Walk sees %v", all)
	}
	if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, data) {
		t.Errorf("who had it open reads %d bytes, %v", len(got), err)
	}
}

func (t exam) broughtBack() {
	data := []byte("collected too early")
	s := Stage(t.T, t.blobs, data)
	must(t.T, s.Commit(t.Context(), Key(data)))
	must(t.T, t.blobs.Delete(t.Context(), Key(data)))
	must(t.T, s.Commit(t.Context(), Key(data)))
	if got := Read(t.T, t.blobs, Key(data)); !bytes.Equal(got, data) {
		t.Errorf("the blob reads %q", got)
	}
}

func (t exam) over() {
	data := []byte("too late")
	s := Stage(t.T, t.blobs, data)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Commit(ctx, Key(data)); !errors.Is(err, context.Canceled) {
		t.Errorf("Commit: %v", err)
	}
	wantNotFound(t.T, t.blobs, Key(data))
}

func (t exam) misused() {
	refused := func(what string, err error) {
		t.Helper()
		if err == nil {
			t.Errorf("%s is no error", what)
		}
	}
	s, err := t.blobs.Stage(t.Context())
	must(t.T, err)
	_, err = s.Open(t.Context())
	refused("Open before Seal", err)
	refused("Commit before Seal", s.Commit(t.Context(), storage.Key{}))
	must(t.T, s.Seal(t.Context()))
	must(t.T, s.Seal(t.Context()))
	_, err = s.Write([]byte("x"))
	refused("Write after Seal", err)
	must(t.T, s.Discard())
	_, err = s.Open(t.Context())
	refused("Open after Discard", err)
	refused("Commit after Discard", s.Commit(t.Context(), Key(nil)))
	wantNotFound(t.T, t.blobs, Key(nil))

	s, err = t.blobs.Stage(t.Context())
	must(t.T, err)
	must(t.T, s.Discard())
	_, err = s.Write([]byte("x"))
	refused("Write after Discard", err)
	refused("Seal after Discard", s.Seal(t.Context()))
}

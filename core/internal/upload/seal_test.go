package upload_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/sdk/spec"
)

// sealing is a store that seals as it is told.
type sealing struct {
	storage.Blobs
	seal func() error
}

func (b sealing) Stage(ctx context.Context) (storage.Staged, error) {
	staged, err := b.Blobs.Stage(ctx)
	return sealed{staged, b.seal}, err
}

type sealed struct {
	storage.Staged
	seal func() error
}

func (s sealed) Seal(ctx context.Context) error {
	if err := s.seal(); err != nil {
		return err
	}
	return s.Staged.Seal(ctx)
}

func TestALargeFileIsFlushedWhileOthersGoOn(t *testing.T) {
	t.Parallel()
	flushed := make(chan struct{})
	in := setup(spec.BodyRawFile)
	in.blobs = sealing{in.blobs, func() error { <-flushed; return nil }}
	data := random(storage.MaxSmallFile + 1)
	body := in.accept(t, data) // not after the flush, or this would never end
	if !body.Staged() {
		t.Error("a large file has nothing in the store")
	}
	committed := make(chan error)
	go func() { committed <- body.Files[0].Commit(t.Context()) }()
	select {
	case err := <-committed:
		t.Fatalf("committed before its bytes were on the disk: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(flushed)
	if err := <-committed; err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(content(t, body.Files[0]), data) {
		t.Error("other bytes came back")
	}
}

func TestAFileWhoseFlushFailedIsNotStored(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is broken")
	in := setup(spec.BodyRawFile)
	in.blobs = sealing{in.blobs, func() error { return broken }}
	body := in.accept(t, random(storage.MaxSmallFile+1))
	for range 2 { // a plan is tried more than once
		if err := body.Files[0].Commit(t.Context()); !errors.Is(err, broken) {
			t.Errorf("committed: %v", err)
		}
	}
	if _, err := body.Files[0].Open(t.Context()); !errors.Is(err, broken) {
		t.Errorf("opened: %v", err)
	}
	body.Discard()
	in.wantEmpty(t)
}

func TestWhatIsSmallIsNotStaged(t *testing.T) {
	t.Parallel()
	if setup(spec.BodyRawFile).accept(t, random(storage.MaxSmallFile)).Staged() {
		t.Error("a small file is in the store before it is committed")
	}
}

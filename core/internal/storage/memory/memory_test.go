package memory_test

import (
	"testing"

	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/core/internal/storage/memory"
	"github.com/pakhus/pakhus/core/internal/storage/storagetest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, func(*testing.T) storage.Blobs { return memory.New() })
}

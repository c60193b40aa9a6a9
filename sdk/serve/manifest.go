package serve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/pakhus/pakhus/sdk/internal/wire"
	"github.com/pakhus/pakhus/sdk/spec"
)

// printManifest writes p's manifest as JSON, with the field names of
// manifest.proto. The same manifest gives the same bytes.
func printManifest(w io.Writer, p spec.Plugin) error {
	m, err := p.Manifest()
	if err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	converted, err := wire.ManifestToProto(m)
	if err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	data, err := (protojson.MarshalOptions{UseProtoNames: true}).Marshal(converted)
	if err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, data, "", "  "); err != nil { // protojson's own spacing varies on purpose
		return fmt.Errorf("manifest: %w", err)
	}
	out.WriteByte('\n')
	_, err = w.Write(out.Bytes())
	return err
}

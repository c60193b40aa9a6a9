package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"
)

// mavenUpload is one file ready to be sent.
type mavenUpload struct {
	path string // below the target's base
	data []byte
}

func (u mavenUpload) put(ctx context.Context, t *target) error {
	_, err := t.expectAt(ctx, http.StatusOK, http.MethodPut, t.maven+"/"+u.path, u.data, http.Header{})
	return err
}

// mavenVersion is what one deployment sends, in its order.
type mavenVersion []mavenUpload

func (v mavenVersion) put(ctx context.Context, t *target) error {
	for _, u := range v {
		if err := u.put(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// mavenFileNames are the paths of a version's files: jar, POM, sources, javadoc.
func mavenFileNames(name, version string) []string {
	base := fmt.Sprintf("%s/%s/%s-%s", name, version, path.Base(name), version)
	return []string{base + ".jar", base + ".pom", base + "-sources.jar", base + "-javadoc.jar"}
}

// newMavenVersion makes a version of four files of mavenFile bytes, none of
// which can be compressed or shared.
func newMavenVersion(name, version string) mavenVersion {
	var all mavenVersion
	for _, file := range mavenFileNames(name, version) {
		if strings.HasSuffix(file, ".pom") {
			all = append(all, mavenUpload{file, newPOM(name, version, "jar", mavenFile)})
		} else {
			all = append(all, mavenUpload{file, newJar(mavenFile)})
		}
	}
	return all
}

// newPOMOnly makes a version that is a POM alone.
func newPOMOnly(name, version string) mavenVersion {
	return mavenVersion{{mavenFileNames(name, version)[1], newPOM(name, version, "pom", 0)}}
}

// newJar makes a zip of a size.
func newJar(size int) []byte {
	made := func(noise int) []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		member := must(w.CreateHeader(&zip.FileHeader{Name: "com/example/Noise.class", Method: zip.Store}))
		content := make([]byte, noise)
		_, _ = rand.Read(content) // it never fails
		must(member.Write(content))
		check(w.Close())
		return b.Bytes()
	}
	return made(size - len(made(0)))
}

// newPOM makes a POM, padded to a size with a description that is like no other.
func newPOM(name, version, packaging string, size int) []byte {
	group, artifact := strings.ReplaceAll(path.Dir(name), "/", "."), path.Base(name)
	noise := make([]byte, 16)
	var b bytes.Buffer
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>%s</groupId>
  <artifactId>%s</artifactId>
  <version>%s</version>
  <packaging>%s</packaging>
  <licenses><license><name>Apache-2.0</name></license></licenses>
  <dependencies>
`, group, artifact, version, packaging)
	for i := range 10 {
		fmt.Fprintf(&b, "    <dependency><groupId>org.example.lib</groupId><artifactId>lib-%d</artifactId><version>1.%d</version></dependency>\n", i, i)
	}
	b.WriteString("  </dependencies>\n  <description>a package of the benchmark ")
	const end = "</description>\n</project>\n"
	for first := true; first || b.Len() < size-len(end); first = false {
		_, _ = rand.Read(noise) // it never fails
		text := hex.EncodeToString(noise)
		if !first {
			text = text[:min(len(text), size-len(end)-b.Len())]
		}
		b.WriteString(text)
	}
	b.WriteString(end)
	return b.Bytes()
}

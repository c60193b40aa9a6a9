// Package descriptor reads META-INF/maven/plugin.xml, in which a Maven plugin
// says what it is.
package descriptor

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/pakhus/pakhus/sdk/strictxml"
)

// MaxBytes bounds a plugin.xml. It has every parameter of every goal, with its
// description, and that of a large plugin is a few megabytes long.
const MaxBytes = 8 << 20

// maxText bounds each text, in bytes.
const maxText = 255

// Plugin is what a repository must know of a plugin: the prefix ("mvn
// prefix:goal") is found by the metadata of the group.
type Plugin struct {
	Name       string // may be empty
	GroupID    string
	ArtifactID string
	Version    string
	GoalPrefix string // as written; may be empty, and is [DefaultPrefix] then
}

// Parse reads a plugin.xml. The error is a sentence for who uploaded it.
func Parse(data []byte) (Plugin, error) {
	var d struct {
		Name       strictxml.Text `xml:"name"`
		GroupID    strictxml.Text `xml:"groupId"`
		ArtifactID strictxml.Text `xml:"artifactId"`
		Version    strictxml.Text `xml:"version"`
		GoalPrefix strictxml.Text `xml:"goalPrefix"`
	}
	if err := strictxml.Unmarshal(data, &d, strictxml.Root("plugin"), strictxml.MaxBytes(MaxBytes), strictxml.HTMLEntities()); err != nil {
		return Plugin{}, fmt.Errorf("the plugin.xml is not valid: %w", err)
	}
	for _, f := range []struct {
		element, text string
		required      bool
	}{
		{"name", d.Name.Value, false},
		{"groupId", d.GroupID.Value, true},
		{"artifactId", d.ArtifactID.Value, true},
		{"version", d.Version.Value, true},
		{"goalPrefix", d.GoalPrefix.Value, false},
	} {
		if f.required && f.text == "" {
			return Plugin{}, errors.New("the plugin.xml has no " + f.element)
		}
		if len(f.text) > maxText {
			return Plugin{}, fmt.Errorf("the plugin.xml's %s has more than %d bytes", f.element, maxText)
		}
	}
	return Plugin{
		Name:       d.Name.Value,
		GroupID:    d.GroupID.Value,
		ArtifactID: d.ArtifactID.Value,
		Version:    d.Version.Value,
		GoalPrefix: d.GoalPrefix.Value,
	}, nil
}

// defaultWords is the pattern of PluginDescriptor.getGoalPrefixFromArtifactId (maven-plugin-api).
var defaultWords = regexp.MustCompile(`-?(?:maven|plugin)-?`)

// DefaultPrefix is the prefix of a plugin that says none, by Maven's rule: "x" of
// "maven-x-plugin" and of "x-maven-plugin".
func DefaultPrefix(artifactID string) string {
	if artifactID == "maven-plugin-plugin" {
		return "plugin"
	}
	return defaultWords.ReplaceAllString(artifactID, "")
}

package pom

import (
	"net/url"
	"unicode/utf8"

	"github.com/pakhus/pakhus/plugins/maven/internal/layout"
	"github.com/pakhus/pakhus/sdk/strictxml"
)

// document is a POM of model 4.0.0 (maven-model, maven.mdo), in part.
type document struct {
	ModelVersion strictxml.Text                 `xml:"modelVersion"`
	Parent       strictxml.Once[coordinates]    `xml:"parent"`
	GroupID      strictxml.Text                 `xml:"groupId"`
	ArtifactID   strictxml.Text                 `xml:"artifactId"`
	Version      strictxml.Text                 `xml:"version"`
	Packaging    strictxml.Text                 `xml:"packaging"`
	Name         strictxml.Text                 `xml:"name"`
	Description  strictxml.Text                 `xml:"description"`
	URL          strictxml.Text                 `xml:"url"`
	Dependencies strictxml.Once[dependencyList] `xml:"dependencies"`
	Licenses     strictxml.Once[struct {
		License []struct {
			Name strictxml.Text `xml:"name"`
			URL  strictxml.Text `xml:"url"`
		} `xml:"license"`
	}] `xml:"licenses"`
	SCM strictxml.Once[struct {
		URL strictxml.Text `xml:"url"`
	}] `xml:"scm"`
	DependencyManagement strictxml.Once[struct {
		Dependencies strictxml.Once[dependencyList] `xml:"dependencies"`
	}] `xml:"dependencyManagement"`
	DistributionManagement strictxml.Once[struct {
		Relocation strictxml.Once[coordinates] `xml:"relocation"`
	}] `xml:"distributionManagement"`
}

type dependencyList struct {
	Dependency []dependency `xml:"dependency"`
}

type dependency struct {
	GroupID    strictxml.Text `xml:"groupId"`
	ArtifactID strictxml.Text `xml:"artifactId"`
	Version    strictxml.Text `xml:"version"`
	Scope      strictxml.Text `xml:"scope"`
	Optional   strictxml.Text `xml:"optional"`
	Type       strictxml.Text `xml:"type"`
	Classifier strictxml.Text `xml:"classifier"`
}

type coordinates struct {
	GroupID    strictxml.Text `xml:"groupId"`
	ArtifactID strictxml.Text `xml:"artifactId"`
	Version    strictxml.Text `xml:"version"`
}

func (c *coordinates) coordinates() layout.Coordinates {
	return layout.Coordinates{GroupID: c.GroupID.Value, ArtifactID: c.ArtifactID.Value, Version: c.Version.Value}
}

// webURL returns what a page can link to: a URL of http or https, or nothing.
func webURL(text string) string {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxURL || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return ""
	}
	return text
}

// cut returns the beginning of s of at most n bytes, and no half characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

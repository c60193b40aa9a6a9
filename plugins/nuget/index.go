package nuget

import (
	"context"
	"net/http"

	"github.com/pakhus/pakhus/sdk"
)

type resource struct {
	ID      string `json:"@id"`
	Type    string `json:"@type"`
	Comment string `json:"comment,omitzero"`
}

// index is the service index: which address does what. Each client knows some
// of the names of a resource, and takes the first that it finds of its own list.
func index(_ context.Context, r *sdk.Request) (sdk.Outcome, error) {
	var all []resource
	add := func(path, comment string, types ...string) {
		for _, t := range types {
			all = append(all, resource{r.BaseURL + path, t, comment})
		}
	}
	add("/download/", "Packages and their versions", "PackageBaseAddress/3.0.0")
	add("/metadata-semver1/", "Metadata of packages that NuGet before 4.3 can read", "RegistrationsBaseUrl", "RegistrationsBaseUrl/3.0.0-beta", "RegistrationsBaseUrl/3.0.0-rc", "RegistrationsBaseUrl/3.4.0")
	add("/metadata/", "Metadata of all packages", "RegistrationsBaseUrl/3.6.0", "RegistrationsBaseUrl/Versioned")
	add("/query", "Search", "SearchQueryService", "SearchQueryService/3.0.0-beta", "SearchQueryService/3.0.0-rc", "SearchQueryService/3.4.0", "SearchQueryService/3.5.0", "SearchQueryService/Versioned")
	add("/autocomplete", "Ids and versions while they are typed", "SearchAutocompleteService", "SearchAutocompleteService/3.0.0-beta", "SearchAutocompleteService/3.0.0-rc", "SearchAutocompleteService/3.5.0", "SearchAutocompleteService/Versioned")
	add("/download/{lower_id}/{lower_version}/readme", "Readmes", "ReadmeUriTemplate/6.13.0")
	add("/vulnerabilities/index.json", "Known vulnerabilities: none", "VulnerabilityInfo/6.7.0")
	add("/v2", "The older protocol", "LegacyGallery", "LegacyGallery/2.0.0")
	if isHTTPS(r.BaseURL) { // clients refuse it otherwise
		add("/repository-signatures/index.json", "This registry signs nothing", "RepositorySignatures/4.7.0", "RepositorySignatures/4.9.0", "RepositorySignatures/5.0.0")
	}
	if r.Project.ID != 0 {
		// Clients put a slash behind it.
		add("", "Push, delete and relist", "PackagePublish/2.0.0", "PackagePublish/Versioned")
		add("/symbolpackage", "Push of symbol packages", "SymbolPackagePublish/4.9.0", "SymbolPackagePublish/Versioned")
	}
	return sdk.JSON(http.StatusOK, struct {
		Version   string     `json:"version"`
		Resources []resource `json:"resources"`
	}{"3.0.0", all}), nil
}

func isHTTPS(url string) bool { return len(url) > 8 && url[:8] == "https://" }

// vulnerabilities is the list of pages of known vulnerabilities. This registry
// knows of none: one empty page says so, and keeps clients from asking elsewhere.
func vulnerabilities(_ context.Context, r *sdk.Request) (sdk.Outcome, error) {
	type page struct {
		Name    string `json:"@name"`
		ID      string `json:"@id"`
		Updated string `json:"@updated"`
	}
	return sdk.JSON(http.StatusOK, []page{{"none", r.BaseURL + "/vulnerabilities/none.json", "2026-01-01T00:00:00.000Z"}}), nil
}

func vulnerabilitiesPage(context.Context, *sdk.Request) (sdk.Outcome, error) {
	return sdk.JSON(http.StatusOK, struct{}{}), nil
}

// signatures says that the registry signs no package.
func signatures(context.Context, *sdk.Request) (sdk.Outcome, error) {
	return sdk.JSON(http.StatusOK, struct {
		AllRepositorySigned bool       `json:"allRepositorySigned"`
		SigningCertificates []struct{} `json:"signingCertificates"`
	}{false, []struct{}{}}), nil
}

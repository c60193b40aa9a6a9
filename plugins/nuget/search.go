package nuget

import (
	"context"
	stdjson "encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pakhus/pakhus/plugins/nuget/internal/names"
	"github.com/pakhus/pakhus/plugins/nuget/internal/version"
	"github.com/pakhus/pakhus/sdk"
)

const (
	defaultTake = 20
	// maxTake is nuget.org's. GitLab's is 30, and clients that ask for more take a
	// shorter page for the last.
	maxTake = 1000
)

// idsQuery finds packages of which a listed version has every word in its id,
// title, description, authors or tags: an exact id first, then by id.
func idsQuery() sdk.NamedQuery {
	return sdk.NamedQuery{
		Name: "ids",
		SQL: `
			select p.name_key, count(*) over ()
			from core_api.packages p
			join metadata m on m.package_id = p.id
			where p.project_id = any ($1) and p.status in ('default', 'deprecated')
			  and ($3 or not m.prerelease) and ($4 or not m.semver2) and ($5 = '' or lower($5) = any (select lower(t) from unnest(m.package_types) t))
			  and not exists (
				select from unnest($2) w
				where p.name not ilike '%' || w || '%' and m.title not ilike '%' || w || '%' and m.description not ilike '%' || w || '%'
				  and m.authors not ilike '%' || w || '%' and not exists (select from unnest(m.tags) t where t ilike w)
			  )
			group by p.name_key
			order by p.name_key <> $6, p.name_key
			limit $7 offset $8`,
		ArgumentTypes: []string{"text[]", "boolean", "boolean", "text", "text", "bigint", "bigint"},
		Result:        []sdk.QueryColumn{{Name: "name_key", Type: "text"}, {Name: "total", Type: "bigint"}},
	}
}

// listedQuery finds the listed versions of some packages.
func listedQuery() sdk.NamedQuery {
	return sdk.NamedQuery{
		Name: "listed",
		SQL: `
			select distinct on (p.name_key, p.version_key) p.id, p.name_key, p.version
			from core_api.packages p
			join metadata m on m.package_id = p.id
			where p.project_id = any ($1) and p.name_key = any ($2) and p.status in ('default', 'deprecated')
			  and ($3 or not m.prerelease) and ($4 or not m.semver2)
			  and exists (select from core_api.package_files f where f.package_id = p.id and f.file_key = 'nupkg')
			order by p.name_key, p.version_key, p.id desc`,
		ArgumentTypes: []string{"text[]", "boolean", "boolean"},
		Result:        []sdk.QueryColumn{{Name: "id", Type: "bigint"}, {Name: "name_key", Type: "text"}, {Name: "version", Type: "text"}},
	}
}

// manifestsQuery reads what is kept of some versions; their ids are given as text.
func manifestsQuery() sdk.NamedQuery {
	return sdk.NamedQuery{
		Name: "manifests",
		SQL: `
			select p.id, p.name_key, p.version, p.status, p.created_at, m.manifest, m.semver2, coalesce(f.size, 0), f.sha512
			from core_api.packages p
			join metadata m on m.package_id = p.id
			left join core_api.package_files f on f.package_id = p.id and f.file_key = 'nupkg'
			where p.project_id = any ($1) and p.id = any ($2::bigint[])
			order by p.id`,
		ArgumentTypes: []string{"text[]"},
		Result: []sdk.QueryColumn{
			{Name: "id", Type: "bigint"},
			{Name: "name_key", Type: "text"},
			{Name: "version", Type: "text"},
			{Name: "status", Type: "text"},
			{Name: "created_at", Type: "timestamptz"},
			{Name: "manifest", Type: "json"},
			{Name: "semver2", Type: "boolean"},
			{Name: "size", Type: "bigint"},
			{Name: "sha512", Type: "bytea"},
		},
	}
}

// wanted is what a search asks for.
type wanted struct {
	words       []string
	exact       string // an id that comes first
	prerelease  bool
	semVer2     bool
	packageType string
	skip, take  int64
}

func parseWanted(r *sdk.Request) (wanted, error) {
	w := wanted{packageType: r.Query("packageType"), semVer2: true, prerelease: true, words: []string{}}
	// As in GitLab, versions of all kinds unless told otherwise; clients do tell.
	if text := r.Query("prerelease"); text != "" {
		var err error
		if w.prerelease, err = strconv.ParseBool(text); err != nil {
			return w, sdk.BadRequest("prerelease is %q, not true or false", text)
		}
	}
	for word := range strings.FieldsSeq(r.Query("q")) {
		// nuget.org's fields, as far as there is something to look in.
		for _, field := range []string{"packageid:", "id:", "tags:", "tag:", "title:", "description:", "author:"} { //nolint:misspell // nuget.org's field
			if rest, ok := strings.CutPrefix(strings.ToLower(word), field); ok {
				word = strings.Trim(rest, `"`)
			}
		}
		w.words = append(w.words, escapeLike(word))
	}
	w.exact = names.Key(strings.TrimSpace(r.Query("q")))
	var err error
	if w.skip, err = number(r, "skip", 0, 0); err != nil {
		return w, err
	}
	w.take, err = number(r, "take", defaultTake, 1)
	w.take = min(w.take, maxTake)
	return w, err
}

func number(r *sdk.Request, name string, fallback, least int64) (int64, error) {
	text := r.Query(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < least {
		return 0, sdk.BadRequest("%s does not have a valid value: %q", name, text)
	}
	return n, nil
}

// escapeLike takes the wildcards out of a text for LIKE.
func escapeLike(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

// ids finds the packages of a page, and how many there are in all.
func (w wanted) ids(ctx context.Context, r *sdk.Request) ([]string, int64, error) {
	query := func(skip, take int64) ([]sdk.Row, error) {
		return r.Meta.Query(ctx, "ids", w.words, w.prerelease, w.semVer2, w.packageType, w.exact, take, skip)
	}
	rows, err := query(w.skip, w.take)
	if err != nil {
		return nil, 0, err
	}
	if len(rows) == 0 && w.skip > 0 {
		// Beyond the end the total is not in any row.
		first, err := query(0, 1)
		if err != nil || len(first) == 0 {
			return nil, 0, err
		}
		total, _ := first[0]["total"].(int64)
		return nil, total, nil
	}
	keys, total := make([]string, 0, len(rows)), int64(0)
	for _, row := range rows {
		key, _ := row["name_key"].(string)
		keys = append(keys, key)
		total, _ = row["total"].(int64)
	}
	return keys, total, nil
}

// listed is one listed version of a package.
type listed struct {
	id      int64
	version string
	release // only its key, until the manifest is read
}

// listedOf finds the listed versions of packages, in their order.
func (w wanted) listedOf(ctx context.Context, r *sdk.Request, keys []string) (map[string][]listed, error) {
	rows, err := r.Meta.Query(ctx, "listed", keys, w.prerelease, w.semVer2)
	if err != nil {
		return nil, err
	}
	all := map[string][]listed{}
	for _, row := range rows {
		key, _ := row["name_key"].(string)
		one := listed{}
		one.id, _ = row["id"].(int64)
		one.version, _ = row["version"].(string)
		if one.key, err = version.Parse(one.version); err != nil {
			return nil, err
		}
		all[key] = append(all[key], one)
	}
	for _, versions := range all {
		slices.SortFunc(versions, func(a, b listed) int { return a.key.Compare(b.key) })
	}
	return all, nil
}

// described is a version with all that is kept of it.
type described struct {
	release

	nameKey string
	size    int64
	sha512  []byte
}

// describe reads the manifests of versions, by the packages' ids.
func describe(ctx context.Context, r *sdk.Request, ids []int64) (map[int64]described, error) {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatInt(id, 10)
	}
	out := map[int64]described{}
	for part := range slices.Chunk(texts, 1000) {
		rows, err := r.Meta.Query(ctx, "manifests", part)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			id, _ := row["id"].(int64)
			v, _ := row["version"].(string)
			raw, _ := row["manifest"].(stdjson.RawMessage)
			semVer2, _ := row["semver2"].(bool)
			status, _ := row["status"].(string)
			published, _ := row["created_at"].(time.Time)
			d := described{}
			if d.release, err = newRelease(v, raw, semVer2, status, published); err != nil {
				return nil, err
			}
			d.nameKey, _ = row["name_key"].(string)
			d.size, _ = row["size"].(int64)
			d.sha512, _ = row["sha512"].([]byte)
			out[id] = d
		}
	}
	return out, nil
}

// found is a package of a search: its versions that were asked for, and what the
// highest of them says.
type found struct {
	key      string
	versions []listed
	top      release
}

// foundOf reads what a search shows of packages.
func (w wanted) foundOf(ctx context.Context, r *sdk.Request, keys []string) ([]found, error) {
	versions, err := w.listedOf(ctx, r, keys)
	if err != nil {
		return nil, err
	}
	var highest []int64
	for _, key := range keys {
		if all := versions[key]; len(all) > 0 {
			highest = append(highest, all[len(all)-1].id)
		}
	}
	details, err := describe(ctx, r, highest)
	if err != nil {
		return nil, err
	}
	var out []found
	for _, key := range keys {
		all := versions[key]
		if len(all) == 0 {
			continue // deleted between the two reads
		}
		if top, ok := details[all[len(all)-1].id]; ok {
			out = append(out, found{key, all, top.release})
		}
	}
	return out, nil
}

type searchAnswer struct {
	TotalHits int64       `json:"totalHits"`
	Data      []searchHit `json:"data"`
}

type searchHit struct {
	Type           string          `json:"@type"`
	ID             string          `json:"@id"`
	Registration   string          `json:"registration"`
	PackageID      string          `json:"id"`
	Version        string          `json:"version"`
	Title          string          `json:"title"`
	Description    string          `json:"description"`
	Summary        string          `json:"summary"`
	Authors        string          `json:"authors"`
	Tags           []string        `json:"tags"`
	IconURL        string          `json:"iconUrl,omitzero"`
	LicenseURL     string          `json:"licenseUrl,omitzero"`
	ProjectURL     string          `json:"projectUrl,omitzero"`
	PackageTypes   []packageType   `json:"packageTypes"`
	TotalDownloads int             `json:"totalDownloads"`
	Verified       bool            `json:"verified"`
	Versions       []searchVersion `json:"versions"`
}

type searchVersion struct {
	ID        string `json:"@id"`
	Version   string `json:"version"`
	Downloads int    `json:"downloads"`
}

// search answers "nuget search" and Visual Studio: packages, and what their
// highest version that was asked for says.
func search(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	w, err := parseWanted(r)
	if err != nil {
		return nil, err
	}
	answer := searchAnswer{Data: []searchHit{}}
	keys, total, err := w.ids(ctx, r)
	if err != nil {
		return nil, err
	}
	answer.TotalHits = total
	found, err := w.foundOf(ctx, r, keys)
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		answer.Data = append(answer.Data, f.hit(r))
	}
	return sdk.JSON(http.StatusOK, answer), nil
}

func (f found) hit(r *sdk.Request) searchHit {
	h, key, top := everything(), f.key, f.top
	place := r.BaseURL + "/download/" + key + "/" + top.lower()
	out := searchHit{
		Type: "Package", ID: h.index(r, key), Registration: h.index(r, key), PackageID: top.ID, Version: top.Version, Title: top.title(),
		Description: top.Description, Summary: top.Summary, Authors: top.Authors, Tags: append([]string{}, top.Tags...),
		IconURL: top.iconURL(place), LicenseURL: top.licenseURL(place), ProjectURL: top.ProjectURL, PackageTypes: top.PackageTypes, Verified: true,
	}
	if len(out.PackageTypes) == 0 {
		out.PackageTypes = []packageType{{Name: "Dependency"}}
	}
	for _, v := range f.versions {
		out.Versions = append(out.Versions, searchVersion{ID: r.BaseURL + h.path + key + "/" + v.lower() + ".json", Version: v.version})
	}
	return out
}

// autocomplete answers with ids that begin with a text or have it in them, or with
// the versions of one id.
func autocomplete(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	w, err := parseWanted(r)
	if err != nil {
		return nil, err
	}
	if id := r.Query("id"); id != "" {
		all, err := w.listedOf(ctx, r, []string{names.Key(id)})
		if err != nil {
			return nil, err
		}
		list := []string{}
		for _, v := range all[names.Key(id)] {
			list = append(list, v.key.Normalized())
		}
		return sdk.JSON(http.StatusOK, map[string]any{"totalHits": len(list), "data": list}), nil
	}
	keys, total, err := w.ids(ctx, r)
	if err != nil {
		return nil, err
	}
	found, err := w.foundOf(ctx, r, keys)
	if err != nil {
		return nil, err
	}
	ids := []string{}
	for _, f := range found {
		ids = append(ids, f.top.ID)
	}
	return sdk.JSON(http.StatusOK, map[string]any{"totalHits": total, "data": ids}), nil
}

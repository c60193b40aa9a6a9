package npm

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pakhus/pakhus/sdk"
)

const (
	defaultSize = 20
	maxSize     = 250
)

// searchQuery finds packages by their latest versions: every word must be in
// the name, the description or the keywords. What may be large is read for the
// page alone.
func searchQuery() sdk.NamedQuery {
	return sdk.NamedQuery{
		Name: "search",
		SQL: `
			select f.name, f.version, f.description, f.author, f.keywords, f.created_at, f.total,
			       left(m.manifest ->> 'homepage', 2048), left(m.manifest ->> 'repository', 2048),
			       left(m.manifest ->> 'bugs', 2048), left(m.manifest ->> 'license', 255)
			from (
				select n.id, n.name, n.version, n.created_at, d.description, d.author, d.keywords, count(*) over () as total
				from (
					select distinct on (p.name_key) p.id, p.name, p.version, p.created_at
					from core_api.packages p
					left join core_api.package_tags t on t.package_id = p.id and t.name = 'latest'
					where p.project_id = any ($1) and p.status in ('default', 'deprecated')
					  and exists (select from core_api.package_files f where f.package_id = p.id and f.file_name like '%.tgz' offset 0)
					order by p.name_key, t.name is null, p.id desc
				) n
				join metadata d on d.package_id = n.id
				where ($2 = '' or n.name like $2 || '/%')
				  and ($3 = '' or d.author ilike '%' || $3 || '%')
				  and d.keywords @> $4
				  and not exists (
					select from unnest($5) w
					where n.name not ilike '%' || w || '%' and d.description not ilike '%' || w || '%'
					  and not exists (select from unnest(d.keywords) k where k ilike '%' || w || '%')
				  )
				order by n.name
				limit $6 offset $7
			) f
			join metadata m on m.package_id = f.id
			order by f.name`,
		ArgumentTypes: []string{"text", "text", "text[]", "text[]", "bigint", "bigint"},
		Result: []sdk.QueryColumn{
			{Name: "name", Type: "text"},
			{Name: "version", Type: "text"},
			{Name: "description", Type: "text"},
			{Name: "author", Type: "text"},
			{Name: "keywords", Type: "text[]"},
			{Name: "created_at", Type: "timestamptz"},
			{Name: "total", Type: "bigint"},
			{Name: "homepage", Type: "text"},
			{Name: "repository", Type: "text"},
			{Name: "bugs", Type: "text"},
			{Name: "license", Type: "text"},
		},
	}
}

// terms are a search text taken apart: words, and npm's qualifiers.
type terms struct {
	words, keywords []string
	scope, author   string
}

func parseTerms(text string) terms {
	t := terms{words: []string{}, keywords: []string{}}
	for word := range strings.FieldsSeq(text) {
		key, value, _ := strings.Cut(word, ":")
		switch key {
		case "scope":
			t.scope = "@" + strings.TrimPrefix(escapeLike(value), "@")
		case "author", "maintainer":
			t.author = escapeLike(value)
		case "keywords":
			t.keywords = append(t.keywords, strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == '+' })...)
		case "is", "not", "boost-exact", "quality-weight", "popularity-weight", "maintenance-weight":
			// npmjs ranks by these; there is nothing to rank by here.
		default:
			t.words = append(t.words, escapeLike(word))
		}
	}
	return t
}

// escapeLike takes the wildcards out of a text for LIKE.
func escapeLike(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

// search answers "npm search".
func search(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	size, err := number(r, "size", defaultSize, maxSize)
	if err != nil {
		return nil, err
	}
	from, err := number(r, "from", 0, 1<<31)
	if err != nil {
		return nil, err
	}
	t := parseTerms(r.Query("text"))
	rows, err := r.Meta.Query(ctx, "search", t.scope, t.author, t.keywords, t.words, size, from)
	if err != nil {
		return nil, err
	}
	answer := searchAnswer{Objects: []searchObject{}}
	newest := time.Unix(0, 0)
	for _, row := range rows {
		answer.Total, _ = row["total"].(int64)
		answer.Objects = append(answer.Objects, objectOf(r.BaseURL, row))
		if published, _ := row["created_at"].(time.Time); published.After(newest) {
			newest = published
		}
	}
	answer.Time = stamp(newest) // a handler has no clock: one request, one answer
	return sdk.JSON(http.StatusOK, answer), nil
}

func number(r *sdk.Request, name string, fallback, most int64) (int64, error) {
	text := r.Query(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, sdk.BadRequest("%s is %q, not a number", name, text)
	}
	return min(n, most), nil
}

type searchAnswer struct {
	Objects []searchObject `json:"objects"`
	Total   int64          `json:"total"`
	Time    string         `json:"time"`
}

type searchObject struct {
	Package     searchPackage `json:"package"`
	Score       searchScore   `json:"score"`
	SearchScore float64       `json:"searchScore"`
}

type searchPackage struct {
	Name        string              `json:"name"`
	Scope       string              `json:"scope"`
	Version     string              `json:"version"`
	Description string              `json:"description"`
	License     string              `json:"license,omitzero"`
	Keywords    []string            `json:"keywords"`
	Date        string              `json:"date"`
	Links       map[string]string   `json:"links"`
	Author      map[string]string   `json:"author,omitzero"`
	Publisher   map[string]string   `json:"publisher"`
	Maintainers []map[string]string `json:"maintainers"`
}

// searchScore is what npmjs computes of popularity and upkeep. Here all
// packages are as good as each other.
type searchScore struct {
	Final  float64            `json:"final"`
	Detail map[string]float64 `json:"detail"`
}

func objectOf(base string, row sdk.Row) searchObject {
	text := func(column string) string { s, _ := row[column].(string); return s }
	published, _ := row["created_at"].(time.Time)
	keywords, _ := row["keywords"].([]string)
	p := searchPackage{
		Name: text("name"), Scope: "unscoped", Version: text("version"), Description: text("description"),
		License: text("license"), Keywords: append([]string{}, keywords...), Date: stamp(published),
		Links:     map[string]string{"npm": base + "/" + text("name")},
		Publisher: map[string]string{"username": text("author"), "email": ""}, Maintainers: []map[string]string{},
	}
	for _, link := range []string{"homepage", "repository", "bugs"} {
		if url := linkOf(text(link)); url != "" {
			p.Links[link] = url
		}
	}
	if scope, _ := splitName(p.Name); scope != "" {
		p.Scope = scope
	}
	if a := text("author"); a != "" {
		p.Author = map[string]string{"name": a}
	}
	score := searchScore{Final: 1, Detail: map[string]float64{"quality": 1, "popularity": 1, "maintenance": 1}}
	return searchObject{Package: p, Score: score, SearchScore: 1}
}

// linkOf is a link of a package.json: an address, or an object that has one.
func linkOf(written string) string {
	if strings.HasPrefix(written, "{") {
		return texts(jsontext.Value(written))["url"]
	}
	return written
}

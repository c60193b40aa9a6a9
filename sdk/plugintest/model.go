package plugintest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pakhus/pakhus/sdk/spec"
)

// scope is the one scope of all calls.
const scope = "test-scope"

// model is what a registry has stored of one format: in one project, and
// perhaps in others of its group.
type model struct {
	project  spec.Project
	projects map[int64]bool // all there are
	settings spec.PackageSettings
	packages []*stored // in the order they were created
	rows     map[string][]spec.Row
	unique   map[string][][]string
	queries  map[string]QueryFunc
	reserved map[place]bool // of packages that were destroyed
	jobs     []spec.EnqueueJob
	lastID   int64
	digests  []spec.Digest
}

type keys struct{ name, version string }

// place is where a package is, or was.
type place struct {
	project int64
	keys    keys
}

func (m *model) in(k keys) place { return place{m.project.ID, k} }

// stored is a package with what belongs to it.
type stored struct {
	spec.Package

	keys  keys
	tags  []string
	files []*storedFile
}

type storedFile struct {
	spec.PackageFile

	content []byte
}

func newModel(r *Registry, s State) (*model, error) {
	m := &model{
		project:  s.Project,
		settings: s.Settings,
		rows:     map[string][]spec.Row{},
		unique:   s.Unique,
		queries:  s.Queries,
		reserved: map[place]bool{},
		digests:  r.manifest.Limits.Digests,
	}
	if m.project == (spec.Project{}) {
		m.project = spec.Project{ID: 1, Path: "group/project", Visibility: spec.Private}
	}
	m.projects = map[int64]bool{m.project.ID: true}
	for table, rows := range s.Rows {
		for _, row := range rows {
			if err := m.insert(table, row); err != nil {
				return nil, err
			}
		}
	}
	for _, p := range s.Packages {
		if err := m.fill(p); err != nil {
			return nil, fmt.Errorf("package %s %s: %w", p.Name, p.Version, err)
		}
	}
	return m, nil
}

// fill stores a package of the initial state.
func (m *model) fill(p Package) error {
	create := spec.CreatePackage{Name: p.Name, Version: p.Version, NameKey: p.NameKey, VersionKey: p.VersionKey, Status: p.Status}
	if p.ProjectID == 0 {
		p.ProjectID = m.project.ID
	}
	m.projects[p.ProjectID] = true
	own := m.project
	defer func() { m.project = own }()
	m.project.ID = p.ProjectID // the rows are that project's
	pkg, ok := m.create(p.ProjectID, create)
	if !ok {
		return fmt.Errorf("stored twice")
	}
	pkg.tags = slices.Sorted(slices.Values(p.Tags))
	for table, rows := range p.Rows {
		for _, row := range rows {
			if err := m.insert(table, withColumn(row, "package_id", pkg.ID)); err != nil {
				return err
			}
		}
	}
	for _, f := range p.Files {
		file := m.attach(pkg, f.Name, f.Key, upload{
			content: f.Content,
			Upload:  spec.Upload{Size: int64(len(f.Content)), Digests: digests(f.Content, m.digests)},
		})
		for table, rows := range f.Rows {
			for _, row := range rows {
				if err := m.insert(table, withColumn(row, "package_file_id", file.ID)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// create stores a package unless its keys are taken.
func (m *model) create(projectID int64, c spec.CreatePackage) (*stored, bool) {
	k := keysOf(c)
	if m.find(func(p *stored) bool { return p.keys == k && p.ProjectID == projectID }) != nil {
		return nil, false
	}
	p := &stored{keys: k, Package: spec.Package{
		ID: m.next(), ProjectID: projectID, Name: c.Name, Version: c.Version, Status: or(c.Status, "default"), LockVersion: 1,
	}}
	p.CreatedAt = m.at(p.ID)
	p.UpdatedAt = p.CreatedAt
	m.packages = append(m.packages, p)
	return p, true
}

func (m *model) attach(p *stored, name, key string, u upload) *storedFile {
	f := &storedFile{content: u.content, PackageFile: spec.PackageFile{
		ID: m.next(), PackageID: p.ID, FileName: name, FileKey: or(key, name), Size: u.Size, Digests: u.Digests,
	}}
	f.CreatedAt = m.at(f.ID)
	p.files = append(p.files, f)
	return f
}

// next gives ids to packages and files from one sequence.
func (m *model) next() int64 { m.lastID++; return m.lastID }

// at is a clock that ticks with the ids, so that golden files stay as they are.
func (m *model) at(id int64) time.Time {
	return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(id) * time.Second)
}

func (m *model) byKeys(k keys) *stored {
	return m.find(func(p *stored) bool { return p.keys == k && p.ProjectID == m.project.ID })
}

func (m *model) byID(id int64) *stored {
	return m.find(func(p *stored) bool { return p.ID == id && p.ProjectID == m.project.ID })
}

func (m *model) find(fits func(*stored) bool) *stored {
	if i := slices.IndexFunc(m.packages, fits); i >= 0 {
		return m.packages[i]
	}
	return nil
}

func (m *model) file(id int64) (*stored, *storedFile) {
	for _, p := range m.packages {
		if p.ProjectID != m.project.ID {
			continue
		}
		for _, f := range p.files {
			if f.ID == id {
				return p, f
			}
		}
	}
	return nil, nil
}

// insert stores a row if no unique key refuses it.
func (m *model) insert(table string, row spec.Row) error {
	for _, key := range m.unique[table] {
		if i := m.rowEqual(table, row, key); i >= 0 {
			return fmt.Errorf("table %s: a row with the same %v is stored", table, key)
		}
	}
	m.rows[table] = append(m.rows[table], withColumn(row, "project_id", m.project.ID))
	return nil
}

// rowEqual returns the index of a row that is equal in some columns, or -1.
func (m *model) rowEqual(table string, row spec.Row, columns []string) int {
	return slices.IndexFunc(m.rows[table], func(other spec.Row) bool {
		return !slices.ContainsFunc(columns, func(c string) bool {
			if c == "project_id" {
				return !equal(m.project.ID, other[c])
			}
			return !equal(row[c], other[c])
		})
	})
}

// dropRows forgets the rows that fit.
func (m *model) dropRows(fits func(spec.Row) bool) {
	for table, rows := range m.rows {
		m.rows[table] = slices.DeleteFunc(rows, fits)
	}
}

// clone lets a plan be undone.
func (m *model) clone() *model {
	c := *m
	c.packages = make([]*stored, 0, len(m.packages))
	for _, p := range m.packages {
		pkg := *p
		pkg.tags = slices.Clone(p.tags)
		pkg.files = make([]*storedFile, 0, len(p.files))
		for _, f := range p.files {
			file := *f
			pkg.files = append(pkg.files, &file)
		}
		c.packages = append(c.packages, &pkg)
	}
	c.rows = map[string][]spec.Row{}
	for table, rows := range m.rows {
		for _, row := range rows {
			c.rows[table] = append(c.rows[table], maps.Clone(row))
		}
	}
	c.reserved = maps.Clone(m.reserved)
	c.jobs = slices.Clone(m.jobs)
	return &c
}

func keysOf(c spec.CreatePackage) keys {
	return keys{or(c.NameKey, c.Name), or(c.VersionKey, c.Version)}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func withColumn(row spec.Row, column string, value any) spec.Row {
	out := maps.Clone(row)
	if out == nil {
		out = spec.Row{}
	}
	out[column] = value
	return out
}

package plugintest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pakhus/pakhus/sdk/spec"
)

type commitState int

const (
	committed commitState = iota
	refused               // with the plan's own answer
	askAgain
)

// conflictError is a duplicate, for which the operation may have an answer.
type conflictError struct{ what string }

func (e *conflictError) Error() string { return e.what }

// commit applies a plan, or nothing of it. An error is a plan that the core
// would call the plugin's mistake.
func (m *model) commit(p *spec.Plan, uploads map[string]upload, several bool) (commitState, *spec.HTTPResponse, error) {
	if p.Empty() {
		return committed, nil, nil
	}
	id := p.ProjectID
	if !several && id == 0 {
		id = m.project.ID
	}
	if !m.projects[id] || (!several && id != m.project.ID) {
		return 0, nil, fmt.Errorf("a plan for project %d, which the request is not about (sdk.Plan.In names it)", id)
	}
	c := &change{model: m.clone(), uploads: uploads, packages: map[spec.Local]*stored{}, files: map[spec.Local]*storedFile{}}
	own := c.project
	c.project.ID = id // all below is about the project that is changed
	for _, pre := range p.Preconditions {
		if c.holds(pre.Check) {
			continue
		}
		return answered(pre.OnFailure)
	}
	for i, o := range p.Operations {
		err := c.run(o.Op)
		if _, ok := errors.AsType[*conflictError](err); ok {
			return answered(o.OnConflict)
		}
		if err != nil {
			return 0, nil, fmt.Errorf("operation %d, %T: %w", i+1, o.Op, err)
		}
	}
	c.jobs = append(c.jobs, p.Jobs...)
	c.project = own
	*m = *c.model
	return committed, nil, nil
}

func answered(answer *spec.HTTPResponse) (commitState, *spec.HTTPResponse, error) {
	if answer == nil {
		return askAgain, nil, nil
	}
	return refused, answer, nil
}

func (m *model) holds(check spec.Check) bool {
	switch c := check.(type) {
	case spec.PackageAbsent:
		k := keys{c.Name, c.Version}
		return m.byKeys(k) == nil && !m.reserved[m.in(k)]
	case spec.FileAbsent:
		return !m.hasFile(c.Name, c.Version, c.FileKey)
	case spec.FilePresent:
		return m.hasFile(c.Name, c.Version, c.FileKey)
	case spec.PackageUnchanged:
		p := m.byID(c.ID)
		return p != nil && p.LockVersion == c.LockVersion
	case spec.RowPresent:
		return slices.ContainsFunc(m.rows[c.Table], func(row spec.Row) bool { return rowFits(row, c.Where) })
	default:
		return false
	}
}

func (m *model) hasFile(name, version, key string) bool {
	p := m.byKeys(keys{name, version})
	return p != nil && slices.ContainsFunc(p.files, func(f *storedFile) bool { return f.FileKey == key })
}

// change is a plan on its way into a copy of the model.
type change struct {
	*model

	uploads  map[string]upload
	packages map[spec.Local]*stored
	files    map[spec.Local]*storedFile
}

func (c *change) run(op spec.Op) error {
	switch o := op.(type) {
	case spec.CreatePackage:
		return c.createPackage(o)
	case spec.UpdatePackage:
		return c.touch(o.Package, func(p *stored) error {
			p.Status, p.StatusMessage = or(o.Status, p.Status), o.StatusMessage
			return nil
		})
	case spec.DestroyPackage:
		return c.touch(o.Package, c.destroyPackage)
	case spec.AttachFile:
		return c.touch(o.Package, func(p *stored) error { return c.attachFile(p, o) })
	case spec.DestroyFile:
		p, f := c.file(o.FileID)
		if f == nil {
			return fmt.Errorf("no file %d", o.FileID)
		}
		p.LockVersion++
		c.destroyFile(p, f)
		return nil
	case spec.DestroyFiles:
		if o.FileKeyPrefix == "" {
			return fmt.Errorf("no prefix")
		}
		return c.touch(o.Package, func(p *stored) error {
			for _, f := range slices.Clone(p.files) {
				if strings.HasPrefix(f.FileKey, o.FileKeyPrefix) {
					c.destroyFile(p, f)
				}
			}
			return nil
		})
	case spec.SetTag:
		return c.touch(o.Package, func(p *stored) error { return c.setTag(p, o) })
	case spec.RemoveTag:
		for _, p := range c.model.packages {
			if p.keys.name == o.Name && p.ProjectID == c.project.ID {
				p.tags = slices.DeleteFunc(p.tags, func(t string) bool { return t == o.Tag })
			}
		}
		return nil
	case spec.UpsertRow:
		return c.upsertRow(o)
	case spec.DeleteRows:
		return c.deleteRows(o)
	default:
		return fmt.Errorf("unknown operation")
	}
}

// touch finds the package an operation is about and counts the change.
func (c *change) touch(ref spec.PackageRef, do func(*stored) error) error {
	p := c.packages[ref.Local]
	if ref.Local == "" {
		p = c.byID(ref.ID)
	}
	if p == nil {
		return fmt.Errorf("no package %q %d", ref.Local, ref.ID)
	}
	if ref.Local == "" {
		p.LockVersion++
	}
	return do(p)
}

func (c *change) createPackage(o spec.CreatePackage) error {
	if o.Name == "" || o.Local == "" || c.packages[o.Local] != nil {
		return fmt.Errorf("without a name, or a local of its own")
	}
	if existing := c.byKeys(keysOf(o)); existing != nil && o.Reuse {
		existing.LockVersion++
		c.packages[o.Local] = existing
		return nil
	}
	if c.reserved[c.in(keysOf(o))] && !o.TakeReserved {
		return &conflictError{"reserved by a package that was deleted"}
	}
	p, ok := c.create(c.project.ID, o)
	if !ok {
		return &conflictError{"a package of that name and version is stored"}
	}
	c.packages[o.Local] = p
	return nil
}

func (c *change) destroyPackage(p *stored) error {
	for _, f := range slices.Clone(p.files) {
		c.destroyFile(p, f)
	}
	c.dropRows(func(r spec.Row) bool { return equal(r["package_id"], p.ID) })
	c.model.packages = slices.DeleteFunc(c.model.packages, func(other *stored) bool { return other == p })
	if p.Status != "processing" { // what was never there to see is free again
		c.reserved[c.in(p.keys)] = true
	}
	return nil
}

func (c *change) attachFile(p *stored, o spec.AttachFile) error {
	u, ok := c.uploads[o.UploadHandle]
	if !ok {
		return fmt.Errorf("no upload %q", o.UploadHandle)
	}
	if o.FileName == "" {
		return fmt.Errorf("no file name")
	}
	for _, f := range slices.Clone(p.files) {
		if f.FileKey != or(o.FileKey, o.FileName) {
			continue
		}
		if !o.Replace {
			return &conflictError{"a file with that key is stored"}
		}
		c.destroyFile(p, f)
	}
	c.files[o.Local] = c.attach(p, o.FileName, o.FileKey, u)
	return nil
}

func (c *change) destroyFile(p *stored, f *storedFile) {
	c.dropRows(func(r spec.Row) bool { return equal(r["package_file_id"], f.ID) })
	p.files = slices.DeleteFunc(p.files, func(other *storedFile) bool { return other == f })
}

func (c *change) setTag(p *stored, o spec.SetTag) error {
	if o.Tag == "" {
		return fmt.Errorf("an empty tag")
	}
	for _, other := range c.model.packages {
		if o.Shared || other.ProjectID != p.ProjectID || other.keys.name != p.keys.name || !slices.Contains(other.tags, o.Tag) {
			continue
		}
		if o.KeepExisting {
			return nil
		}
		other.tags = slices.DeleteFunc(other.tags, func(t string) bool { return t == o.Tag })
	}
	if !slices.Contains(p.tags, o.Tag) {
		p.tags = slices.Sorted(slices.Values(append(p.tags, o.Tag)))
	}
	return nil
}

func (c *change) upsertRow(o spec.UpsertRow) error {
	row, err := c.resolved(o.Row)
	if err != nil {
		return err
	}
	if len(o.ConflictColumns) > 0 {
		if i := c.rowEqual(o.Table, row, o.ConflictColumns); i >= 0 {
			maps.Copy(c.rows[o.Table][i], row)
			return nil
		}
	}
	if err := c.insert(o.Table, row); err != nil {
		return &conflictError{err.Error()}
	}
	return nil
}

// resolved puts ids in place of locals, and checks that a row belongs to
// something that is stored.
func (c *change) resolved(row spec.Row) (spec.Row, error) {
	out := maps.Clone(row)
	for column, value := range row {
		local, ok := value.(spec.Local)
		if !ok {
			continue
		}
		switch {
		case c.packages[local] != nil:
			out[column] = c.packages[local].ID
		case c.files[local] != nil:
			out[column] = c.files[local].ID
		default:
			return nil, fmt.Errorf("column %s: no local %q", column, local)
		}
	}
	if id, ok := out["package_id"].(int64); ok && c.byID(id) == nil {
		return nil, fmt.Errorf("package_id: no package %d", id)
	}
	if id, ok := out["package_file_id"].(int64); ok {
		if _, f := c.file(id); f == nil {
			return nil, fmt.Errorf("package_file_id: no file %d", id)
		}
	}
	return out, nil
}

func (c *change) deleteRows(o spec.DeleteRows) error {
	if len(o.Where) == 0 {
		return fmt.Errorf("without a condition")
	}
	where, err := c.resolved(o.Where)
	if err != nil {
		return err
	}
	c.rows[o.Table] = slices.DeleteFunc(c.rows[o.Table], func(r spec.Row) bool { return equal(r["project_id"], c.project.ID) && rowFits(r, where) })
	return nil
}

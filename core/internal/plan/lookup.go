package plan

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/sdk/spec"
)

// run is one try at a plan.
type run struct {
	executor *Executor
	scope    Scope
	plan     *spec.Plan
	tx       *transaction
	intent   uuid.UUID

	stored     map[int64]stored     // packages the plan refers to by id
	files      map[int64]storedFile // files it refers to by id
	created    map[spec.Local]created
	packageIDs map[spec.Local]int64
	fileIDs    map[spec.Local]int64
	attached   []int64             // ids for AttachFile operations, in order
	touched    map[string]struct{} // package names
}

// stored is a package that was there before. What does not change of it.
type stored struct {
	id                     int64
	name, version, nameKey string
}

// storedFile is a file that was there before.
type storedFile struct {
	packageID int64
	name      string
}

// lookUp reads the packages that the plan refers to by id, within its own
// project and format: any other id is one that does not exist. Their names must
// be known before anything can be locked; what else decides the plan is read
// under the locks. Most plans refer to none.
func (r *run) lookUp(ctx context.Context) error {
	ids, files := r.references()
	if len(ids)+len(files) == 0 {
		return nil
	}
	rows, err := r.executor.pool.Query(ctx, `
		select p.id, p.name, coalesce(p.version, ''), p.name_key, 0, ''
		from packages p
		where p.id = any ($1) and p.project_id = $3 and p.format = $4
		union all
		select p.id, p.name, coalesce(p.version, ''), p.name_key, f.id, f.file_name
		from package_files f join packages p on p.id = f.package_id
		where f.id = any ($2) and p.project_id = $3 and p.format = $4`,
		ids, files, r.scope.Project.ID, r.scope.Format)
	if err != nil {
		return r.executor.failed(fmt.Errorf("look up packages: %w", err))
	}
	var (
		p    stored
		id   int64
		file storedFile
	)
	if _, err := pgx.ForEachRow(rows, []any{&p.id, &p.name, &p.version, &p.nameKey, &id, &file.name}, func() error {
		r.stored[p.id] = p
		if id != 0 {
			r.files[id] = storedFile{packageID: p.id, name: file.name}
		}
		return nil
	}); err != nil {
		return r.executor.failed(fmt.Errorf("look up packages: %w", err))
	}
	for _, id := range ids {
		if _, ok := r.stored[id]; !ok {
			return refusal{} // it went away since the plugin saw it
		}
	}
	for _, id := range files {
		if _, ok := r.files[id]; !ok {
			return refusal{}
		}
	}
	return nil
}

// references are the ids of stored packages and files in the plan, each once.
func (r *run) references() (packages, files []int64) {
	row := func(values spec.Row) {
		if id, ok := values["package_id"].(int64); ok {
			packages = append(packages, id)
		}
		if id, ok := values["package_file_id"].(int64); ok {
			files = append(files, id)
		}
	}
	for _, o := range r.plan.Operations {
		switch o := o.Op.(type) {
		case spec.UpdatePackage:
			packages = append(packages, o.Package.ID)
		case spec.DestroyPackage:
			packages = append(packages, o.Package.ID)
		case spec.AttachFile:
			packages = append(packages, o.Package.ID)
		case spec.DestroyFiles:
			packages = append(packages, o.Package.ID)
		case spec.SetTag:
			packages = append(packages, o.Package.ID)
		case spec.DestroyFile:
			files = append(files, o.FileID)
		case spec.UpsertRow:
			row(o.Row)
		case spec.DeleteRows:
			row(o.Where)
		}
	}
	for _, c := range r.plan.Preconditions {
		if u, ok := c.Check.(spec.PackageUnchanged); ok {
			packages = append(packages, u.ID)
		}
	}
	return distinct(packages), distinct(files)
}

func distinct(ids []int64) []int64 {
	slices.Sort(ids)
	return slices.DeleteFunc(slices.Compact(ids), func(id int64) bool { return id == 0 })
}

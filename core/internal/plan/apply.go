package plan

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// apply makes the changes, all in one round trip.
func (r *run) apply(ctx context.Context) error {
	a := &applier{run: r, batch: &pgx.Batch{}, bumped: map[int64]bool{}, told: map[int64]bool{}}
	a.storeBlobs()
	for i := range r.plan.Operations {
		o := &r.plan.Operations[i]
		a.label = fmt.Sprintf("operation %d (%T)", i, o.Op)
		if err := a.operation(o); err != nil {
			return fmt.Errorf("%s: %w", a.label, err)
		}
	}
	a.finish()
	results := r.tx.conn.SendBatch(ctx, a.batch)
	var failed error
	for _, check := range a.checks {
		tag, err := results.Exec()
		if failed = check(tag, err); failed != nil {
			break
		}
	}
	if err := results.Close(); failed == nil {
		failed = err
	}
	return failed
}

// applier queues statements, each with what its result must be.
type applier struct {
	*run
	batch  *pgx.Batch
	checks []func(pgconn.CommandTag, error) error
	label  string         // of the operation whose statements are queued
	made   int            // files so far
	bumped map[int64]bool // packages whose lock version has grown
	told   map[int64]bool // packages that are known to be new or changed
	events []event
}

// exec queues a statement that must succeed.
func (a *applier) exec(sql string, args ...any) {
	label := a.label
	a.batch.Queue(sql, args...)
	a.checks = append(a.checks, func(_ pgconn.CommandTag, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %w", label, err)
		}
		return nil
	})
}

// one queues a statement that must change one row. If it changes none, or a
// unique key is in the way, or what the row hangs on went meanwhile, that is the
// operation's conflict.
func (a *applier) one(o *spec.Operation, sql string, args ...any) {
	label := a.label
	a.batch.Queue(sql, args...)
	a.checks = append(a.checks, func(tag pgconn.CommandTag, err error) error {
		switch {
		case postgres.IsUniqueViolation(err, ""), postgres.IsForeignKeyViolation(err):
			return refusal{o.OnConflict}
		case err != nil:
			return fmt.Errorf("%s: %w", label, err)
		case tag.RowsAffected() == 0:
			return refusal{o.OnConflict}
		}
		return nil
	})
}

func (a *applier) operation(o *spec.Operation) error {
	switch op := o.Op.(type) {
	case spec.CreatePackage:
		a.create(o, op)
	case spec.UpdatePackage:
		a.update(o, op)
	case spec.DestroyPackage:
		a.destroy(o, op)
	case spec.AttachFile:
		a.attach(o, op)
	case spec.DestroyFile:
		a.destroyFile(o, op)
	case spec.DestroyFiles:
		a.destroyFiles(o, op)
	case spec.SetTag:
		a.setTag(o, op)
	case spec.RemoveTag:
		a.one(o, "delete from package_tags where project_id = $1 and format = $2 and name_key = $3 and name = $4",
			a.scope.Project.ID, a.scope.Format, op.Name, op.Tag)
	case spec.UpsertRow:
		return a.upsert(o, op)
	case spec.DeleteRows:
		return a.deleteRows(o, op)
	}
	return nil
}

// storeBlobs makes the rows of all bytes, in their keys' order: two plans that
// store the same bytes wait for each other there.
func (a *applier) storeBlobs() {
	var files []File
	for _, o := range a.plan.Operations {
		if op, ok := o.Op.(spec.AttachFile); ok {
			files = append(files, a.scope.Uploads[op.UploadHandle])
		}
	}
	slices.SortFunc(files, func(x, y File) int { return bytes.Compare(keyOf(x), keyOf(y)) })
	a.label = "blobs"
	for _, f := range files {
		size, _ := f.Content()
		// A row may be there of which a collector has taken the bytes and not yet itself.
		a.exec(`
			insert into blobs as b (sha256, size, content) values ($1, $2, $3)
			on conflict (sha256) do update set content = excluded.content where b.content is null and excluded.content is not null`,
			keyOf(f), size, f.Small())
	}
}

func keyOf(f File) []byte {
	key := f.Key()
	return key[:]
}

func (a *applier) create(o *spec.Operation, op spec.CreatePackage) {
	c := a.created[op.Local]
	a.stored[c.id] = stored{id: c.id, name: op.Name, version: op.Version, nameKey: c.nameKey}
	if c.reused {
		a.bump(o, c.id)
		a.builtBy(c.id)
		return
	}
	a.bumped[c.id], a.told[c.id] = true, true
	a.one(o, `
		insert into packages (id, project_id, format, name, version, name_key, version_key, status, creator_user_id)
		overriding system value
		values ($1, $2, $3, $4, nullif($5, ''), $6, $7, $8, nullif($9::bigint, 0))`,
		c.id, a.scope.Project.ID, a.scope.Format, op.Name, op.Version, c.nameKey, c.versionKey,
		cmp.Or(op.Status, string(registry.StatusDefault)), a.scope.Actor.UserID)
	a.tell("package.created", c.id, "")
	a.builtBy(c.id)
}

// bump marks a stored package as changed, once a plan.
func (a *applier) bump(o *spec.Operation, id int64) {
	if a.bumped[id] {
		return
	}
	a.bumped[id] = true
	a.one(o, `
		update packages set lock_version = lock_version + 1, updated_at = now()
		where id = $1 and project_id = $2 and format = $3`, id, a.scope.Project.ID, a.scope.Format)
}

// updated tells once that a package which was there before has changed.
func (a *applier) updated(id int64) {
	if a.told[id] {
		return
	}
	a.told[id] = true
	a.tell("package.updated", id, "")
}

func (a *applier) update(o *spec.Operation, op spec.UpdatePackage) {
	id := a.id(op.Package)
	if op.Status == "" && op.StatusMessage == "" {
		a.bump(o, id)
		return
	}
	// With a status comes its message; a message alone leaves the status.
	a.one(o, `
		update packages set status = coalesce(nullif($4, ''), status), status_message = $5,
		                    lock_version = lock_version + $6, updated_at = now()
		where id = $1 and project_id = $2 and format = $3`,
		id, a.scope.Project.ID, a.scope.Format, op.Status, op.StatusMessage, a.firstBump(id))
	a.updated(id)
}

// firstBump returns what a package's lock version grows by: 1 for the plan's
// first change of it, 0 after that.
func (a *applier) firstBump(id int64) int64 {
	if a.bumped[id] {
		return 0
	}
	a.bumped[id] = true
	return 1
}

// destroy removes a package with all that hangs on it, and keeps its name and
// version: unless it was never there to see.
func (a *applier) destroy(o *spec.Operation, op spec.DestroyPackage) {
	id := a.id(op.Package)
	a.tell("package.destroyed", id, "")
	a.exec(`
		insert into reserved_versions (project_id, format, name_key, version_key)
		select project_id, format, name_key, version_key from packages where id = $1 and status <> 'processing'
		on conflict do nothing`, id)
	a.one(o, "delete from packages where id = $1 and project_id = $2 and format = $3",
		id, a.scope.Project.ID, a.scope.Format)
}

func (a *applier) attach(o *spec.Operation, op spec.AttachFile) {
	id := a.id(op.Package)
	a.bump(o, id)
	fileID := a.attached[a.made]
	a.made++
	if op.Local != "" {
		a.fileIDs[op.Local] = fileID
	}
	key := cmp.Or(op.FileKey, op.FileName)
	f := a.scope.Uploads[op.UploadHandle]
	size, d := f.Content()
	if op.Replace {
		a.exec("delete from package_files where package_id = $1 and file_key = $2", id, key)
	}
	a.one(o, `
		insert into package_files (id, project_id, package_id, format, file_name, file_key, size, sha256, md5, sha1, sha512)
		overriding system value values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		fileID, a.scope.Project.ID, id, a.scope.Format, op.FileName, key, size, keyOf(f), d.MD5, d.SHA1, d.SHA512)
	a.tell("package_file.attached", id, op.FileName)
	a.builtBy(id)
	a.fileBuiltBy(fileID)
}

func (a *applier) destroyFile(o *spec.Operation, op spec.DestroyFile) {
	f := a.files[op.FileID]
	a.bump(o, f.packageID)
	a.one(o, "delete from package_files where id = $1 and project_id = $2", op.FileID, a.scope.Project.ID)
	a.tell("package_file.destroyed", f.packageID, f.name)
}

func (a *applier) destroyFiles(o *spec.Operation, op spec.DestroyFiles) {
	id := a.id(op.Package)
	a.bump(o, id)
	a.exec("delete from package_files where package_id = $1 and project_id = $2 and starts_with(file_key, $3)", id, a.scope.Project.ID, op.FileKeyPrefix)
	a.updated(id)
}

func (a *applier) setTag(o *spec.Operation, op spec.SetTag) {
	id := a.id(op.Package)
	args := []any{a.scope.Project.ID, id, a.scope.Format, a.nameKey(op.Package), op.Tag}
	insert := "insert into package_tags (project_id, package_id, format, name_key, name, shared) values ($1, $2, $3, $4, $5, "
	switch {
	case op.Shared:
		a.exec(insert+"true) on conflict (package_id, name) do nothing", args...)
	case op.KeepExisting:
		a.exec(insert+"false) on conflict do nothing", args...)
	default:
		a.one(o, insert+`false) on conflict (project_id, format, name_key, name) where not shared
			do update set package_id = excluded.package_id, updated_at = now()`, args...)
	}
	a.updated(id)
}

func (a *applier) id(r spec.PackageRef) int64 {
	if r.ID != 0 {
		return r.ID
	}
	return a.packageIDs[r.Local]
}

func (a *applier) nameKey(r spec.PackageRef) string {
	if r.ID != 0 {
		return a.stored[r.ID].nameKey
	}
	return a.created[r.Local].nameKey
}

func (a *applier) local(l spec.Local) int64 {
	if id, ok := a.packageIDs[l]; ok {
		return id
	}
	return a.fileIDs[l]
}

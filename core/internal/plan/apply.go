package plan

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/sdk/spec"
)

// apply makes the changes, all in one round trip.
func (r *run) apply(ctx context.Context) error {
	a := &applier{run: r, batch: &pgx.Batch{}, bumped: map[int64]bool{}}
	for i := range r.plan.Operations {
		if err := a.operation(&r.plan.Operations[i]); err != nil {
			return err
		}
	}
	a.finish()
	results := r.tx.SendBatch(ctx, a.batch)
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
	files  int // AttachFile operations so far
	bumped map[int64]bool
}

// exec queues a statement that must succeed.
func (a *applier) exec(what, sql string, args ...any) {
	a.batch.Queue(sql, args...)
	a.checks = append(a.checks, func(_ pgconn.CommandTag, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		return nil
	})
}

// one queues a statement that must change one row. If it changes none, or a
// unique key is in the way, that is the operation's conflict.
func (a *applier) one(o *spec.Operation, what, sql string, args ...any) {
	a.batch.Queue(sql, args...)
	a.checks = append(a.checks, func(tag pgconn.CommandTag, err error) error {
		switch {
		case postgres.IsUniqueViolation(err, ""):
			return refusal{o.OnConflict}
		case err != nil:
			return fmt.Errorf("%s: %w", what, err)
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
	case spec.SetTag:
		a.setTag(op)
	case spec.RemoveTag:
		a.one(o, "remove tag", "delete from package_tags where project_id = $1 and format = $2 and name_key = $3 and name = $4",
			a.scope.Project.ID, a.scope.Format, op.Name, op.Tag)
	case spec.UpsertRow:
		return a.upsert(o, op)
	case spec.DeleteRows:
		return a.deleteRows(op)
	}
	return nil
}

func (a *applier) create(o *spec.Operation, op spec.CreatePackage) {
	c := a.created[op.Local]
	if c.reused {
		a.bump(o, c.id)
		return
	}
	a.bumped[c.id] = true
	status := op.Status
	if status == "" {
		status = "default"
	}
	a.one(o, "create package", `
		insert into packages (id, project_id, format, name, version, name_key, version_key, status, creator_user_id)
		overriding system value
		values ($1, $2, $3, $4, nullif($5, ''), $6, $7, $8, nullif($9::bigint, 0))`,
		c.id, a.scope.Project.ID, a.scope.Format, op.Name, op.Version, c.nameKey, c.versionKey, status, a.scope.Actor.UserID)
	a.event("package.created", c.id, op.Name, op.Version)
}

// bump marks a stored package as changed, once a plan. It also makes sure that
// the package is still there.
func (a *applier) bump(o *spec.Operation, id int64) {
	if a.bumped[id] {
		return
	}
	a.bumped[id] = true
	a.one(o, "update package", `
		update packages set lock_version = lock_version + 1, updated_at = now()
		where id = $1 and project_id = $2 and format = $3`, id, a.scope.Project.ID, a.scope.Format)
}

func (a *applier) update(o *spec.Operation, op spec.UpdatePackage) {
	id := a.id(op.Package)
	a.bump(o, id)
	if op.Status == "" {
		return
	}
	a.one(o, "update status", "update packages set status = $2, status_message = $3 where id = $1", id, op.Status, op.StatusMessage)
	a.event("package.updated", id, "", "")
}

// destroy removes a package with all that hangs on it, and keeps its name and version.
func (a *applier) destroy(o *spec.Operation, op spec.DestroyPackage) {
	id := a.id(op.Package)
	a.event("package.destroyed", id, "", "")
	a.exec("reserve version", `
		insert into reserved_versions (project_id, format, name_key, version_key)
		select project_id, format, name_key, version_key from packages where id = $1
		on conflict do nothing`, id)
	a.one(o, "destroy package", "delete from packages where id = $1 and project_id = $2 and format = $3",
		id, a.scope.Project.ID, a.scope.Format)
}

func (a *applier) attach(o *spec.Operation, op spec.AttachFile) {
	id := a.id(op.Package)
	a.bump(o, id)
	fileID := a.attached[a.files]
	a.files++
	if op.Local != "" {
		a.fileIDs[op.Local] = fileID
	}
	key := op.FileKey
	if key == "" {
		key = op.FileName
	}
	f := a.scope.Uploads[op.UploadHandle]
	size, d := f.Content()
	a.exec("store blob", "insert into blobs (sha256, size) values ($1, $2) on conflict (sha256) do nothing", d.SHA256, size)
	if op.Replace {
		a.exec("replace file", "delete from package_files where package_id = $1 and file_key = $2", id, key)
	}
	a.one(o, "attach file", `
		insert into package_files (id, project_id, package_id, file_name, file_key, size, sha256, md5, sha1, sha512)
		overriding system value values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		fileID, a.scope.Project.ID, id, op.FileName, key, size, d.SHA256, d.MD5, d.SHA1, d.SHA512)
}

func (a *applier) destroyFile(o *spec.Operation, op spec.DestroyFile) {
	a.bump(o, a.fileOwners[op.FileID])
	a.one(o, "destroy file", "delete from package_files where id = $1 and project_id = $2", op.FileID, a.scope.Project.ID)
}

func (a *applier) setTag(op spec.SetTag) {
	id := a.id(op.Package)
	args := []any{a.scope.Project.ID, id, a.scope.Format, a.nameKey(op.Package), op.Tag}
	insert := "insert into package_tags (project_id, package_id, format, name_key, name, shared) values ($1, $2, $3, $4, $5, "
	switch {
	case op.Shared:
		a.exec("tag", insert+"true) on conflict (package_id, name) do nothing", args...)
	case op.KeepExisting:
		a.exec("tag", insert+"false) on conflict do nothing", args...)
	default:
		a.exec("tag", insert+`false) on conflict (project_id, format, name_key, name) where not shared
			do update set package_id = excluded.package_id, updated_at = now()`, args...)
	}
}

func (a *applier) upsert(o *spec.Operation, op spec.UpsertRow) error {
	table, err := a.scope.Schema.Table(op.Table)
	if err != nil {
		return err
	}
	columns := []string{"project_id"}
	args := []any{a.scope.Project.ID}
	for _, c := range slices.Sorted(maps.Keys(op.Row)) {
		value := op.Row[c]
		if local, ok := value.(spec.Local); ok {
			value = a.local(local)
		}
		arg, err := table.Argument(c, value)
		if err != nil {
			return err
		}
		columns, args = append(columns, c), append(args, arg)
	}
	places, updates := make([]string, len(columns)), []string{}
	for i, c := range columns {
		places[i] = fmt.Sprintf("$%d", i+1)
		if c != "project_id" && !slices.Contains(op.ConflictColumns, c) {
			updates = append(updates, quote(c)+" = excluded."+quote(c))
		}
	}
	sql := "insert into " + table.SQL + " as t (" + quoted(columns) + ") values (" + strings.Join(places, ", ") + ")"
	if len(op.ConflictColumns) > 0 {
		sql += " on conflict (" + quoted(op.ConflictColumns) + ") do "
		if len(updates) == 0 {
			// Nothing to change, but the row must be this project's.
			updates = []string{"project_id = excluded.project_id"}
		}
		// A key that another project holds is a conflict, never an update.
		sql += "update set " + strings.Join(updates, ", ") + " where t.project_id = $1"
	}
	a.one(o, "write row of "+op.Table, sql, args...)
	return nil
}

func (a *applier) deleteRows(op spec.DeleteRows) error {
	table, err := a.scope.Schema.Table(op.Table)
	if err != nil {
		return err
	}
	sql := "delete from " + table.SQL + " where project_id = $1"
	args := []any{a.scope.Project.ID}
	for _, c := range slices.Sorted(maps.Keys(op.Where)) {
		arg, err := table.Argument(c, op.Where[c])
		if err != nil {
			return err
		}
		if arg == nil {
			sql += " and " + quote(c) + " is null"
			continue
		}
		args = append(args, arg)
		sql += fmt.Sprintf(" and %s = $%d", quote(c), len(args))
	}
	a.exec("delete rows of "+op.Table, sql, args...)
	return nil
}

// finish queues what every plan ends with: new generations for what it touched,
// and its intent.
func (a *applier) finish() {
	keys := maps.Clone(a.touched)
	for _, k := range a.plan.Touch {
		keys[k] = struct{}{}
	}
	if len(keys) > 0 {
		a.exec("cache generations", `
			insert into cache_generations (project_id, format, key) select $1, $2, unnest($3::text[])
			on conflict (project_id, format, key) do update set generation = nextval('cache_generation')`,
			a.scope.Project.ID, a.scope.Format, sorted(keys))
	}
	a.exec("intent", "insert into intents (id) values ($1)", a.intent)
}

// event writes to the outbox. Name and version of a stored package come from its row.
func (a *applier) event(kind string, id int64, name, version string) {
	if p, ok := a.stored[id]; ok {
		name, version = p.name, p.version
	}
	about, _ := json.Marshal(map[string]any{"id": id, "name": name, "version": version}) //nolint:errchkjson // text and numbers
	actor, _ := json.Marshal(map[string]any{                                             //nolint:errchkjson // likewise
		"kind": a.scope.Actor.Kind, "user_id": a.scope.Actor.UserID, "token_id": a.scope.Actor.TokenID, "username": a.scope.Actor.Username,
	})
	a.exec("event", "insert into events (type, project_id, format, package, actor, request_id) values ($1, $2, $3, $4, $5, $6)",
		kind, a.scope.Project.ID, a.scope.Format, string(about), string(actor), a.scope.RequestID)
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

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

func quoted(names []string) string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = quote(n)
	}
	return strings.Join(list, ", ")
}

package host

import (
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/sdk/spec"
)

const (
	// maxPageBytes is where a page is cut, so that it fits a message with room to spare.
	maxPageBytes = 6 << 20
	// maxPackageBytes is what one package may be; it cannot be cut.
	maxPackageBytes = spec.MaxMessageBytes - maxPageBytes
)

// page is filled from the results of a finder's statements, one after the
// other, each in the packages' order. What is read of one result is bounded:
// from where it grows too large on, the page ends.
type page struct {
	found spec.FoundPage
	limit int
	index map[int64]int // package id → place
	sizes []int         // by place
	end   int           // places from here on are cut off
}

func (p *page) packages(rows pgx.Rows) error {
	p.index = map[int64]int{}
	var pkg spec.Package
	_, err := pgx.ForEachRow(rows, []any{
		&pkg.ID, &pkg.ProjectID, &pkg.Name, &pkg.Version, &pkg.Status, &pkg.StatusMessage, &pkg.LockVersion, &pkg.CreatedAt, &pkg.UpdatedAt,
	}, func() error {
		p.begin(pkg)
		return nil
	})
	return err
}

// begin makes a place for a package, unless it has one.
func (p *page) begin(pkg spec.Package) {
	if _, ok := p.index[pkg.ID]; ok {
		return
	}
	p.index[pkg.ID] = len(p.found.Packages)
	p.found.Packages = append(p.found.Packages, spec.FoundPackage{Package: pkg})
	p.sizes = append(p.sizes, 200+len(pkg.Name)+len(pkg.Version)+len(pkg.StatusMessage))
	p.end = len(p.found.Packages)
}

// part counts the bytes of one result.
type part struct {
	*page
	read int
}

// add returns the package that a part of size bytes belongs to. It returns nil
// where the page ends: what follows in this result is of later packages.
func (p *part) add(id int64, size int) (*spec.FoundPackage, error) {
	i, ok := p.index[id]
	if !ok || i >= p.end {
		return nil, nil //nolint:nilnil // the end
	}
	p.read += size
	p.sizes[i] += size
	if p.read > maxPageBytes && i > 0 {
		p.end = i
		return nil, nil //nolint:nilnil // likewise
	}
	if p.sizes[i] > maxPackageBytes {
		return nil, fmt.Errorf("package %d with all that was asked for is larger than a message", id)
	}
	return &p.found.Packages[i], nil
}

func (p *page) files(rows pgx.Rows) error {
	part := part{page: p}
	var f spec.PackageFile
	d := &f.Digests // scanning makes new ones for each file
	for rows.Next() {
		if err := rows.Scan(&f.ID, &f.PackageID, &f.FileName, &f.FileKey, &f.Size, &d.MD5, &d.SHA1, &d.SHA256, &d.SHA512, &f.CreatedAt); err != nil {
			return err
		}
		pkg, err := part.add(f.PackageID, 250+len(f.FileName)+len(f.FileKey))
		if pkg == nil {
			return err
		}
		pkg.Files = append(pkg.Files, f)
	}
	return rows.Err()
}

func (p *page) tags(rows pgx.Rows) error {
	part := part{page: p}
	var (
		id   int64
		name string
	)
	for rows.Next() {
		if err := rows.Scan(&id, &name); err != nil {
			return err
		}
		pkg, err := part.add(id, 8+len(name))
		if pkg == nil {
			return err
		}
		pkg.Tags = append(pkg.Tags, name)
	}
	return rows.Err()
}

func (p *page) rows(rows pgx.Rows, table string, places []any, row func() spec.Row) error {
	part := part{page: p}
	var id int64
	places = append([]any{&id}, places...)
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return err
		}
		size := 0
		for _, v := range rows.RawValues() {
			size += 16 + len(v)
		}
		pkg, err := part.add(id, size)
		if pkg == nil {
			return err
		}
		if pkg.Rows == nil {
			pkg.Rows = map[string][]spec.Row{}
		}
		pkg.Rows[table] = append(pkg.Rows[table], row())
	}
	return rows.Err()
}

// done cuts the page where it grows too large, and says where the next begins.
func (p *page) done() spec.FoundPage {
	more := len(p.found.Packages) == p.limit || p.end < len(p.found.Packages)
	size := 0
	for i := range p.end {
		if size += p.sizes[i]; size > maxPageBytes && i > 0 {
			p.end, more = i, true
			break
		}
	}
	p.found.Packages = p.found.Packages[:p.end]
	if more && p.end > 0 {
		p.found.NextPageToken = strconv.FormatInt(p.found.Packages[p.end-1].Package.ID, 10)
	}
	return p.found
}

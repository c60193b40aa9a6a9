package packages

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Page is which part of a list is asked for.
type Page struct {
	Number int // from 1
	Size   int
}

// Countable is how far the rows of a list are counted, as in GitLab: beyond it
// a total would cost more than it tells.
const Countable = 10_000

// Extent is how a page lies in its list.
type Extent struct {
	Total int  // Countable+1: there are more than that
	More  bool // there is a further page
}

// Order is how a list is sorted: by a column, and then by id.
type Order struct {
	By         string
	Descending bool
}

// sql is the order by clause. Whatever By says, the statement has nothing in it
// that is not in columns. Texts are compared by their bytes, so that a list has
// one order on every system, and descending is exactly the reverse of ascending.
func (o Order) sql(columns map[string]string, fallback string) string {
	column, ok := columns[o.By]
	if !ok {
		column = columns[fallback]
	}
	direction := "asc"
	if o.Descending {
		direction = "desc"
	}
	return " order by " + column + " " + direction + ", id " + direction
}

// page reads one page of a list and counts the list, in one round trip.
func page[T any](ctx context.Context, pool *pgxpool.Pool, p Page, columns, from, order string, args []any, scan pgx.RowToFunc[T]) ([]T, Extent, error) {
	var (
		found  []T
		extent Extent
	)
	batch := &pgx.Batch{}
	batch.Queue(fmt.Sprintf("select count(*) from (select%s limit %d) counted", from, Countable+1), args...).QueryRow(func(row pgx.Row) error {
		return row.Scan(&extent.Total)
	})
	// One row more than the page has says whether there is another page.
	limits := fmt.Sprintf(" limit $%d offset $%d", len(args)+1, len(args)+2)
	offset := (int64(p.Number) - 1) * int64(p.Size)
	batch.Queue("select "+columns+from+order+limits, slices.Concat(args, []any{p.Size + 1, offset})...).Query(func(rows pgx.Rows) (err error) {
		found, err = pgx.CollectRows(rows, scan)
		return err
	})
	if err := pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil, Extent{}, err
	}
	if len(found) > p.Size {
		found, extent.More = found[:p.Size], true
	}
	return found, extent, nil
}

package plan

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// transaction is one on a connection of the pool. Unlike the pool's own, it
// begins in the same round trip as its first statements.
type transaction struct{ conn *pgxpool.Conn }

// commitTime is how long a COMMIT may take. It does not end with the request:
// a client that goes away then must not leave an unknown outcome behind.
const commitTime = 30 * time.Second

// begin sends the batch as the transaction's first statements.
func (t *transaction) begin(ctx context.Context, queue func(*pgx.Batch) error) error {
	batch := &pgx.Batch{}
	batch.Queue("begin")
	if err := queue(batch); err != nil {
		return err
	}
	return t.conn.SendBatch(ctx, batch).Close()
}

// joined is the transaction for code that wants pgx's.
func (t *transaction) joined() pgx.Tx { return joined{t.conn.Conn()} }

// joined can do all that a transaction can but end. pgx itself makes none of one
// that has begun without saying something to the server.
type (
	joined     struct{ *connection }
	connection = pgx.Conn
)

var errNotYours = errors.New("whoever began the transaction ends it")

func (joined) Commit(context.Context) error   { return errNotYours }
func (joined) Rollback(context.Context) error { return errNotYours }
func (joined) LargeObjects() pgx.LargeObjects { return pgx.LargeObjects{} } // nothing here has any
func (j joined) Conn() *pgx.Conn              { return j.connection }

// Begin makes a savepoint.
func (j joined) Begin(ctx context.Context) (pgx.Tx, error) {
	tx, err := j.BeginTx(ctx, pgx.TxOptions{BeginQuery: "select"})
	if err != nil {
		return nil, err
	}
	return tx.Begin(ctx)
}

// commit returns nil if the server says that it committed. Any other end is an
// error, also of a transaction that had failed before.
func (t *transaction) commit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTime)
	defer cancel()
	tag, err := t.conn.Exec(ctx, "commit")
	if err != nil {
		return err
	}
	if tag.String() != "COMMIT" {
		return fmt.Errorf("commit: the server says %s: %w", tag, pgx.ErrTxCommitRollback)
	}
	return nil
}

// end gives the connection back, and rolls back what was not committed. It
// outlives a cancelled request, or the connection would be thrown away.
func (t *transaction) end(ctx context.Context) {
	defer t.conn.Release()
	if t.conn.Conn().PgConn().TxStatus() == 'I' || t.conn.Conn().IsClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, _ = t.conn.Exec(ctx, "rollback") // if it fails, the pool closes the connection
}

package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// Translate turns an error of the database into the registry's, with the original as its cause:
// no row is CodeNotFound, a taken unique key CodeConflict, a server that cannot be reached or
// cannot serve now CodeUnavailable. Nil, other errors, the end of a context and what is
// translated already come back unchanged.
func Translate(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*registry.Error](err); ok {
		return err
	}
	// A server that cannot be reached shows as a deadline too: that of connecting.
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	if errors.Is(err, context.Canceled) || (errors.Is(err, context.DeadlineExceeded) && !connecting) {
		return err
	}
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return registry.Errorf(registry.CodeNotFound, "not found").Because(err)
	case isCode(err, pgerrcode.UniqueViolation):
		return registry.Errorf(registry.CodeConflict, "it already exists").Because(err)
	case unavailable(err):
		return registry.Errorf(registry.CodeUnavailable, "the database is not available, try again later").Because(err)
	}
	return err
}

// IsUniqueViolation reports whether err is a taken key of the unique index or constraint of that
// name; of any, with "". It sees through Translate.
func IsUniqueViolation(err error, constraint string) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pgErr.Code == pgerrcode.UniqueViolation && (constraint == "" || pgErr.ConstraintName == constraint)
}

// IsForeignKeyViolation reports whether err is about a row that is not there (any
// more) for another to hang on. It sees through Translate.
func IsForeignKeyViolation(err error) bool { return isCode(err, pgerrcode.ForeignKeyViolation) }

func isCode(err error, code string) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pgErr.Code == code
}

// unavailable reports whether the same statement may work a moment later.
func unavailable(err error) bool {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch code := pgErr.Code; {
		case strings.HasPrefix(code, "08"), strings.HasPrefix(code, "53"): // connection exceptions; out of connections, memory, disk
			return true
		case code == pgerrcode.AdminShutdown, code == pgerrcode.CrashShutdown, code == pgerrcode.CannotConnectNow:
			return true
		case code == pgerrcode.SerializationFailure, code == pgerrcode.DeadlockDetected:
			return true
		case code == pgerrcode.ReadOnlySQLTransaction: // after a failover, on a connection to what is a standby now
			return true
		}
		return false
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) ||
		pgconn.SafeToRetry(err)
}

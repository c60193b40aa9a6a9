package registry

import (
	"errors"
	"fmt"
)

// Code says to machines what kind of refusal an error is.
type Code int

// The codes, with the HTTP status each becomes.
const (
	CodeInternal        Code = iota // 500
	CodeInvalid                     // 400
	CodeUnauthenticated             // 401
	CodeForbidden                   // 403
	CodeNotFound                    // 404: it does not exist, or must look so; never a fault
	CodeMethod                      // 405
	CodeNotAcceptable               // 406
	CodeConflict                    // 409
	CodePrecondition                // 412: it is not as the request says it must be
	CodeTooLarge                    // 413
	CodeUnavailable                 // 503: try again later
	CodeTimeout                     // 504
	CodeTooManyRequests             // 429: of this client; see ratelimit.ExceededError
	CodeUnprocessable               // 422: each field is valid, what they say together is not
)

// Error has a code for machines, words for people and a cause for us.
type Error struct {
	Code    Code
	Message string // safe to show to the client
	Field   string // the one that is wrong, of what was to be made or changed; empty: none by itself
	Word    string // what OAuth calls an error, where the answer says it in that shape; mostly empty
	cause   error
}

// Errorf makes an Error whose words may be shown to the client.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrong makes a CodeInvalid about a field; the words say what is wrong with it,
// and are read behind its name.
func Wrong(field, format string, args ...any) *Error {
	return &Error{Code: CodeInvalid, Message: field + " " + fmt.Sprintf(format, args...), Field: field}
}

// Because returns a copy of e with a cause, which is logged and never shown.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// Error implements error: the words and the cause.
func (e *Error) Error() string {
	if e.cause == nil {
		return e.Message
	}
	return e.Message + ": " + e.cause.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// CodeOf returns the code of the first Error in err's chain; CodeInternal if there is none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}

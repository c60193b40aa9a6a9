package server

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
)

const requestIDKey = "request_id"

// begin gives the request an id, which every answer and every log line carries,
// and logs the request when it is over.
func (s *Server) begin(c *gin.Context) {
	id := uuid.NewString()
	c.Set(requestIDKey, id)
	c.Header("X-Request-Id", id)
	if len(c.Request.TransferEncoding) > 0 {
		// A request may have had a Content-Length too, which net/http drops without
		// a word. A proxy that believed the length takes what follows for another
		// request: nothing more is read from such a connection (RFC 9112 §6.1).
		c.Header("Connection", "close")
	}
	start, attempt := time.Now(), s.withAttempt(c)
	defer func() {
		s.auditRefusal(c, attempt)
		if c.Request.ContentLength != 0 {
			// What nobody has read of a body is read by net/http, without patience.
			_ = http.NewResponseController(c.Writer).SetReadDeadline(time.Now().Add(drainTime))
		}
		if !s.Log.IsDebug() {
			return // what a line says takes some time to find out, and the client waits
		}
		s.Log.Debug("request", "request_id", id, "method", c.Request.Method, "path", unsecret(c.Request.URL.EscapedPath()),
			"status", c.Writer.Status(), "bytes", c.Writer.Size(), "duration", time.Since(start))
	}()
	c.Next()
}

func requestID(c *gin.Context) string { return c.GetString(requestIDKey) }

// recoverPanic turns a panic into a 500, but lets the deliberate one pass: an
// answer that broke in the middle must reach the client as a broken connection.
func (s *Server) recoverPanic(c *gin.Context) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(http.ErrAbortHandler)
		}
		s.Log.Error("panic", "request_id", requestID(c), "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		if c.Writer.Written() {
			panic(http.ErrAbortHandler)
		}
		s.fail(c, fmt.Errorf("panic: %v", v))
	}()
	c.Next()
}

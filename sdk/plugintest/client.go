package plugintest

import (
	"bytes"
	"fmt"
	"net/http"

	"github.com/pakhus/pakhus/sdk/spec"
)

// What the core puts in place of the placeholders of login outcomes.
const (
	Token    = "test-token"
	LoginURL = "https://registry.example/-/login/test"
	LoginID  = "test-login"
)

// seen is an outcome as the client gets it. A file is the one that is there once
// the plan is applied; a sign-in is never done yet.
func (r *Registry) seen(result Result) (*spec.HTTPResponse, error) {
	switch o := result.Outcome.(type) {
	case *spec.HTTPResponse:
		return o, nil
	case *spec.SendFile:
		return r.sent(o, result)
	case *spec.Redirect:
		return &spec.HTTPResponse{Status: o.Status, Header: http.Header{"Location": {o.Location}}}, nil
	case *spec.IssueToken:
		return replaced(o.Template, o.Placeholder, Token), nil
	case *spec.StartLogin:
		return replaced(*replaced(o.Template, o.LoginURLPlaceholder, LoginURL), o.LoginIDPlaceholder, LoginID), nil
	case *spec.PollLogin:
		if o.LoginID == LoginID {
			return replaced(o.Template, o.Placeholder, Token), nil
		}
		return &o.Gone, nil
	default:
		return nil, fmt.Errorf("unknown outcome %T", o)
	}
}

func (r *Registry) sent(o *spec.SendFile, result Result) (*spec.HTTPResponse, error) {
	h := o.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	name, content := o.FileName, []byte(nil)
	if u, ok := result.uploads[o.UploadHandle]; ok {
		name, content = or(name, u.FileName), u.content
	} else {
		file := (&host{registry: r, several: result.several}).file(o.FileID)
		if file == nil {
			return nil, fmt.Errorf("send: no upload %q and no file %d", o.UploadHandle, o.FileID)
		}
		name, content = or(name, file.FileName), file.content
	}
	h.Set("Content-Type", or(o.ContentType, "application/octet-stream"))
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name))
	return &spec.HTTPResponse{Status: http.StatusOK, Header: h, Body: content}, nil
}

func replaced(template spec.HTTPResponse, placeholder, value string) *spec.HTTPResponse {
	template.Body = bytes.ReplaceAll(template.Body, []byte(placeholder), []byte(value))
	return &template
}

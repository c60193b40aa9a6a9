package server

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/strictjson"
)

// maxFields bounds the body of a request to the management API.
const maxFields = 1 << 20

// fieldsOf reads what a request to the management API says, as GitLab's does: in
// its query, and in a form or a JSON object as its body. What the body says goes
// before the query. A member of an object that is no text, number, truth or list
// of those is refused by name.
func fieldsOf(c *gin.Context) (*parameters, error) {
	p := parametersOf(c.Request)
	if c.Request.Body == nil || c.Request.Body == http.NoBody || c.Request.ContentLength == 0 {
		return p, nil
	}
	c.Set(receivedKey, true)
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, maxFields))
	if err != nil {
		return nil, registry.Errorf(registry.CodeTooLarge, "the body is larger than %d bytes", maxFields).Because(err)
	}
	if len(body) == 0 {
		return p, nil
	}
	media, _, _ := mime.ParseMediaType(c.GetHeader("Content-Type"))
	switch media {
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, registry.Errorf(registry.CodeInvalid, "the form is invalid").Because(err)
		}
		for name, values := range form {
			p.set(name, values)
		}
		return p, nil
	case "application/json":
		var members map[string]jsontext.Value
		if err := strictjson.Unmarshal(body, &members); err != nil {
			return nil, registry.Errorf(registry.CodeInvalid, "the body is no JSON object: %v", err)
		}
		for name, value := range members {
			if name == claimsField && value.Kind() == '{' {
				p.object(name, value)
				continue
			}
			if name == fieldGranular && value.Kind() == '[' {
				p.set(name, []string{string(value)}) // objects: whoever reads the field does so
				continue
			}
			values, err := plain(value)
			if err != nil {
				p.wrong = append(p.wrong, fmt.Sprintf("%s is invalid", name))
				continue
			}
			p.set(name, values)
		}
		return p, nil
	}
	return nil, registry.Errorf(registry.CodeInvalid, "the body must be application/json or application/x-www-form-urlencoded, not %q", media)
}

// set keeps the values of a field; lists of forms have "[]" behind their names.
func (p *parameters) set(name string, values []string) {
	if n := len(name); n > 2 && name[n-2:] == "[]" {
		name = name[:n-2]
	}
	p.values[name] = values
}

// claimsField is the one field that is an object, of texts: its members are kept
// as a form has them.
const claimsField = "claims"

func (p *parameters) object(name string, value jsontext.Value) {
	p.values[name] = []string{}
	var members map[string]jsontext.Value
	if err := strictjson.Unmarshal(value, &members); err != nil {
		p.wrong = append(p.wrong, name+" is invalid")
	}
	for member, v := range members {
		values, err := plain(v)
		if err != nil || len(values) != 1 || v.Kind() == '[' {
			p.wrong = append(p.wrong, fmt.Sprintf("%s[%s] is invalid", name, member))
			continue
		}
		p.values[name+"["+member+"]"] = values
	}
}

// plain writes a JSON value as a query would have it; null is none, which a query
// cannot say: see null.
func plain(v jsontext.Value) ([]string, error) {
	switch v.Kind() {
	case '"':
		var s string
		err := strictjson.Unmarshal(v, &s)
		return []string{s}, err
	case '0', 't', 'f':
		return []string{string(v)}, nil
	case 'n':
		return nil, nil
	case '[':
		var list []jsontext.Value
		if err := strictjson.Unmarshal(v, &list); err != nil {
			return nil, err
		}
		all := []string{}
		for _, one := range list {
			if one.Kind() == '[' || one.Kind() == 'n' {
				return nil, fmt.Errorf("a list within a list")
			}
			values, err := plain(one)
			if err != nil {
				return nil, err
			}
			all = append(all, values...)
		}
		return all, nil
	}
	return nil, fmt.Errorf("a %s", v.Kind())
}

// given reports whether a field is there, empty or not.
func (p *parameters) given(name string) bool { _, ok := p.values[name]; return ok }

// null reports whether a field is there to say that there is nothing.
func (p *parameters) null(name string) bool { return p.given(name) && len(p.values[name]) == 0 }

// required is a text that must be there and say something.
func (p *parameters) required(name string) string {
	v := p.text(name)
	if !p.given(name) {
		p.wrong = append(p.wrong, name+" is missing")
	} else if v == "" {
		p.wrong = append(p.wrong, name+" is empty")
	}
	return v
}

// list is a field that may say several texts; in a query, too, "[]" may stand
// behind its name.
func (p *parameters) list(name string) []string {
	return slices.Concat(p.values[name], p.values[name+"[]"])
}

// whole is a whole number from least; what is not there is 0.
func (p *parameters) whole(name string, least int64) int64 {
	v, _ := p.last(name)
	if v == "" {
		return 0
	}
	n, err := strconv.ParseInt(v, 10, 64)
	switch {
	case err != nil:
		p.wrong = append(p.wrong, name+" is invalid")
	case n < least:
		p.wrong = append(p.wrong, name+" does not have a valid value")
	}
	return n
}

package spec_test

import (
	"net/http"
	"reflect"
	"testing"

	"github.com/pakhus/pakhus/sdk/spec"
)

func TestTheFirstBytesOfAnUpload(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		upload spec.Upload
		want   string
	}{
		"of a file that is inline":     {spec.Upload{Size: 6, Inline: []byte("abcdef")}, "abcd"},
		"of one that is not":           {spec.Upload{Size: 1000, Head: []byte("abcdef")}, "abcd"},
		"all of a short one":           {spec.Upload{Size: 2, Inline: []byte("ab")}, "ab"},
		"too few have come":            {spec.Upload{Size: 1000, Head: []byte("ab")}, ""},
		"none: an older core":          {spec.Upload{Size: 1000}, ""},
		"as many as there are, inline": {spec.Upload{Size: 4, Inline: []byte("abcd")}, "abcd"},
	} {
		if got := c.upload.First(4); string(got) != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestADirectRowIsOneTextAndNothingElse(t *testing.T) {
	t.Parallel()
	d := &spec.DirectRow{ContentType: "text/plain"}
	row := func(values ...any) spec.Row {
		r := spec.Row{}
		for i, v := range values {
			r[string(rune('a'+i))] = v
		}
		return r
	}
	want := &spec.HTTPResponse{Status: http.StatusOK, Header: http.Header{"Content-Type": {"text/plain"}}, Body: []byte("x")}
	if got := d.Answer([][]spec.Row{{row("x")}}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for name, rows := range map[string][][]spec.Row{
		"no query":     nil,
		"no row":       {{}},
		"two rows":     {{row("x"), row("y")}},
		"two columns":  {{row("x", "y")}},
		"no column":    {{row()}},
		"null":         {{row(nil)}},
		"a number":     {{row(int64(1))}},
		"two queries":  {{row("x")}, {row("y")}},
		"not directly": {{row("x")}},
	} {
		answering := d
		if name == "not directly" {
			answering = nil
		}
		if got := answering.Answer(rows); got != nil {
			t.Errorf("%s: answered %+v", name, got)
		}
	}
}

package webpage_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/webpage"
)

// A browser applies a style, and takes nothing else, if its digest is in the policy.
func TestPagesAreWhatTheirPolicySays(t *testing.T) {
	t.Parallel()
	const script = `<script>alert(1)</script>`
	pages := webpage.New()
	for _, c := range []struct {
		page any
		away bool
	}{
		{webpage.SignIn{ReturnTo: script, Failed: script}, false},
		{webpage.SignIn{Providers: []webpage.Provider{{Name: "x", Label: script}}}, true},
		{webpage.SignedIn{Username: script, Applications: []webpage.Application{{Name: script, Scopes: script, Since: script, End: "/x"}}}, false},
		{webpage.Consent{Username: script, Application: script, RedirectURI: script, Action: "/x", Fields: map[string]string{script: script}}, true},
		{webpage.Consent{Username: script, Application: script, UserCode: script, Action: "/x"}, false},
		{webpage.Device{Failed: script}, false},
		{webpage.WebLogin{Name: script, Username: script}, false},
		{webpage.WebLogin{SignIn: script}, false},
		{webpage.Message{Text: script}, false},
	} {
		w := httptest.NewRecorder()
		if err := pages.Write(w, 200, c.page); err != nil {
			t.Fatal(err)
		}
		body, policy := w.Body.String(), w.Header().Get("Content-Security-Policy")
		style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(body)
		if style == nil {
			t.Fatalf("%T has no style: %s", c.page, body)
		}
		sum := sha256.Sum256([]byte(style[1]))
		if !strings.Contains(policy, "style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
			t.Errorf("%T: %s is not for its style", c.page, policy)
		}
		if strings.Contains(body, "<script") {
			t.Errorf("%T: %s", c.page, body)
		}
		if strings.Contains(policy, "form-action 'self'") == c.away {
			t.Errorf("%T: %s", c.page, policy)
		}
	}
}

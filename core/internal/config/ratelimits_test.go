package config_test

import (
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/config"
)

func TestWhatIsWrongInRateLimitsIsNamed(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"login: {requests: 0}":                   "rate_limits.login.requests",
		"authenticated_api: {period_seconds: 0}": "rate_limits.authenticated_api.period_seconds",
		"logins: {requests: 1}":                  "rate_limits.logins.requests",
		"allow: [10.0.0.0/8, 'user:x']":          "rate_limits.allow",
		"redis: {url: 'http://:hush@x'}":         "rate_limits.redis.url",
	} {
		_, err := config.Load(file(t, "rate_limits: {"+text+"}"), nil, nil)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

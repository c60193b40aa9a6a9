module github.com/pakhus/pakhus/plugins/npm

go 1.26.0

require github.com/pakhus/pakhus/sdk v0.0.0

require (
	github.com/Masterminds/semver/v3 v3.5.0 // indirect
	github.com/rogpeppe/go-internal v1.16.0 // indirect
)

replace github.com/pakhus/pakhus/sdk => ../../sdk

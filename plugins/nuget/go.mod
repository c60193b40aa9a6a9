module github.com/pakhus/pakhus/plugins/nuget

go 1.26.0

require (
	github.com/pakhus/pakhus/sdk v0.0.0
	github.com/rogpeppe/go-internal v1.16.0
)

require (
	golang.org/x/sys v0.50.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	golang.org/x/tools v0.51.0 // indirect
)

replace github.com/pakhus/pakhus/sdk => ../../sdk

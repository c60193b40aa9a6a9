module github.com/pakhus/pakhus/plugins/nuget

go 1.26.0

require github.com/pakhus/pakhus/sdk v0.0.0

require golang.org/x/text v0.43.0 // indirect

replace github.com/pakhus/pakhus/sdk => ../../sdk

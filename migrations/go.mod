module github.com/pakhus/pakhus/migrations

go 1.26.0

#!/usr/bin/env bash
# Installs the pinned development tools into bin/tools, each once per version.
#
# Usage: scripts/tools.sh [name ...]   (no name: all of them)
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$PWD/bin/tools
mkdir -p "$dir"

# go_tool NAME MODULE VERSION: a Go program, built without cgo (three to four times faster to install).
go_tool() {
	local name=$1 module=$2 version=$3
	local stamp="$dir/.$name-$version"
	[ -e "$stamp" ] && return
	echo "tools: $name $version"
	GOWORK=off GOFLAGS=-mod=mod CGO_ENABLED=0 GOBIN="$dir" go install "$module@$version"
	rm -f "$dir/.$name-"*
	touch "$stamp"
}

# npm_tool NAME PACKAGE VERSION: a program shipped as a binary inside an npm package.
npm_tool() {
	local name=$1 package=$2 version=$3
	local stamp="$dir/.$name-$version"
	[ -e "$stamp" ] && return
	echo "tools: $name $version"
	npm install --silent --no-save --no-package-lock --prefix "$dir/npm-$name" "$package@$version"
	ln -sf "npm-$name/node_modules/.bin/$name" "$dir/$name"
	rm -f "$dir/.$name-"*
	touch "$stamp"
}

install_tool() {
	case $1 in
	golangci-lint) go_tool golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint v2.15.0 ;;
	sqlc) go_tool sqlc github.com/sqlc-dev/sqlc/cmd/sqlc v1.31.1 ;;
	protoc-gen-go) go_tool protoc-gen-go google.golang.org/protobuf/cmd/protoc-gen-go v1.36.12 ;;
	protoc-gen-go-grpc) go_tool protoc-gen-go-grpc google.golang.org/grpc/cmd/protoc-gen-go-grpc v1.6.2 ;;
	buf) npm_tool buf @bufbuild/buf 1.75.0 ;;
	squawk) npm_tool squawk squawk-cli 2.66.0 ;;
	deadcode) go_tool deadcode golang.org/x/tools/cmd/deadcode v0.38.0 ;;
	*)
		echo "tools: unknown tool $1" >&2
		exit 2
		;;
	esac
}

[ $# -gt 0 ] || set -- protoc-gen-go protoc-gen-go-grpc buf sqlc squawk golangci-lint
for tool in "$@"; do install_tool "$tool"; done

#!/usr/bin/env bash
# Installs the pinned package clients that tests use, each once per version:
# into .cache/clients/<name>-<version>, with a command of that name in
# .cache/clients/bin.
#
# Usage: scripts/clients.sh [name ...]   (no name: all of them)
#
# The machine's own npm and node (20 or later) fetch and run them. pnpm 11 and
# npm 12 need a newer node than 20, so they come with one.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$PWD/.cache/clients
mkdir -p "$dir/bin"

node22=22.23.3

# fetch FOLDER PACKAGE...: install packages, untouched by the settings of whoever runs this.
fetch() {
	local folder=$1
	shift
	rm -rf "$folder" # what an interrupted run has left
	mkdir -p "$folder"
	touch "$dir/npmrc"
	npm install --silent --no-save --no-package-lock --no-audit --no-fund --global=false \
		--userconfig "$dir/npmrc" --cache "$dir/cache" --prefix "$folder" "$@"
}

# client NAME ENTRY VERSION PACKAGE...: install packages; ENTRY is the program
# within node_modules. A package named "node" is the node that runs it.
client() {
	local name=$1 entry=$2 version=$3
	shift 3
	local folder="$dir/$name-$version"
	if [ ! -e "$folder/.installed" ]; then
		echo "clients: $name $version" >&2
		fetch "$folder" "$@"
		touch "$folder/.installed"
		for old in "$dir/$name-"*; do
			[ "$old" = "$folder" ] || rm -rf "$old"
		done
	fi
	# The folder's node comes first, for the programs that the client itself starts.
	cat >"$dir/bin/$name.new" <<-COMMAND
		#!/bin/sh
		export PATH="$folder/node_modules/node/bin:\$PATH"
		exec "$folder/node_modules/$entry" "\$@"
	COMMAND
	chmod +x "$dir/bin/$name.new"
	mv "$dir/bin/$name.new" "$dir/bin/$name"
	printf '%-8s %-10s %s\n' "$name" "$version" "$dir/bin/$name"
}

install_client() {
	case $1 in
	# The newest npm that runs on node 20, and the newest there is.
	npm) client npm npm/bin/npm-cli.js 11.21.2 npm@11.21.2 ;;
	npm12) client npm12 npm/bin/npm-cli.js 12.2.1 npm@12.2.1 "node@$node22" ;;
	pnpm10) client pnpm10 pnpm/bin/pnpm.cjs 10.34.9 pnpm@10.34.9 ;;
	pnpm11) client pnpm11 pnpm/bin/pnpm.mjs 11.28.11 pnpm@11.28.11 "node@$node22" ;;
	pnpm12) client pnpm12 .bin/pnpm 12.21.0 pnpm@12.21.0 ;;
	yarn1) client yarn1 yarn/bin/yarn.js 1.22.22 yarn@1.22.22 ;;
	yarn4) client yarn4 @yarnpkg/cli-dist/bin/yarn.js 4.18.1 @yarnpkg/cli-dist@4.18.1 ;;
	*)
		echo "clients: unknown client $1" >&2
		exit 2
		;;
	esac
}

[ $# -gt 0 ] || set -- npm npm12 pnpm10 pnpm11 pnpm12 yarn1 yarn4
for name in "$@"; do install_client "$name"; done

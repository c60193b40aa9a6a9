#!/usr/bin/env bash
# Installs the pinned package clients that tests use, each once per version:
# into .cache/clients/<name>-<version>, with a command of that name in
# .cache/clients/bin. They run on a pinned node of their own, so that what tests
# see does not depend on the machine's.
#
# Usage: scripts/clients.sh [name ...]   (no name: all of them)
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$PWD/.cache/clients
mkdir -p "$dir/bin" "$dir/home"

case $(uname -m) in
x86_64) arch=x64 ;;
aarch64 | arm64) arch=arm64 ;;
*)
	echo "clients: there is no pinned node for $(uname -m)" >&2
	exit 1
	;;
esac
# npm brings everything else, a node of its own included.
if ! command -v npm >/dev/null; then
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		apt-get update -q >&2
		DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends npm >&2
	else
		echo "clients: npm is missing; install it (Debian: apt-get install npm)" >&2
		exit 1
	fi
fi
node_version=22.23.3
node="$dir/node-$node_version/node_modules/node-linux-$arch/bin/node"

# install NAME PACKAGE VERSION: one package, into a folder of its own. The
# settings of whoever runs this stay out of it.
install() {
	local name=$1 package=$2 version=$3
	local folder="$dir/$name-$version"
	[ -e "$folder/.complete" ] && return
	echo "clients: $package $version" >&2
	rm -rf "$folder" # what an interrupted run has left
	mkdir -p "$folder"
	npm install --silent --no-save --no-package-lock --no-audit --no-fund --global=false --ignore-scripts \
		--userconfig "$dir/home/npmrc" --cache "$dir/home/cache" --prefix "$folder" "$package@$version"
	touch "$folder/.complete"
	for old in "$dir/$name-"*; do
		[ "$old" = "$folder" ] || rm -rf "$old"
	done
}

# client NAME PACKAGE VERSION PROGRAM: installs a package; PROGRAM is within node_modules.
client() {
	local name=$1 package=$2 version=$3 program=$4
	install "$name" "$package" "$version"
	program="$dir/$name-$version/node_modules/$program"
	local command="exec \"$node\" \"$program\""
	case $program in *.js | *.cjs | *.mjs) ;; *) command="exec \"$program\"" ;; esac
	printf '#!/bin/sh\n%s "$@"\n' "$command" >"$dir/bin/$name.new"
	chmod 755 "$dir/bin/$name.new"
	mv "$dir/bin/$name.new" "$dir/bin/$name"
	row "$name" "$version"
}

row() { printf '%-8s %-10s %s\n' "$1" "$2" "$dir/bin/$1"; }

install_client() {
	case $1 in
	npm) client npm npm 11.21.2 npm/bin/npm-cli.js ;;
	npm12) client npm12 npm 12.2.1 npm/bin/npm-cli.js ;;
	pnpm10) client pnpm10 pnpm 10.34.9 pnpm/bin/pnpm.cjs ;;
	pnpm11) client pnpm11 pnpm 11.28.11 pnpm/bin/pnpm.mjs ;;
	# No JavaScript any more: what the package "pnpm" links to.
	pnpm12) client pnpm12 "@pnpm/exe.linux-$arch" 12.21.0 "@pnpm/exe.linux-$arch/pnpm" ;;
	yarn1) client yarn1 yarn 1.22.22 yarn/bin/yarn.js ;;
	yarn4) client yarn4 @yarnpkg/cli-dist 4.18.1 @yarnpkg/cli-dist/bin/yarn.js ;;
	*)
		echo "clients: unknown client $1" >&2
		exit 2
		;;
	esac
}

install node "node-linux-$arch" "$node_version"
ln -sfn "$node" "$dir/bin/node"
row node "$node_version"

[ $# -gt 0 ] || set -- npm npm12 pnpm10 pnpm11 pnpm12 yarn1 yarn4
for name in "$@"; do install_client "$name"; done

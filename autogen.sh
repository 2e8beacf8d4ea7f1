#!/bin/sh
# Makes configure and Makefile.in from configure.ac and Makefile.am.
set -eu
cd "$(dirname "$0")"

missing=
for tool in autoconf automake pkg-config; do
	command -v "$tool" >/dev/null || missing="$missing $tool"
done
if [ -n "$missing" ]; then
	echo "autogen.sh: missing programs; on Debian:" >&2
	echo "    apt-get install$missing" >&2
	exit 1
fi
exec autoreconf --install --warnings=all

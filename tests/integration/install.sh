#!/bin/sh
# Installs a build into a temporary folder and builds the example against it by pkg-config alone: the header, the
# library and tickwire.pc must be enough. With a URL as second argument the example also watches a live book there.
#   tests/integration/install.sh BUILD_DIRECTORY [URL [EXCHANGE SYMBOL]]
set -eu
build=${1:?usage: install.sh BUILD_DIRECTORY [URL [EXCHANGE SYMBOL]]}
source=$(cd "$(dirname "$0")/../.." && pwd)
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT

cmake --install "$build" --prefix "$prefix" > "$prefix/install.log" || { cat "$prefix/install.log"; exit 1; }
pc=$(find "$prefix" -name tickwire.pc)
[ -n "$pc" ] || { echo "FAILED: tickwire.pc is not installed"; exit 1; }
PKG_CONFIG_PATH=$(dirname "$pc")
LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH")
export PKG_CONFIG_PATH LD_LIBRARY_PATH

library=$LD_LIBRARY_PATH/libtickwire.so
foreign=$(nm -D --defined-only "$library" | awk '$2 ~ /^[TDBRVW]$/ {print $3}' | grep -v '^tickwire_' || true)
[ -z "$foreign" ] || { echo "FAILED: the library shows more than tickwire_*:" $foreign; exit 1; }

# shellcheck disable=SC2046
"${CC:-cc}" -std=c11 -Wall -Wextra -Werror ${CFLAGS:-} -o "$prefix/watch_book" \
    "$source/docs/examples/watch_book.c" $(pkg-config --cflags --libs tickwire)
"$prefix/watch_book" --help | grep -q "libtickwire $(pkg-config --modversion tickwire)"
# The header alone, in C++ too where there is a compiler.
if command -v c++ > /dev/null; then
    echo '#include <tickwire.h>' | c++ -fsyntax-only -Wall -Wextra -Werror $(pkg-config --cflags tickwire) -x c++ -
fi
if "$prefix/watch_book" XNAS AAPL nats://127.0.0.1:1 1 2> "$prefix/away.log"; then
    echo "FAILED: no server, yet the example succeeded"; exit 1
fi
grep -q 127.0.0.1:1 "$prefix/away.log" || { echo "FAILED: the error does not name the server"; exit 1; }
if [ $# -ge 2 ]; then
    "$prefix/watch_book" "${3:-XNAS}" "${4:-AAPL}" "$2" 5
fi
echo "installed library, header and pkg-config file: OK"

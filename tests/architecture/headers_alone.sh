#!/bin/sh
# Every public header compiles with nothing before it, twice in a row, and without a warning.
#   headers_alone.sh COMPILER TOP
set -eu
compiler=$1 top=$2
if [ "${HEADER:-}" ]; then
  printf '#include <%s>\n#include <%s>\n' "$HEADER" "$HEADER" |
    "$compiler" -std=c++20 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -I"$top/framework" -I"$top/policies" -fsyntax-only -x c++ - ||
    { echo "<$HEADER> does not compile alone"; exit 1; }
  exit 0
fi
headers=$(cd "$top/framework" && find mulproc -name '*.hpp'; cd "$top/policies" && find mulproc -name '*.hpp')
[ "$headers" ] || { echo "no headers in $top"; exit 1; }
echo "$headers" | xargs -P 2 -I{} env HEADER={} sh "$0" "$compiler" "$top"
echo "$(echo "$headers" | wc -l) headers compile alone"

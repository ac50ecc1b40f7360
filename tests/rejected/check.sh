#!/bin/sh
# Each program in cases/ must not compile, and the compiler must print the remedy: the words of the program's first line.
# Its twin, the same program without -DREJECTED, must compile.
#   check.sh COMPILER TOP [CASES]      77: there is no such compiler
set -eu
compiler=$1 top=$2 cases=${3:-$2/tests/rejected/cases}
flags="-std=c++20 -I$top/framework -I$top/policies"
one() {
  name=$(basename "$1" .cpp)
  words=$(sed -n '1s/^\/\/ says: //p' "$1")
  # A compiler also prints file names and the program's own lines; only words of the library's tell a remedy.
  case $words in *" "*" "*) ;; *) echo "$name: its first line must be // says: and three WORDS of the remedy or more"; return 1 ;; esac
  [ "$(grep -cF "$words" "$1")" = 1 ] || { echo "$name: says the remedy itself"; return 1; }
  said=$("$compiler" $flags -include "$prefix" -fsyntax-only "$1" 2>&1) || { echo "$name: its twin does not compile:"; echo "$said" | head -20; return 1; }
  if said=$("$compiler" $flags -include "$prefix" -fsyntax-only -DREJECTED "$1" 2>&1); then echo "$name: compiles"; return 1; fi
  echo "$said" | grep -qF "$words" || { echo "$name: is refused without the words \"$words\":"; echo "$said" | head -30; return 1; }
}
if [ "${ONE:-}" ]; then one "$ONE"; exit; fi
command -v "$compiler" >/dev/null || { echo "skipped: there is no compiler $compiler"; exit 77; }

# All headers the programs name, compiled once: that is most of the work.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat "$cases"/*.cpp | grep '^#include' | sort -u >"$work/all.hpp" || true
"$compiler" $flags -x c++-header "$work/all.hpp" -o "$work/all.hpp.gch"
ls "$cases"/*.cpp | prefix="$work/all.hpp" xargs -P 2 -I{} env ONE={} sh "$0" "$compiler" "$top" "$cases"
echo "$(ls "$cases"/*.cpp | wc -l) programs refused in the right words, and their twins accepted, by $compiler"

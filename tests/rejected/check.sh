#!/bin/sh
# Each program in cases/ must not compile, and the compiler must say the words of its first line; its twin must compile.
#   check.sh COMPILER TOP [CASES]
set -eu
compiler=$1 top=$2 cases=${3:-$2/tests/rejected/cases}
one() {
  name=$(basename "$1" .cpp)
  words=$(sed -n '1s/^\/\/ says: //p' "$1")
  [ -n "$words" ] || { echo "$name: its first line must be // says: WORDS"; return 1; }
  flags="-std=c++20 -fsyntax-only -I$top/framework -I$top/policies"
  said=$("$compiler" $flags "$1" 2>&1) || { echo "$name: its twin does not compile:"; echo "$said" | head -20; return 1; }
  if said=$("$compiler" $flags -DREJECTED "$1" 2>&1); then echo "$name: compiles"; return 1; fi
  echo "$said" | grep -qF "$words" || { echo "$name: is refused without the words \"$words\":"; echo "$said" | head -30; return 1; }
}
if [ "${ONE:-}" ]; then one "$ONE"; exit; fi
ls "$cases"/*.cpp | xargs -P 2 -I{} env ONE={} sh "$0" "$compiler" "$top" "$cases"
echo "$(ls "$cases"/*.cpp | wc -l) programs refused in the right words, and their twins accepted, by $compiler"

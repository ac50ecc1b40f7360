#!/bin/sh
# Every C++ block in a page compiles, runs and returns 0. One without main is the inside of a function or, where it cannot
# be that, what stands before one; it is given every public header and some of the standard's.
#   check.sh COMPILER TOP PAGE...
set -eu
compiler=$1 top=$2
flags="-std=c++20 -pthread -I$top/framework -I$top/policies"

builds() { "$compiler" $flags "$1" -o "$BLOCK.run" -lboost_serialization -lboost_json >"$1.said" 2>&1; }
in_a_function() { cat "$prefix"; grep '^ *#include' "$BLOCK" || true; echo "int main() {"; echo "#line 1 \"$BLOCK\""; grep -v '^ *#include' "$BLOCK"; echo "}"; }
before_main() { cat "$prefix"; echo "#line 1 \"$BLOCK\""; cat "$BLOCK"; echo "int main() {}"; }
block() {
  name=$(basename "$BLOCK")
  if grep -qE '(^|[^_[:alnum:]])int +main *\(' "$BLOCK"; then
    cp "$BLOCK" "$BLOCK.program.cpp"
    builds "$BLOCK.program.cpp" || { echo "$name does not compile:"; cat "$BLOCK" "$BLOCK.program.cpp.said"; return 1; }
  else
    in_a_function >"$BLOCK.inside.cpp"
    before_main >"$BLOCK.outside.cpp"
    builds "$BLOCK.inside.cpp" || builds "$BLOCK.outside.cpp" ||
      { echo "$name does not compile, neither inside a function:"; cat "$BLOCK" "$BLOCK.inside.cpp.said"; echo "nor outside:"; cat "$BLOCK.outside.cpp.said"; return 1; }
  fi
  timeout 60 "$BLOCK.run" >"$BLOCK.said" 2>&1 || { echo "$name compiles, and ends with $?:"; cat "$BLOCK" "$BLOCK.said"; return 1; }
}
if [ "${BLOCK:-}" ]; then block; exit; fi

shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for page; do
  [ -f "$page" ] || { echo "there is no page $page"; exit 1; }
  awk -v to="$work/$(echo "${page#"$top"/}" | tr / _)" -v page="$page" '
    !inside && /^ *```cpp *$/ {inside = 1; n++; next}
    inside && /^ *``` *$/ {inside = 0; next}
    inside {print > (to "-block-" n)}
    END {if (inside) {print page ": its last block has no end"; exit 1}}' "$page"
done
ls "$work" | grep -q block || { echo "no C++ block in $*"; exit 1; }
(cd "$top/framework" && find mulproc -name '*.hpp'; cd "$top/policies" && find mulproc -name '*.hpp'; printf '%s\n' array chrono cstdint iostream memory optional string string_view thread vector) |
  sed 's/.*/#include <&>/' >"$work/prefix"
ls "$work"/*block* | prefix="$work/prefix" xargs -P 2 -I{} env BLOCK={} sh "$0" "$compiler" "$top"
echo "$(ls "$work"/*.run | wc -l) blocks compile and run"

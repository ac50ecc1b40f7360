#!/bin/sh
# Every C++ block in a page compiles, runs and returns 0. One without main is the inside of a function.
#   check.sh COMPILER TOP PAGE...
set -eu
compiler=$1 top=$2
if [ "${BLOCK:-}" ]; then
  if ! grep -q 'int main' "$BLOCK"; then
    { sed 's/.*/#include <&>/' <<INCLUDES
array
chrono
iostream
string
mulproc/channel.hpp
mulproc/crew.hpp
mulproc/recommended.hpp
mulproc/routing/only_to_me.hpp
mulproc/serializer/trivially_copyable.hpp
mulproc/transport/pipe.hpp
INCLUDES
      echo "int main() {"; echo "#line 1 \"$BLOCK\""; cat "$BLOCK"; echo "}"; } >"$BLOCK.cpp"
  else
    cp "$BLOCK" "$BLOCK.cpp"
  fi
  "$compiler" -std=c++20 -pthread -I"$top/framework" -I"$top/policies" "$BLOCK.cpp" -o "$BLOCK.run" -lboost_serialization -lboost_json >"$BLOCK.said" 2>&1 &&
    timeout 60 "$BLOCK.run" >>"$BLOCK.said" 2>&1 || { echo "$(basename "$BLOCK") does not compile and run:"; cat "$BLOCK" "$BLOCK.said"; exit 1; }
  exit 0
fi
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for page; do
  awk -v to="$work/$(echo "${page#"$top"/}" | tr / _)" '/^ *```cpp/ {inside = 1; n++; next} /^ *```/ {inside = 0} inside {print > (to "-block-" n)}' "$page"
done
ls "$work" | grep -q block || { echo "no C++ block in $*"; exit 1; }
ls "$work"/*block* | xargs -P 2 -I{} env BLOCK={} sh "$0" "$compiler" "$top"
echo "$(ls "$work"/*.run | wc -l) blocks compile and run"

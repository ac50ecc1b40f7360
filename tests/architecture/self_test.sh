#!/bin/sh
# check.sh complains of each thing it looks for, in a copy of the tree where that is wrong.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
complains() {  # FILE LINE WORDS
  rm -rf "$work/tree" && mkdir "$work/tree"
  (cd "$1" && cp -r framework policies tests stress examples "$work/tree")
  mkdir -p "$(dirname "$work/tree/$2")"
  echo "$3" >>"$work/tree/$2"
  if sh "$here/check.sh" "$work/tree" >"$work/said"; then echo "accepted: $3 in $2"; exit 1; fi
  grep -q "$4" "$work/said" || { echo "not said: $4, of $3 in $2"; cat "$work/said"; exit 1; }
}
complains "$1" framework/mulproc/errc.hpp '#include <boost/json.hpp>' "the framework includes"
complains "$1" policies/mulproc/routing/from.hpp '#include <mulproc/transport/pipe.hpp>' "another family"
complains "$1" policies/mulproc/serializer/json.hpp '#include <mulproc/shared_memory/futex.hpp>' "the transports'"
complains "$1" policies/mulproc/transport/pipe.hpp '#include <stress/run.hpp>' "includes no program"
complains "$1" policies/mulproc/transport/rope.hpp 'struct rope {};' "// Death:"
complains "$1" policies/mulproc/serializer/xml.hpp 'struct xml {};' "a serializer has a test"
complains "$1" framework/mulproc/utils.hpp 'int x;' "named after what it does"
complains "$1" tests/parity/parity.hpp 'void f() { assert(true); }' "gone under NDEBUG"
complains "$1" tests/parity/parity.hpp 'void f() { ::fork(); }' "use spawn"
echo "each of the rules is seen to be broken"

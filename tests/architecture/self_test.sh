#!/bin/sh
# check.sh and headers_alone.sh complain of each thing they look for, in a small tree where only that is wrong.
#   self_test.sh COMPILER
set -eu
here=$(cd "$(dirname "$0")" && pwd)
compiler=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree

opening='#pragma once\n// What:    a thing.\n// Choose:  always.\n// Not:     never.\n// Death:   nothing.\n'
plant() {  # FILE TEXT
  mkdir -p "$(dirname "$tree/$1")"
  printf "$2" >>"$tree/$1"
}
sound() {
  rm -rf "$tree"
  mkdir -p "$tree/stress" "$tree/examples"
  plant framework/mulproc/errc.hpp '#pragma once\n#include <string>\n#include <sys/types.h>\n'
  plant framework/mulproc/owner.hpp '#pragma once\n#include <unistd.h>\n#include <mulproc/errc.hpp>\n'
  plant policies/mulproc/shared_memory/futex.hpp '#pragma once\n#include <linux/futex.h>\n'
  plant policies/mulproc/transport/rope.hpp "$opening"'#include <mulproc/owner.hpp>\n#include <mulproc/shared_memory/futex.hpp>\nstruct rope {};\n'
  plant policies/mulproc/serializer/xml.hpp "$opening"'#include <mulproc/serializer/tags.hpp>\nstruct xml {};\n'
  plant policies/mulproc/serializer/tags.hpp '#pragma once\n// What xml and others share.\nstruct Tag {};\n'
  plant policies/mulproc/routing/to_all.hpp "$opening"'struct to_all {};\n'
  plant tests/conformance/CMakeLists.txt 'mulproc_conformance(rope mulproc::transport::rope mulproc/transport/rope.hpp)\n'
  plant tests/serializer/xml.cpp '#include <mulproc/serializer/xml.hpp>\n'
  plant policies/mulproc/waiting/dozing.hpp "$opening"'struct dozing {};\n'
  plant tests/waiting/spin.cpp '#include <mulproc/waiting/dozing.hpp>\n'
  plant tests/routing/truth_tables.cpp '#include <mulproc/routing/to_all.hpp>\n'
  plant tests/framework/values.cpp '// errc.hpp, owner.hpp: what they do.\n'
}
accepted() {
  sh "$here/check.sh" "$tree" >"$work/said" || { echo "a sound tree is refused:"; cat "$work/said"; exit 1; }
}
refused() {  # WORDS
  if sh "$here/check.sh" "$tree" >"$work/said"; then echo "accepted, where \"$1\" was wanted"; exit 1; fi
  grep -qF "$1" "$work/said" && [ "$(wc -l <"$work/said")" = 1 ] || { echo "not said, or not alone: $1"; cat "$work/said"; exit 1; }
}
complains() {  # FILE TEXT WORDS
  sound
  plant "$1" "$2"
  refused "$3"
}
without() {  # FILE WORDS
  sound
  : >"$tree/$1"
  refused "$2"
}

sound
accepted
only="the framework includes the standard library, POSIX and itself only"
complains framework/mulproc/errc.hpp '#include <boost/json.hpp>\n' "$only"
complains framework/mulproc/errc.hpp '#include <mulproc/transport/rope.hpp>\n' "$only"
complains framework/mulproc/errc.hpp '#include <mulproc/recommended.hpp>\n' "$only"
complains framework/mulproc/errc.hpp '  #  include <benchmark/benchmark.h.in>\n' "$only"
complains policies/mulproc/routing/to_all.hpp '#include <mulproc/configured.hpp>\n' "default words"
complains policies/mulproc/routing/to_all.hpp '#include <mulproc/transport/rope.hpp>\n' "routing must not include another family"
complains policies/mulproc/transport/rope.hpp '#include <mulproc/serializer/xml.hpp>\n' "transport must not include another family"
complains policies/mulproc/shared_memory/futex.hpp '#include <mulproc/transport/rope.hpp>\n' "shared_memory must not include another family"
complains policies/mulproc/serializer/xml.hpp '#include <mulproc/shared_memory/futex.hpp>\n' "shared memory is the transports'"
for program in stress tests examples; do complains policies/mulproc/transport/rope.hpp "#include <$program/run.hpp>\n" "a library includes no program"; done
complains policies/mulproc/serializer/xml.hpp '#include "tags.hpp"\n' "is included as <mulproc/...>"
for line in What Choose Not Death; do
  sound
  sed -i "/^.. $line:/d" "$tree/policies/mulproc/routing/to_all.hpp"
  refused "a policy file opens with // What: // Choose: // Not: // Death:"
done
sound
sed -i 's/^.. Not: .*/\/\/ Not:/' "$tree/policies/mulproc/routing/to_all.hpp"
refused "a policy file opens with"
complains policies/mulproc/transport/chain.hpp "$opening"'struct chain {};\n' "a transport is under the conformance suite"
without tests/conformance/CMakeLists.txt "a transport is under the conformance suite"
without tests/serializer/xml.cpp "a serializer has a test"
without tests/waiting/spin.cpp "a waiting policy has a test"
complains policies/mulproc/routing/to_all.hpp '#include <mulproc/waiting/dozing.hpp>\n' "routing must not include another family"
sound
plant policies/mulproc/transport/rope.hpp '#include <mulproc/waiting/dozing.hpp>\n'
accepted
without tests/routing/truth_tables.cpp "a routing policy has its truth table"
complains framework/mulproc/extra.hpp '#pragma once\n' "a framework header has a test that names it"
for name in utils common detail impl base manager rope_utils base_rope; do complains stress/$name.hpp 'int x;\n' "a file is named after what it does"; done
complains tests/detail/run.cpp 'int x;\n' "a file is named after what it does"
complains tests/framework/values.cpp 'void f() { assert(true); }\n' "assert is gone under NDEBUG"
complains tests/framework/values.cpp 'void f() { ::fork(); }\n' "use spawn"
sound
plant tests/framework/values.cpp 'static_assert(true);\nauto based = rebase(x);\n'
accepted

alone() { sh "$here/headers_alone.sh" "$compiler" "$tree" >"$work/said" 2>&1; }
sound
alone || { echo "a sound tree's headers are refused:"; cat "$work/said"; exit 1; }
for fault in 'std::vector<int> not_included;\n' 'inline int narrowed(long x) { return x; }\n'; do
  sound
  plant framework/mulproc/errc.hpp "$fault"
  if alone || ! grep -q '<mulproc/errc.hpp> does not compile alone' "$work/said"; then echo "accepted in a header: $fault"; exit 1; fi
done
sound
printf 'struct Twice {};\n' >"$tree/framework/mulproc/errc.hpp"
if alone; then echo "accepted: a header without a guard"; exit 1; fi
rm -rf "$tree/framework" "$tree/policies"; mkdir -p "$tree/framework/mulproc" "$tree/policies/mulproc"
if alone; then echo "accepted: no headers at all"; exit 1; fi
echo "each of the rules is seen to be broken"

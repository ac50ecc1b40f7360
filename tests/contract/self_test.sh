#!/bin/sh
# check.sh complains of each thing it looks for, on a small page of which only that is wrong.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree

program() {  # NAME CASE...
  name=$1; shift
  printf '#!/bin/sh\nprintf "%%s*\\n" %s >&2\n' "$*" >"$tree/build/$name"
  chmod +x "$tree/build/$name"
  printf 'add_test([=[%s]=] "%s/build/%s")\n' "$name" "$tree" "$name" >>"$tree/build/CTestTestfile.cmake"
}
sound() {
  rm -rf "$tree"
  mkdir -p "$tree/build" "$tree/framework" "$tree/tests" "$tree/policies/mulproc/transport"
  : >"$tree/policies/mulproc/transport/rope.hpp"
  : >"$tree/policies/mulproc/transport/wire.hpp"
  printf '// Over rope.\nBOOST_AUTO_TEST_CASE(it_arrives) {}\nBOOST_AUTO_TEST_CASE_TEMPLATE(it_stays, T, All) {}\nBOOST_AUTO_TEST_CASE(it_is_never_run) {}\n' >"$tree/tests/suite.cpp"
  : >"$tree/tests/stepped.cpp"
  program suite.rope it_arrives it_stays it_floats
  program suite.wire it_arrives
  program stepped
  cat >"$tree/framework/CONTRACT.md" <<'END'
# An introduction. It names no test.

| | `rope` | `wire` | `kite` |
|---|---|---|---|
| sent | arrives [^arrives] | arrives [^arrives] | arrives [^stays] |
| kept | always [^stays] [^stepped] | – | not there |

## Sentences

* **Sending.** It arrives, as `a.b. c` says. [^arrives] It
  stays [^stays], and is stepped. [^stepped]

A paragraph. [^arrives]

## Not there yet

This is promised by nobody.

## The tests

[^arrives]: [suite.*](../tests/suite.cpp) it_arrives
[^stays]: [suite.*](../tests/suite.cpp) it_stays, it_arrives
[^stepped]: [suite.rope](../tests/suite.cpp) it_stays; [stepped](../tests/stepped.cpp)
END
  sed -i 's/^| kept | always .*stays. .^stepped./| kept | always [^stays]/' "$tree/framework/CONTRACT.md"
}
check() { sh "$here/check.sh" "$tree" "$tree/framework/CONTRACT.md" "$tree/build" >"$work/said" 2>&1; }
refused() {  # WORDS
  if check; then echo "accepted, where \"$1\" was wanted"; exit 1; fi
  grep -qF "$1" "$work/said" && [ "$(wc -l <"$work/said")" = 1 ] || { echo "not said, or not alone: $1"; cat "$work/said"; exit 1; }
}
complains() {  # SED-COMMAND WORDS
  sound
  sed -i "$1" "$tree/framework/CONTRACT.md"
  refused "$2"
}

sound
check || { echo "a sound page is refused:"; cat "$work/said"; exit 1; }
grep -qF 'kite: not there yet, 1 notes of its cells wait' "$work/said" || { echo "a column that waits is not told:"; cat "$work/said"; exit 1; }

complains 's/| always [^|]*|/| always |/' 'no test for the cell "kept" of rope'
complains 's/A paragraph. .*/A paragraph./' 'no test for the sentence: A paragraph.'
complains 's/ c` says. \[^arrives\]/ c` says./' 'no test for the sentence: It arrives, as x says.'
complains 's/A paragraph. .*/A paragraph. [^arrives] And no more/' 'no test for the sentence: And no more'
complains 's/A paragraph. .*/A paragraph. [^nowhere]/' 'there is no note nowhere'
complains '$a [^more]: [stepped](../tests/stepped.cpp)' 'nothing refers to the note more'
complains '$a [^stays]: it_stays' 'the note stays names no [test](source)'
complains 's/it_stays; /it_floats; /' 'names a case that is not in ../tests/suite.cpp: it_floats'
complains 's/; .stepped.*/; [stepped](..\/tests\/gone.cpp)/' 'a source that is not there: ../tests/gone.cpp'
complains 's/; .stepped.*/; [walked](..\/tests\/stepped.cpp)/' 'a test that CTest does not run: walked'
complains 's/it_stays; .*/it_is_never_run/' 'suite.rope does not run the case it_is_never_run'
complains 's/| always [^|]*|/| always [^stays] [^stepped] |/' '../tests/stepped.cpp of the note stepped proves nothing about rope'
complains 's/^| kept .*/| kept | always [^stays] | always [^stays] | not there |/' 'suite.wire does not run the case it_stays'
sound
: >"$tree/policies/mulproc/transport/kite.hpp"
sed -i 's/, it_arrives$//' "$tree/framework/CONTRACT.md"
refused 'a test that CTest does not run: suite.kite'
sound
rm "$tree/build/suite.wire"
if check || ! grep -q 'the test suite.wire is not built' "$work/said"; then echo "accepted: a test that is not built"; cat "$work/said"; exit 1; fi
sound
: >"$tree/framework/CONTRACT.md"
if check || ! grep -q 'no table' "$work/said"; then echo "accepted: an empty page"; exit 1; fi
echo "check.sh says what is wrong with a contract"

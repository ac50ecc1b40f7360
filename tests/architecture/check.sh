#!/bin/sh
# The arrows of the architecture: stress, examples, tests -> policies -> framework. And what every policy file holds.
#   check.sh TOP
set -eu
cd "$1"
wrong=$(mktemp)
trap 'rm -f "$wrong"' EXIT
complain() { sed "s|^|$1: |" >>"$wrong"; }

grep -rnE '#include <(boost|mulproc/(transport|serializer|routing|waiting|shared_memory)/|stress/|benchmark/)' framework --include=*.hpp |
  complain "the framework includes the standard library, POSIX and itself only" || true
grep -rnE '#include <mulproc/recommended|#include <mulproc/configured' framework policies/mulproc/*/ --include=*.hpp | complain "no policy knows the default words" || true
for family in policies/mulproc/*/; do
  mine=$(basename "$family")
  for other in transport serializer routing waiting; do
    [ "$other" = "$mine" ] || grep -rn "#include <mulproc/$other/" "$family" | complain "$mine must not include another family" || true
  done
  [ "$mine" = shared_memory ] || [ "$mine" = transport ] || grep -rn "#include <mulproc/shared_memory/" "$family" | complain "shared memory is the transports'" || true
done
grep -rnE '#include [<"](stress|tests|examples|support)/' framework policies | complain "a library includes no program" || true
for file in policies/mulproc/transport/*.hpp policies/mulproc/serializer/*.hpp policies/mulproc/routing/*.hpp; do
  grep -q "struct $(basename "$file" .hpp)\b" "$file" || continue  # a helper, not a policy
  for line in What Choose Not Death; do
    grep -q "^// $line: " "$file" || echo "$file" | complain "a policy file says // $line: in its first lines"
  done
done
for file in policies/mulproc/serializer/*.hpp; do
  name=$(basename "$file" .hpp)
  grep -q "struct $name\b" "$file" || continue
  grep -rq "$name" tests/serializer tests/matrix || echo "$file" | complain "a serializer has a test"
done
find framework policies tests stress examples | grep -iE '/(utils?|common|detail|impl|base|manager)(/|\.)' | complain "a file is named after what it does" || true
grep -rnE '(^|[^_a-z])assert\(' tests stress examples --include=*.cpp --include=*.hpp | complain "assert is gone under NDEBUG" || true
grep -rnE '(::|[^_a-z:.>])fork\(\)' tests --include=*.cpp --include=*.hpp | grep -v '^tests/crash/' | complain "a raw fork hides failing checks: use spawn" || true
if [ -s "$wrong" ]; then cat "$wrong"; exit 1; fi
echo "the includes point one way, and every policy says what it is"

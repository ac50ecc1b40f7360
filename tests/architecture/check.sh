#!/bin/sh
# The arrows of the architecture: stress, examples, tests -> policies -> framework. And what every policy file holds.
#   check.sh TOP
set -eu
cd "$1"
wrong=$(mktemp)
trap 'rm -f "$wrong"' EXIT
complain() { sed "s|^|$1: |" >>"$wrong"; }

# file:line:#include ..., of whatever is included in these folders
includes() { grep -rnE '^ *# *include' "$@" --include=*.hpp || true; }
policies() {  # the files of a family that hold a policy, not what several share
  for file in policies/mulproc/"$1"/*.hpp; do
    if grep -qE "struct $(basename "$file" .hpp)\b" "$file" 2>/dev/null; then echo "$file"; fi
  done
}

# What is allowed, not what is forbidden: <word>, <name.h>, <sys/name.h>, <linux/name.h>, and what lies in framework/mulproc.
includes framework | grep -vE '# *include <([a-z_]+|([a-z]+/)?[a-z_]+\.h|mulproc/[a-z_]+\.hpp)>' | complain "the framework includes the standard library, POSIX and itself only" || true
includes framework | sed -nE 's|^([^:]*:[0-9]*:).*<(mulproc/[a-z_]+\.hpp)>.*|\1 \2|p' | while read -r where header; do
  [ -f "framework/$header" ] || echo "$where $header"
done | complain "the framework includes the standard library, POSIX and itself only" || true

includes policies/mulproc/*/ | grep -E '<mulproc/(recommended|configured)' | complain "no policy knows the default words" || true
for family in policies/mulproc/*/; do
  mine=$(basename "$family")
  for other in policies/mulproc/*/; do
    other=$(basename "$other")
    case $other in "$mine" | shared_memory) continue ;; esac
    case "$mine $other" in "transport waiting" | "shared_memory waiting") continue ;; esac  # how it waits is a template argument
    includes "$family" | grep "mulproc/$other/" | complain "$mine must not include another family" || true
  done
  if [ "$mine" != shared_memory ] && [ "$mine" != transport ]; then includes "$family" | grep 'mulproc/shared_memory/' | complain "shared memory is the transports'" || true; fi
done
includes framework policies | grep -E '[<"]([^>"]*/)?(stress|tests|examples|support|conformance)/' | complain "a library includes no program" || true
includes framework policies | grep '"' | complain "a public header is included as <mulproc/...>" || true

for family in transport serializer routing waiting; do
  for file in $(policies $family); do
    # After #pragma once, in this order, and nothing between.
    sed -n '2,5p' "$file" | sed -E 's|^// ([A-Z][a-z]+): +[^ ].*|\1|' | tr '\n' ' ' | grep -q '^What Choose Not Death $' ||
      echo "$file" | complain "a policy file opens with // What: // Choose: // Not: // Death:"
  done
done
for file in $(policies transport); do
  grep -qE "^ *mulproc_conformance\($(basename "$file" .hpp) " tests/conformance/CMakeLists.txt || echo "$file" | complain "a transport is under the conformance suite"
done
for file in $(policies serializer); do
  grep -rqE "#include <mulproc/serializer/$(basename "$file")>" tests/serializer || echo "$file" | complain "a serializer has a test"
done
for file in $(policies routing); do
  grep -rqE "#include <mulproc/routing/$(basename "$file")>" tests/routing || echo "$file" | complain "a routing policy has its truth table"
done
for file in $(policies waiting); do
  grep -rqE "#include <mulproc/waiting/$(basename "$file")>" tests/waiting || echo "$file" | complain "a waiting policy has a test"
done
for file in framework/mulproc/*.hpp; do
  name=$(basename "$file" .hpp)
  # channel and transport are what tests/conformance proves.
  [ "$name" = channel ] || [ "$name" = transport ] || grep -rqE "^// ([a-z]+\.hpp, )*$name\.hpp" tests/framework || echo "$file" | complain "a framework header has a test that names it"
done

find framework policies tests stress examples -type f | grep -iE '(/|_|\.|-)(utils?|helpers?|common|details?|impl|base|managers?)(/|_|\.|-)' | complain "a file is named after what it does" || true
grep -rnE '(^|[^_a-z])assert\(' tests stress examples --include=*.cpp --include=*.hpp | complain "assert is gone under NDEBUG" || true
grep -rnE '(::|[^_a-z:.>])fork\(\)' tests --include=*.cpp --include=*.hpp | grep -v '^tests/\(crash\|faults\)/' | complain "a raw fork hides failing checks: use spawn" || true
if [ -s "$wrong" ]; then sort -u "$wrong"; exit 1; fi
echo "the includes point one way, and every policy says what it is and is proved"

#!/bin/sh
# setup-debian.sh against machines made of a few files and an apt-get that only writes down what it is asked.
set -eu
setup=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
for tool in g++ cmake make spin clang++-16 python3; do printf '#!/bin/sh\n' >"$work/bin/$tool"; done
printf '#!/bin/sh\nexec "$@"\n' >"$work/bin/sudo"
cat >"$work/bin/apt-get" <<'APT'
#!/bin/sh
echo "$*" >>"$MACHINE/apt"
case "$*" in "install -s"*) cat "$MACHINE/plan" 2>/dev/null || true ;; esac
APT
chmod +x "$work"/bin/*

# machine PREFIX VERSION PART...: an empty machine with that Boost under that prefix, Google Benchmark and valgrind
machine() {
  MACHINE=$(mktemp -d "$work/machine.XXXXXX")
  export MACHINE
  mkdir -p "$MACHINE/usr/include/benchmark" "$MACHINE/usr/include/valgrind"
  : >"$MACHINE/usr/include/benchmark/benchmark.h"
  : >"$MACHINE/usr/include/valgrind/callgrind.h"
  [ $# -gt 0 ] || return 0
  prefix=$MACHINE/$1 version=$2
  shift 2
  mkdir -p "$prefix/include/boost" "$prefix/lib/any"
  echo "#define BOOST_VERSION $version" >"$prefix/include/boost/version.hpp"
  for part in "$@"; do : >"$prefix/lib/any/libboost_$part.so"; : >"$prefix/lib/libboost_$part.so"; done
}
setup() { MULPROC_SETUP_ROOT=$MACHINE PATH="$work/bin:$PATH" "$setup" "$@" >"$MACHINE/said" 2>&1; }
installed() { sed -n 's/.*install -y -q //p' "$MACHINE/apt" 2>/dev/null || true; }
failed=0
expect() { [ "$2" = "$3" ] || { echo "$1: wanted \"$3\", got \"$2\""; cat "$MACHINE/said"; failed=1; }; }
says() { grep -q "$2" "$MACHINE/said" || { echo "$1: wanted \"$2\" in:"; cat "$MACHINE/said"; failed=1; }; }

all="serialization json program_options unit_test_framework"
machine
setup
expect "a bare machine" "$(installed)" "libboost-serialization1.81-dev libboost-json1.81-dev libboost-program-options1.81-dev libboost-test1.81-dev"

machine usr 107800 $all
setup
expect "a new enough Boost is used as it is" "$(installed)" ""

machine usr 108300 serialization program_options unit_test_framework
setup
expect "what it lacks comes in its own version" "$(installed)" "libboost-json1.83-dev"

machine usr/local 108700 $all
setup
expect "a Boost installed by hand is used as it is" "$(installed)" ""

machine usr 107400 $all
setup && expect "an old Boost" refused accepted
expect "an old Boost is left alone" "$(cat "$MACHINE/apt" 2>/dev/null || true)" ""
says "an old Boost" "needs Boost 1.78 or newer and found 107400"

machine
echo "Remv libboost1.74-dev [1.74.0]" >"$MACHINE/plan"
setup && expect "a package that would go" refused accepted
expect "nothing is removed silently" "$(installed)" ""
says "a package that would go" "would remove libboost1.74-dev"

machine usr 108100 $all
rm "$work/bin/clang++-16"
command -v clang++-16 >/dev/null || { setup clang; expect "the clang part" "$(installed)" "clang-16"; }
rm -f "$MACHINE/apt"
setup peers
expect "the peers' part" "$(installed)" "libzmq3-dev"
rm "$MACHINE/usr/include/valgrind/callgrind.h" "$MACHINE/apt"
setup
expect "valgrind for the counts" "$(installed)" "valgrind"
setup gcc && expect "an unknown part" refused accepted
says "an unknown part" "no such part"
exit $failed

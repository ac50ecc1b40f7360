#!/bin/sh
# Installs what the build needs and is not there yet; says what, and removes nothing.
#   setup-debian.sh          compiler, CMake, Boost, Google Benchmark, Spin, valgrind
#   setup-debian.sh clang    also clang 16, for make clang and make tsan
#   setup-debian.sh peers    also Python and ZeroMQ, for make crash-peers and make bench
#   setup-debian.sh fuzz     also libFuzzer, for make fuzz
#   setup-debian.sh chromium also a browser, for make report-test
set -eu
root=${MULPROC_SETUP_ROOT:-}  # tests look at machines that are not there
wanted=""
need() { command -v "$1" >/dev/null 2>&1 || wanted="$wanted $2"; }
refuse() { echo "$*" >&2; exit 1; }
need g++ g++
need cmake cmake
need make make
need spin spin
case "${1:-}" in
  "") ;;
  clang) need clang++-16 clang-16 ;;
  peers)
    need python3 python3
    [ -e "$root/usr/include/zmq.h" ] || [ -e "$root/usr/local/include/zmq.h" ] || wanted="$wanted libzmq3-dev"
    ;;
  fuzz)
    need clang++-16 clang-16
    ls "$root"/usr/lib/llvm-16/lib/clang/16/lib/linux/libclang_rt.fuzzer-*.a >/dev/null 2>&1 || wanted="$wanted libclang-rt-16-dev"
    ;;
  chromium) need chromium chromium ;;
  *) refuse "setup-debian.sh: no such part \"$1\"; there are: chromium, clang, fuzz, peers" ;;
esac
[ -e "$root/usr/include/benchmark/benchmark.h" ] || [ -e "$root/usr/local/include/benchmark/benchmark.h" ] || wanted="$wanted libbenchmark-dev"
[ -e "$root/usr/include/valgrind/callgrind.h" ] || wanted="$wanted valgrind"

# A Boost that is there is used as it is, when it is new enough; what it lacks is added in its own version.
parts="serialization json program_options unit_test_framework"
version_of() { sed -n 's/^#define BOOST_VERSION \([0-9]*\).*/\1/p' "$root$1/include/boost/version.hpp" 2>/dev/null || true; }
by_hand=$(version_of /usr/local)
packaged=$(version_of /usr)
complete=no
if [ -n "$by_hand" ] && [ "$by_hand" -ge 107800 ]; then
  complete=yes
  for part in $parts; do
    ls "$root"/usr/local/lib*/libboost_"$part".* >/dev/null 2>&1 || complete=no
  done
fi
if [ $complete = no ]; then
  [ -z "$packaged" ] || [ "$packaged" -ge 107800 ] ||
    refuse "mulproc needs Boost 1.78 or newer and found $packaged in /usr/include/boost: remove that -dev package or upgrade it, then run this again."
  release=1.81
  [ -z "$packaged" ] || release=1.$((packaged / 100 % 1000))
  for part in $parts; do
    ls "$root"/usr/lib/*/libboost_"$part".so >/dev/null 2>&1 && continue
    package=$(echo "$part" | sed 's/_/-/g; s/unit-test-framework/test/')
    wanted="$wanted libboost-$package$release-dev"
  done
fi
[ -n "$wanted" ] || exit 0

echo "installing:$wanted"
as_root=""
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null 2>&1 || refuse "mulproc needs$wanted: install them as root (no sudo here), then run this again."
  as_root=sudo
fi
$as_root apt-get update -qq || true
plan=$($as_root apt-get install -s $wanted 2>&1) || refuse "apt cannot install$wanted: $(echo "$plan" | tail -n 1)"
gone=$(echo "$plan" | sed -n 's/^Remv \([^ ]*\).*/\1/p' | tr '\n' ' ')
[ -z "$gone" ] || refuse "installing$wanted would remove $gone: remove them yourself if you no longer need them, then run this again."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Its names scroll by, so that a slow mirror is not taken for a hang; its whole talk only when it fails.
{ $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q $wanted 2>&1 || echo "apt failed"; } | tee "$log" | sed -n 's/^Setting up \([^ ]*\).*/  \1/p'
! grep -qx "apt failed" "$log" || { cat "$log" >&2; refuse "apt could not install$wanted; see the lines above."; }

#!/bin/sh
# Installs what the build needs and is not there yet; says what, and removes nothing.
set -eu
wanted=""
need() { command -v "$1" >/dev/null 2>&1 || wanted="$wanted $2"; }
need g++ g++
need cmake cmake
need make make
boost=$(sed -n 's/^#define BOOST_VERSION \([0-9]*\).*/\1/p' /usr/include/boost/version.hpp 2>/dev/null || true)
if [ -z "$boost" ] || [ "$boost" -ge 107800 ]; then
  for part in serialization json program_options unit_test_framework; do
    ls /usr/lib/*/libboost_$part.so >/dev/null 2>&1 && continue
    package=$(echo "$part" | sed 's/_/-/g; s/unit-test-framework/test/')
    wanted="$wanted libboost-${package}1.81-dev"
  done
else
  echo "mulproc needs Boost 1.78 or newer and found $boost in /usr/include/boost: remove that -dev package or upgrade it, then run this again." >&2
  exit 1
fi
[ -n "$wanted" ] || exit 0
echo "installing:$wanted"
as_root=""
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null 2>&1 || { echo "mulproc needs$wanted: install them as root (no sudo here), then run this again." >&2; exit 1; }
  as_root=sudo
fi
$as_root apt-get update -qq || true
plan=$($as_root apt-get install -s $wanted 2>&1) || { echo "apt cannot install$wanted: $(echo "$plan" | tail -n 1)" >&2; exit 1; }
gone=$(echo "$plan" | sed -n 's/^Remv \([^ ]*\).*/\1/p' | tr '\n' ' ')
if [ -n "$gone" ]; then
  echo "installing$wanted would remove $gone: remove them yourself if you no longer need them, then run this again." >&2
  exit 1
fi
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $wanted >/dev/null || { echo "apt could not install$wanted; see the lines above." >&2; exit 1; }

#!/bin/sh
# Absent, traced<T> costs nothing: a channel compiles to the same instructions whether traced.hpp is there or not. And the
# comparison sees a difference: with the word in the channel's type there are more of them.
#   untraced_costs_nothing.sh COMPILER TOP
set -eu
compiler=$1 top=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/channel.cpp" <<'END'
#include <mulproc/channel.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/pipe.hpp>
#include EXTRA
using Channel = mulproc::Channel<TRANSPORT, mulproc::serializer::trivially_copyable, mulproc::routing::addressed_to_me>;
int there_and_back(Channel& one, Channel& other) {
  one.send({.request = "DO"}, 7).value();
  return other.receive().value().body<int>().value();
}
END
instructions() {  # EXTRA, TRANSPORT
  "$compiler" -std=c++20 -O2 -I"$top/framework" -I"$top/policies" -DEXTRA="$1" -DTRANSPORT="$2" -c "$work/channel.cpp" -o "$work/channel.o"
  # Where a constant lies is not the channel's: addresses and what is moved about are left out.
  objdump -d -r --no-show-raw-insn --no-addresses "$work/channel.o" | sed '/file format/d'
}
instructions '<mulproc/transport/pipe.hpp>' mulproc::transport::pipe >"$work/absent"
instructions '<mulproc/transport/traced.hpp>' mulproc::transport::pipe >"$work/included"
instructions '<mulproc/transport/traced.hpp>' 'mulproc::transport::traced<mulproc::transport::pipe>' >"$work/traced"
count() { grep -c '^	' "$1"; }
cmp -s "$work/absent" "$work/included" || { echo "traced.hpp changes a channel that is not traced:"; diff "$work/absent" "$work/included" | head -40; exit 1; }
[ "$(count "$work/traced")" -gt "$(count "$work/absent")" ] || { echo "the traced channel has no more instructions: nothing was compared"; exit 1; }
echo "a send and a receive over pipe: $(count "$work/absent") instructions without traced.hpp, $(count "$work/included") with it, $(count "$work/traced") traced"

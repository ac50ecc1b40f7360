#pragma once
/// All that can be run, chosen at run time from what was instantiated at compile time. A transport joins by a file
/// like over_pipe.cpp.
#include <functional>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/serializer/boost_binary.hpp>
#include <mulproc/serializer/boost_text.hpp>
#include <mulproc/serializer/json.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <stress/scenarios/addressed.hpp>
#include <stress/scenarios/churn.hpp>
#include <stress/scenarios/fan_in.hpp>
#include <stress/scenarios/fan_out.hpp>
#include <stress/scenarios/full_duplex.hpp>
#include <stress/scenarios/ping_pong.hpp>
#include <stress/scenarios/word_count.hpp>

namespace mulproc::stress {

struct Combination {
  std::string scenario, transport, serializer;
  std::function<void(Run&)> play;
  std::string why_no_chaos;  // empty: children may be killed on purpose
  std::string remark;
};

inline std::vector<Combination>& combinations() {
  static std::vector<Combination> all;
  return all;
}

template <Transport T, Serializer S>
void add_scenarios() {
  using C = Channel<T, S, routing::addressed_to_me>;
  const auto add = [](const char* scenario, std::function<void(Run&)> play, const char* why_no_chaos) {
    const std::string transports_reason = T::promises.redelivers ? "" : "the transport does not hand on what the dead held";
    combinations().push_back({scenario, std::string(T::name), std::string(S::name), std::move(play),
                              *why_no_chaos != '\0' ? std::string(why_no_chaos) : transports_reason,
                              T::promises.many_to_many ? "" : "a link for each child"});
  };
  add("full_duplex", full_duplex<C>, "a killed child's answer never comes, as it was asked alone");
  add("fan_in", fan_in<C>, "");
  add("fan_out", fan_out<C>, "");
  add("addressed", addressed<C>, "a message to the killed is for nobody else");
  add("ping_pong", ping_pong<C>, "a message to the killed is for nobody else");
  add("word_count", word_count<C>, "its answers carry no number to tell a second one by");
  add("churn", churn<C>, "");
}

/// One of these in a file makes the transport known.
template <Transport T>
struct Over {
  Over() {
    add_scenarios<T, serializer::trivially_copyable>();
    add_scenarios<T, serializer::boost_binary>();
    add_scenarios<T, serializer::boost_text>();
    add_scenarios<T, serializer::json>();
  }
};

}  // namespace mulproc::stress

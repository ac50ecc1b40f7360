#include <stress/scenarios/addressed.hpp>
#include <stress/scenarios/churn.hpp>
#include <stress/scenarios/fan_in.hpp>
#include <stress/scenarios/fan_out.hpp>
#include <stress/scenarios/full_duplex.hpp>
#include <stress/scenarios/ping_pong.hpp>
#include <stress/scenarios/pipeline.hpp>
#include <stress/scenarios/poison.hpp>
#include <stress/scenarios/priority_mix.hpp>
#include <stress/scenarios/request_reply.hpp>
#include <stress/scenarios/slow_consumer.hpp>
#include <stress/scenarios/word_count.hpp>

namespace mulproc::stress {

const std::vector<const Scenario*>& scenarios() {
  static const std::vector<const Scenario*> all{&full_duplex,   &word_count,   &fan_in,        &fan_out,
                                                &addressed,     &ping_pong,    &churn,         &pipeline,
                                                &request_reply, &priority_mix, &slow_consumer, &poison};
  return all;
}

}  // namespace mulproc::stress

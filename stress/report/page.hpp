#pragma once
/// The page with its styles, its script and uPlot in it, as the build put it together; {{data}} is where a report goes.
#include <string_view>

namespace mulproc::stress {

std::string_view page_template();

}  // namespace mulproc::stress

#pragma once
/// A page with its styles and its script in it, as the build put it together; {{data}} is where what it shows goes.
#include <string_view>

namespace mulproc::stress {

std::string_view report_page_template();
std::string_view trace_page_template();

}  // namespace mulproc::stress

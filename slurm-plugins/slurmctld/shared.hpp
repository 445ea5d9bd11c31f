// SPDX-License-Identifier: GPL-2.0-or-later
//
// libvesc-slurmctld.so: what the VESC plugins inside one slurmctld share. slurmctld opens plugins
// without RTLD_GLOBAL, so state in a static library would exist once a plugin; this library, which
// every one of them needs, exists once.
//
// One worker thread reads files, builds views and changes slurmctld's tables, all under
// slurmctld's own locks. Callbacks of plugins only read the current view and count their time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "view.hpp"

namespace vesc::plugin {

// Starts the worker if this process is slurmctld and it does not run yet; each call needs one
// stop().
__attribute__((visibility("default"))) void start_worker() noexcept;
// Ends and joins the worker with the last user. Called with no slurmctld lock held.
__attribute__((visibility("default"))) void stop_worker() noexcept;

// The present view; never null. Any thread; wait-free for the caller but for one shared count.
__attribute__((visibility("default"))) std::shared_ptr<const View> current_view() noexcept;

// Adds one call of job_submit to the statistics. Any thread.
__attribute__((visibility("default"))) void count_submission(std::int64_t ns) noexcept;

}  // namespace vesc::plugin

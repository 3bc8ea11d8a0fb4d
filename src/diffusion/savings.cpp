#include "diffusion/savings.h"

#include <cstdlib>
#include <map>
#include <sstream>
#include <string>

#include "core/error.h"

namespace gsv3d {
namespace {

Savings from_environment() {
  Savings chosen;
  const char* text = std::getenv("GSV3D_SAVINGS");
  if (!text || !*text) return chosen;
  const std::map<std::string, bool*> known = {{"single-token", &chosen.single_token},
                                              {"once-per-run", &chosen.once_per_run},
                                              {"blocked-feed-forward", &chosen.blocked_feed_forward}};
  for (const auto& [name, value] : known) *value = false;
  std::istringstream names(text);
  for (std::string name; std::getline(names, name, ',');) {
    if (name == "none") continue;
    const auto found = known.find(name);
    if (found == known.end())
      throw UsageError("GSV3D_SAVINGS: unknown \"" + name + "\": use single-token, once-per-run, blocked-feed-forward or none");
    *found->second = true;
  }
  return chosen;
}

}  // namespace

const Savings& savings() {
  static const Savings chosen = from_environment();
  return chosen;
}

}  // namespace gsv3d

#include "rasterizer/rasterizer_choice.h"

#include <cstdlib>

#include "core/error.h"
#include "core/log.h"

namespace gsv3d {

RasterizerChoice parse_rasterizer_choice(const std::string& text) {
  if (text.empty() || text == "auto" || text == "cuda") return RasterizerChoice::automatic;
  if (text == "cpu") return RasterizerChoice::cpu;
  if (text == "reference") return RasterizerChoice::reference;
  throw UsageError(fmt::format("GSV3D_RASTERIZER: unknown \"{}\": use auto, cuda, cpu or reference", text));
}

RasterizerChoice rasterizer_choice() {
  static const RasterizerChoice chosen = [] {
    const char* text = std::getenv("GSV3D_RASTERIZER");
    const RasterizerChoice choice = parse_rasterizer_choice(text ? text : "");
    if (choice != RasterizerChoice::automatic) spdlog::warn("GSV3D_RASTERIZER: rendering with \"{}\"", text);
    return choice;
  }();
  return chosen;
}

}  // namespace gsv3d

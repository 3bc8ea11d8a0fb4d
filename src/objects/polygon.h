// Triangulation of planar polygons, concave ones included.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace gsv3d {

/// Ear clipping in the plane of the polygon's mean (Newell) normal. → index triples into `points`, n - 2 of them. Polygons that
/// are degenerate, cross themselves or have more than 2048 corners (clipping is quadratic) become a fan.
std::vector<std::array<uint32_t, 3>> triangulate(std::span<const std::array<float, 3>> points);

}  // namespace gsv3d

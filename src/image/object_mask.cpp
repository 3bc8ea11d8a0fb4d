#include "image/object_mask.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "core/error.h"

namespace gsv3d {
namespace {

constexpr int64_t kSpeckPixels = 4, kSpeckShare = 1000;
constexpr double kLeastBackground = 0.02;

/// Neighbouring pixels of one row, [begin, end).
struct PixelRun {
  int64_t row, begin, end;
};

/// Pixels that hang together, corners included.
struct PixelPiece {
  std::vector<PixelRun> runs;  ///< by rows
  int64_t area = 0;            ///< pixels
  ObjectBox box;
};

/// Runs that hang together have the same root.
class RunForest {
 public:
  int64_t add() {
    parents_.push_back(static_cast<int64_t>(parents_.size()));
    return parents_.back();
  }
  int64_t root(int64_t run) {
    while (parents_[run] != run) run = parents_[run] = parents_[parents_[run]];
    return run;
  }
  void join(int64_t a, int64_t b) { parents_[root(a)] = root(b); }

 private:
  std::vector<int64_t> parents_;
};

std::vector<PixelRun> runs_of(const Image& image, bool solid) {
  std::vector<PixelRun> runs;
  const auto counts = [&](int64_t x, int64_t y) { return (image.at(x, y)[3] >= kLeastSolidAlpha) == solid; };
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = 0; x < image.width; ++x) {
      if (!counts(x, y)) continue;
      const int64_t begin = x;
      while (x < image.width && counts(x, y)) ++x;
      runs.push_back({y, begin, x});
    }
  }
  return runs;
}

void add_run(PixelPiece& piece, const PixelRun& run) {
  const ObjectBox& box = piece.box;
  const int64_t left = piece.area ? std::min(box.x, run.begin) : run.begin, top = piece.area ? box.y : run.row;
  const int64_t right = piece.area ? std::max(box.x + box.width, run.end) : run.end;
  piece.box = {left, top, right - left, run.row + 1 - top};
  piece.area += run.end - run.begin;
  piece.runs.push_back(run);
}

/// The pieces of all solid pixels, or of all others; the largest first.
std::vector<PixelPiece> pieces_of(const Image& image, bool solid) {
  const std::vector<PixelRun> runs = runs_of(image, solid);
  const auto count = static_cast<int64_t>(runs.size());
  RunForest forest;
  // `above` walks along the row before, as far as a run's own columns and one more on either side reach.
  for (int64_t i = 0, above = 0; i < count; ++i) {
    forest.add();
    while (above < i && (runs[above].row < runs[i].row - 1 || (runs[above].row < runs[i].row && runs[above].end < runs[i].begin)))
      ++above;
    for (int64_t k = above; k < i && runs[k].row == runs[i].row - 1 && runs[k].begin <= runs[i].end; ++k) forest.join(i, k);
  }
  std::vector<PixelPiece> pieces;
  std::vector<int64_t> piece_of(runs.size(), -1);
  for (int64_t i = 0; i < count; ++i) {
    int64_t& index = piece_of[forest.root(i)];
    if (index < 0) index = static_cast<int64_t>(pieces.size()), pieces.emplace_back();
    add_run(pieces[index], runs[i]);
  }
  std::stable_sort(pieces.begin(), pieces.end(), [](const PixelPiece& a, const PixelPiece& b) { return a.area > b.area; });
  return pieces;
}

int64_t area_of(const std::vector<PixelPiece>& pieces) {
  return std::accumulate(pieces.begin(), pieces.end(), int64_t{0},
                         [](int64_t sum, const PixelPiece& piece) { return sum + piece.area; });
}

/// How many sides of the picture a box lies at.
int sides_reached(const ObjectBox& box, const Image& image) {
  return (box.x == 0) + (box.y == 0) + (box.x + box.width == image.width) + (box.y + box.height == image.height);
}

/// 1 for each pixel [height · width] that is at most `distance` rows and columns from a piece.
std::vector<uint8_t> grown(const std::vector<PixelPiece>& pieces, const Image& image, int64_t distance) {
  std::vector<uint8_t> wide(image.width * image.height), mask(wide.size());
  for (const PixelPiece& piece : pieces) {
    for (const PixelRun& run : piece.runs) {
      uint8_t* row = wide.data() + run.row * image.width;
      std::fill(row + std::max<int64_t>(0, run.begin - distance), row + std::min(image.width, run.end + distance), 1);
    }
  }
  // Downwards, then upwards: in each column the last row with a set pixel tells.
  std::vector<int64_t> last(image.width, -distance - 1);
  const auto spread_to = [&](int64_t y) {
    for (int64_t x = 0, i = y * image.width; x < image.width; ++x, ++i) {
      if (wide[i]) last[x] = y;
      if (std::abs(y - last[x]) <= distance) mask[i] = 1;
    }
  };
  for (int64_t y = 0; y < image.height; ++y) spread_to(y);
  std::fill(last.begin(), last.end(), image.height + distance);
  for (int64_t y = image.height - 1; y >= 0; --y) spread_to(y);
  return mask;
}

struct SolidPieces {
  std::vector<PixelPiece> object, specks;  ///< the largest first
};

SolidPieces solid_pieces(const Image& image) {
  SolidPieces pieces{pieces_of(image, true), {}};
  auto& object = pieces.object;
  require(!object.empty(), "the picture is transparent everywhere: there is no object to frame");
  const int64_t speck = std::max(kSpeckPixels, area_of(object) / kSpeckShare);
  const auto first = std::find_if(object.begin() + 1, object.end(), [&](const PixelPiece& p) { return p.area <= speck; });
  pieces.specks.assign(std::make_move_iterator(first), std::make_move_iterator(object.end()));
  object.erase(first, object.end());
  return pieces;
}

/// The smallest rectangle around every pixel with alpha > 0.
ObjectBox visible_box(const Image& image) {
  int64_t left = image.width, top = image.height, right = -1, bottom = -1;
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = 0; x < image.width; ++x) {
      if (image.at(x, y)[3] == 0) continue;
      left = std::min(left, x), right = std::max(right, x);
      top = std::min(top, y), bottom = std::max(bottom, y);
    }
  }
  return {left, top, right - left + 1, bottom - top + 1};
}

ObjectBox box_around(const std::vector<PixelPiece>& pieces) {
  ObjectBox all = pieces.front().box;
  for (const PixelPiece& piece : pieces) {
    const int64_t right = std::max(all.x + all.width, piece.box.x + piece.box.width),
                  bottom = std::max(all.y + all.height, piece.box.y + piece.box.height);
    all.x = std::min(all.x, piece.box.x), all.y = std::min(all.y, piece.box.y);
    all.width = right - all.x, all.height = bottom - all.y;
  }
  return all;
}

/// The border along which most of the object lies, when that is a quarter of its width or height, and not all four are reached.
std::vector<std::string> cut_doubts(const std::vector<PixelPiece>& pieces, const ObjectBox& box, const Image& cutout) {
  constexpr double kCutShare = 0.25;
  if (sides_reached(box, cutout) == 4) return {};
  double upper = 0, lower = 0, left = 0, right = 0;  // pixels on each border
  for (const PixelPiece& piece : pieces) {
    for (const PixelRun& run : piece.runs) {
      const auto length = static_cast<double>(run.end - run.begin);
      if (run.row == 0) upper += length;
      if (run.row == cutout.height - 1) lower += length;
      if (run.begin == 0) ++left;
      if (run.end == cutout.width) ++right;
    }
  }
  const auto width = static_cast<double>(box.width), height = static_cast<double>(box.height);
  const std::pair<double, const char*> borders[] = {
      {lower / width, "lower"}, {upper / width, "upper"}, {left / height, "left"}, {right / height, "right"}};
  const auto* most =
      std::max_element(std::begin(borders), std::end(borders), [](const auto& a, const auto& b) { return a.first < b.first; });
  if (most->first < kCutShare) return {};
  return {fmt::format("the object may be cut off at the photo's {} border, along which {:.0f} % of it lies", most->second,
                      100 * most->first)};
}

}  // namespace

CleanCutout clean_cutout(const Image& image) {
  const SolidPieces pieces = solid_pieces(image);
  const int64_t rim = 2 + std::max(image.width, image.height) / 500;
  const std::vector<uint8_t> inside = grown(pieces.object, image, rim);
  CleanCutout clean{image, {}};
  for (int64_t i = 0; i < image.width * image.height; ++i)
    if (!inside[i]) clean.image.pixels[4 * i + 3] = 0;
  // Specks may lie within the rim, where only what is faint belongs to the object.
  for (const PixelPiece& speck : pieces.specks)
    for (const PixelRun& run : speck.runs)
      for (int64_t x = run.begin; x < run.end; ++x) clean.image.at(x, run.row)[3] = 0;
  clean.image.has_alpha = has_transparency(clean.image);
  clean.box = visible_box(clean.image);
  return clean;
}

ObjectBox object_box(const Image& image) {
  return clean_cutout(image).box;
}

bool is_cut_out(const Image& image) {
  if (!image.has_alpha) return false;
  const int64_t frame = std::min(2 + std::max(image.width, image.height) / 100, std::min(image.width, image.height) / 4);
  int64_t background = 0;
  for (const PixelPiece& piece : pieces_of(image, false)) {
    if (sides_reached(piece.box, image) == 0) continue;
    for (const PixelRun& run : piece.runs) {
      if (run.row < frame || run.row >= image.height - frame) continue;
      background += std::max<int64_t>(0, std::min(run.end, image.width - frame) - std::max(run.begin, frame));
    }
  }
  const auto inner = static_cast<double>((image.width - 2 * frame) * (image.height - 2 * frame));
  return static_cast<double>(background) >= kLeastBackground * inner;
}

std::vector<std::string> frame_doubts(const Image& cutout) {
  const std::vector<PixelPiece> pieces = solid_pieces(cutout).object;
  return cut_doubts(pieces, box_around(pieces), cutout);
}

std::vector<std::string> matte_doubts(const Image& cutout) {
  constexpr double kNearlyAll = 0.9, kNextToNothing = 0.01;
  const std::vector<PixelPiece> pieces = solid_pieces(cutout).object;
  const double share = static_cast<double>(area_of(pieces)) / static_cast<double>(cutout.width * cutout.height);
  std::vector<std::string> doubts;
  if (share > kNearlyAll || share < kNextToNothing)
    doubts.push_back(fmt::format("{:.{}f} % of the photo is object", 100 * share, share < kNextToNothing ? 2 : 0));
  const ObjectBox all = box_around(pieces);
  if (const int sides = sides_reached(all, cutout); sides >= 3)
    doubts.push_back(fmt::format("the object reaches {} of the photo's 4 borders", sides));
  else
    for (std::string& doubt : cut_doubts(pieces, all, cutout)) doubts.push_back(std::move(doubt));
  const auto large =
      std::count_if(pieces.begin(), pieces.end(), [&](const PixelPiece& piece) { return 5 * piece.area >= pieces.front().area; });
  if (large > 1) doubts.push_back(fmt::format("the object falls into {} large pieces", large));
  return doubts;
}

}  // namespace gsv3d

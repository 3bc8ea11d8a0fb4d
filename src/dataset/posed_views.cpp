#include "dataset/posed_views.h"

#include <cmath>
#include <optional>
#include <vector>

#include "core/cancel.h"
#include "core/config.h"
#include "core/error.h"
#include "dataset/shards.h"
#include "image/image.h"
#include "image/resize.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

constexpr int64_t most_pixels = int64_t{1} << 29;
constexpr size_t most_frames = 10'000;

/// A key of the frame, else of the whole file; both kinds of files have them as numbers.
std::optional<double> number(const Json& frame, const Json& file, const char* key, const std::string& where) {
  for (const Json* json : {&frame, &file}) {
    const auto found = json->find(key);
    if (found == json->end() || found->is_null()) continue;
    require(found->is_number() && std::isfinite(found->get<double>()), "{}: {} is no number", where, key);
    return found->get<double>();
  }
  return std::nullopt;
}

/// Camera to world [4, 4] in OpenGL axes (x right, y up, z backward).
Tensor transform(const Json& frame, const std::string& where) {
  const auto found = frame.find("transform_matrix");
  require(found != frame.end() && found->is_array() && found->size() >= 3, "{}: no transform_matrix of 4 x 4 numbers", where);
  Tensor matrix = at::eye(4, at::kDouble);
  for (int64_t row = 0; row < 3; ++row) {
    const Json& values = (*found)[static_cast<size_t>(row)];
    require(values.is_array() && values.size() == 4, "{}: no transform_matrix of 4 x 4 numbers", where);
    for (int64_t column = 0; column < 4; ++column) {
      const Json& value = values[static_cast<size_t>(column)];
      require(value.is_number() && std::isfinite(value.get<double>()), "{}: transform_matrix holds something that is no number",
              where);
      matrix[row][column].fill_(value.get<double>());
    }
  }
  const Tensor rotation = matrix.slice(0, 0, 3).slice(1, 0, 3);
  const double unit = (at::matmul(rotation, rotation.t()) - at::eye(3, at::kDouble)).abs().max().item<double>();
  require(unit < 1e-2, "{}: the transform_matrix is no rotation with a translation", where);
  return matrix;
}

Tensor world_to_camera(const Tensor& camera_to_world, bool z_up) {
  const Tensor axes = at::diag(at::tensor({1.0, -1.0, -1.0, 1.0}, at::kDouble));  // OpenGL's to OpenCV's
  Tensor turn = at::eye(4, at::kDouble);
  if (z_up) turn = at::tensor({1, 0, 0, 0, 0, 0, 1, 0, 0, -1, 0, 0, 0, 0, 0, 1}, at::kDouble).view({4, 4});
  return at::inverse(at::matmul(turn, at::matmul(camera_to_world, axes))).to(at::kFloat);
}

Tensor intrinsics(const Json& frame, const Json& file, const Image& image, const std::string& where) {
  for (const char* distortion : {"k1", "k2", "k3", "k4", "p1", "p2"})
    require(std::abs(number(frame, file, distortion, where).value_or(0)) < 1e-9,
            "{}: {} is not 0; undistort the pictures first (for example with COLMAP or nerfstudio)", where, distortion);
  const auto width = static_cast<double>(image.width), height = static_cast<double>(image.height);
  // Focal lengths count pixels of the picture's own size, which may be told, and differ when pictures were shrunk later.
  const double x_scale = width / number(frame, file, "w", where).value_or(width);
  const double y_scale = height / number(frame, file, "h", where).value_or(height);
  auto focal_x = number(frame, file, "fl_x", where), focal_y = number(frame, file, "fl_y", where);
  if (!focal_x) {
    const auto angle = number(frame, file, "camera_angle_x", where);
    require(angle && *angle > 0 && *angle < 3.14, "{}: neither fl_x nor camera_angle_x (in radians) says how the camera sees",
            where);
    focal_x = 0.5 * width / x_scale / std::tan(0.5 * *angle);
  }
  if (!focal_y) focal_y = focal_x;
  require(*focal_x > 0 && *focal_y > 0, "{}: focal lengths must be positive", where);
  const double centre_x = number(frame, file, "cx", where).value_or(0.5 * width / x_scale) * x_scale;
  const double centre_y = number(frame, file, "cy", where).value_or(0.5 * height / y_scale) * y_scale;
  return at::tensor({*focal_x * x_scale, 0.0, centre_x, 0.0, *focal_y * y_scale, centre_y, 0.0, 0.0, 1.0}, at::kDouble)
      .view({3, 3})
      .to(at::kFloat);
}

fs::path picture_path(const fs::path& folder, const Json& frame, const std::string& where) {
  const auto found = frame.find("file_path");
  require(found != frame.end() && found->is_string(), "{}: no file_path", where);
  fs::path path = folder / found->get<std::string>();
  if (!fs::exists(path) && fs::exists(path.string() + ".png")) path += ".png";
  return path;
}

/// What the size limit makes of a picture's size.
std::pair<int64_t, int64_t> limited(int64_t width, int64_t height, int64_t max_size) {
  const int64_t longest = std::max(width, height);
  if (max_size <= 0 || longest <= max_size) return {width, height};
  const double factor = static_cast<double>(max_size) / static_cast<double>(longest);
  return {std::max<int64_t>(1, std::lround(factor * static_cast<double>(width))),
          std::max<int64_t>(1, std::lround(factor * static_cast<double>(height)))};
}

PosedViews read_transforms(const fs::path& path, const PosedViewsOptions& options) {
  const Json file = read_json_file(path);
  const auto frames = file.is_object() ? file.find("frames") : file.end();
  require(frames != file.end() && frames->is_array() && !frames->empty(), "{}: no frames", path.string());
  require(frames->size() <= most_frames, "{}: {} frames, more than {}", path.string(), frames->size(), most_frames);
  std::vector<Tensor> pictures, poses, matrices;
  int64_t width = 0, height = 0;
  for (const Json& frame : *frames) {
    throw_if_cancelled();
    const std::string where = fmt::format("{}: frame {}", path.string(), pictures.size());
    require(frame.is_object(), "{}: not an object", where);
    const Image image = load_image(picture_path(path.parent_path(), frame, where));
    if (pictures.empty()) width = image.width, height = image.height;
    require(image.width == width && image.height == height, "{}: {} x {} pixels, but the first picture has {} x {}", where,
            image.width, image.height, width, height);
    const auto [small_width, small_height] = limited(width, height, options.max_size);
    require(static_cast<int64_t>(frames->size()) * small_width * small_height <= most_pixels,
            "{}: {} pictures of {} x {} pixels are too many; shrink them (--size)", path.string(), frames->size(), small_width,
            small_height);
    poses.push_back(world_to_camera(transform(frame, where), options.z_up));
    matrices.push_back(intrinsics(frame, file, image, where));
    pictures.push_back((to_tensor(resize_lanczos(image, small_width, small_height)) * 255).round().to(at::kByte));
  }
  const auto [small_width, small_height] = limited(width, height, options.max_size);
  const Cameras cameras{at::stack(poses), at::stack(matrices), width, height};
  return {path.parent_path().filename().string(), at::stack(pictures), cameras.resized(small_width, small_height)};
}

PosedViews read_shard_sample(const fs::path& path, const PosedViewsOptions& options) {
  std::optional<PosedViews> found;
  read_shards(find_shards(path), [&](ObjectViews views) {
    throw_if_cancelled();
    if (!found && (options.object.empty() || views.id == options.object)) found = PosedViews{views.id, views.rgba, views.cameras};
  });
  require(found.has_value(), "{}: no object \"{}\"", path.string(), options.object);
  const auto [width, height] = limited(found->cameras.width, found->cameras.height, options.max_size);
  if (width == found->cameras.width) return *found;
  std::vector<Tensor> pictures;
  for (const Tensor& picture : found->rgba.unbind())
    pictures.push_back((to_tensor(resize_lanczos(to_image(picture), width, height)) * 255).round().to(at::kByte));
  return {found->id, at::stack(pictures), found->cameras.resized(width, height)};
}

}  // namespace

PosedViews read_posed_views(const fs::path& path, const PosedViewsOptions& options) {
  require(fs::exists(path), "{} does not exist", path.string());
  const fs::path inside = path / "transforms.json";
  if (fs::is_directory(path) && fs::exists(inside)) return read_transforms(fs::weakly_canonical(inside), options);
  if (path.extension() == ".json") return read_transforms(fs::weakly_canonical(path), options);
  if (!fs::is_directory(path)) {
    require(path.extension() == ".tar", "{}: neither a transforms.json nor a .tar shard of views", path.string());
    return read_shard_sample(path, options);
  }
  bool shards = false;
  for (const auto& entry : fs::directory_iterator(path)) shards |= entry.path().extension() == ".tar";
  require(shards, "{}: holds neither a transforms.json nor .tar shards of views", path.string());
  return read_shard_sample(path, options);
}

}  // namespace gsv3d

#include "dataset/transforms_json.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "core/cancel.h"
#include "core/config.h"
#include "core/error.h"
#include "dataset/lens_distortion.h"
#include "image/image.h"
#include "image/resize.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

constexpr int64_t most_pixels = int64_t{1} << 29;
constexpr size_t most_frames = 10'000;

/// One frame, with the file's own keys behind it: either may have any of them.
struct Frame {
  const Json& frame;
  const Json& file;
  fs::path folder;
  std::string where;

  const Json* find(const char* key) const {
    for (const Json* json : {&frame, &file}) {
      const auto found = json->find(key);
      if (found != json->end() && !found->is_null()) return &*found;
    }
    return nullptr;
  }
  std::optional<double> number(const char* key) const {
    const Json* found = find(key);
    if (!found) return std::nullopt;
    require(found->is_number() && std::isfinite(found->get<double>()), "{}: {} is no number", where, key);
    return found->get<double>();
  }
  bool flag(const char* key) const {
    const Json* found = find(key);
    return found && (*found == true || (found->is_number() && *found != 0));
  }
  /// The file that a key of the frame names, with the extension that it may lack; nothing when there is none.
  std::optional<fs::path> named_file(const char* key) const {
    const auto found = frame.find(key);
    require(found != frame.end() && found->is_string(), "{}: no {}", where, key);
    std::string name = found->get<std::string>();
    std::replace(name.begin(), name.end(), '\\', '/');
    for (const char* extension : {"", ".png", ".jpg", ".jpeg", ".JPG", ".PNG", ".webp"})
      if (const fs::path path = folder / (name + extension); fs::is_regular_file(path)) return path;
    return std::nullopt;
  }
};

/// Camera to world [4, 4] in OpenGL axes (x right, y up, z backward); nothing when the frame has no pose. A scale of the
/// rotation, as scaled scenes have it, is taken out.
std::optional<Tensor> camera_to_world(const Frame& frame) {
  const auto found = frame.frame.find("transform_matrix");
  if (found == frame.frame.end() || found->is_null()) return std::nullopt;
  require(found->is_array() && found->size() >= 3, "{}: no transform_matrix of 4 x 4 numbers", frame.where);
  const Tensor matrix = at::eye(4, at::kDouble);
  for (int64_t row = 0; row < 3; ++row) {
    const Json& values = (*found)[static_cast<size_t>(row)];
    require(values.is_array() && values.size() == 4, "{}: no transform_matrix of 4 x 4 numbers", frame.where);
    for (int64_t column = 0; column < 4; ++column) {
      const Json& value = values[static_cast<size_t>(column)];
      require(value.is_number() && std::isfinite(value.get<double>()), "{}: transform_matrix holds something that is no number",
              frame.where);
      matrix[row][column].fill_(value.get<double>());
    }
  }
  Tensor rotation = matrix.slice(0, 0, 3).slice(1, 0, 3);
  const double scale = std::cbrt(at::det(rotation).item<double>());
  require(scale > 1e-6 && scale < 1e6, "{}: the transform_matrix mirrors or collapses its camera", frame.where);
  rotation.div_(scale);
  const double unit = (at::matmul(rotation, rotation.t()) - at::eye(3, at::kDouble)).abs().max().item<double>();
  require(unit < 1e-2, "{}: the transform_matrix is no rotation with a translation", frame.where);
  return matrix;
}

Tensor world_to_camera(const Tensor& camera_to_world, bool z_up) {
  const Tensor axes = at::diag(at::tensor({1.0, -1.0, -1.0, 1.0}, at::kDouble));  // OpenGL's to OpenCV's
  Tensor turn = at::eye(4, at::kDouble);
  if (z_up) turn = at::tensor({1, 0, 0, 0, 0, 0, 1, 0, 0, -1, 0, 0, 0, 0, 0, 1}, at::kDouble).view({4, 4});
  return at::inverse(at::matmul(turn, at::matmul(camera_to_world, axes))).to(at::kFloat);
}

/// What the lens does to straight lines. Throws Error that names a kind of camera which has no pinhole picture or is unknown.
LensDistortion lens_of(const Frame& frame) {
  const auto one_of = [](const std::string& name, std::initializer_list<const char*> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const char* key : {"equirectangular", "latlong", "orthographic", "ftheta_p0", "k5", "k6"})
    require(!frame.flag(key), "{}: cameras with \"{}\" cannot be used; make perspective pictures of theirs first", frame.where,
            key);
  const Json* model = frame.find("camera_model");
  require(!model || model->is_string(), "{}: camera_model is no text", frame.where);
  const std::string name = model ? model->get<std::string>() : "OPENCV";
  LensDistortion lens;
  lens.fisheye = frame.flag("is_fisheye") || one_of(name, {"OPENCV_FISHEYE", "RADIAL_FISHEYE", "SIMPLE_RADIAL_FISHEYE"});
  require(lens.fisheye || one_of(name, {"OPENCV", "PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "PERSPECTIVE"}),
          "{}: cameras of the model {} cannot be used; undistort the pictures first (for example with COLMAP or nerfstudio)",
          frame.where, name);
  const char* const radial[] = {"k1", "k2", "k3", "k4"};
  for (size_t i = 0; i < lens.radial.size(); ++i) lens.radial[i] = frame.number(radial[i]).value_or(0);
  if (!lens.fisheye) lens.tangential = {frame.number("p1").value_or(0), frame.number("p2").value_or(0)};
  require(lens.fisheye || std::abs(lens.radial[3]) < 1e-9,
          "{}: k4 is not 0, which only fisheye lenses have here; undistort the pictures first", frame.where);
  return lens;
}

Tensor intrinsics(const Frame& frame, const Image& image) {
  const auto width = static_cast<double>(image.width), height = static_cast<double>(image.height);
  // Focal lengths count pixels of the picture's own size, which may be told, and differ when pictures were shrunk later.
  const double x_scale = width / frame.number("w").value_or(width), y_scale = height / frame.number("h").value_or(height);
  auto focal_x = frame.number("fl_x"), focal_y = frame.number("fl_y");
  if (!focal_x) {
    const auto angle = frame.number("camera_angle_x");
    require(angle && *angle > 0 && *angle < 3.14, "{}: neither fl_x nor camera_angle_x (in radians) says how the camera sees",
            frame.where);
    focal_x = 0.5 * width / x_scale / std::tan(0.5 * *angle);
  }
  if (!focal_y) focal_y = focal_x;
  require(*focal_x > 0 && *focal_y > 0, "{}: focal lengths must be positive", frame.where);
  const double centre_x = frame.number("cx").value_or(0.5 * width / x_scale) * x_scale;
  const double centre_y = frame.number("cy").value_or(0.5 * height / y_scale) * y_scale;
  return at::tensor({*focal_x * x_scale, 0.0, centre_x, 0.0, *focal_y * y_scale, centre_y, 0.0, 0.0, 1.0}, at::kDouble)
      .view({3, 3})
      .to(at::kFloat);
}

/// Whether a picture is the camera's w × h, or that shrunk.
bool has_told_shape(const Frame& frame, const Image& image) {
  const auto width = frame.number("w"), height = frame.number("h");
  if (!width || !height) return true;
  require(*width >= 1 && *height >= 1, "{}: w and h must be positive", frame.where);
  return std::abs(static_cast<double>(image.width) * *height / *width - static_cast<double>(image.height)) <= 1;
}

/// The picture as the camera took it. Cameras refer to stored pixels, which is what photogrammetry reads; where w and h say
/// otherwise, to the picture as its EXIF tag turns it.
Image camera_picture(const Frame& frame, const fs::path& path, Orientation& orientation) {
  orientation = Orientation::stored;
  Image image = load_image(path, orientation);
  if (has_told_shape(frame, image)) return image;
  orientation = Orientation::upright;
  Image turned = load_image(path, orientation);
  require(has_told_shape(frame, turned), "{}: {} has {} x {} pixels, but its camera was made for {} x {}", frame.where,
          path.string(), image.width, image.height, frame.number("w").value_or(0), frame.number("h").value_or(0));
  return turned;
}

/// The mask's brightness, 0 or 1 as well as 0 to 255, times the picture's alpha.
void apply_mask(const Frame& frame, Image& image, Orientation orientation) {
  const auto found = frame.frame.find("mask_path");
  if (found == frame.frame.end() || found->is_null()) return;
  const auto path = frame.named_file("mask_path");
  require(path.has_value(), "{}: no mask {}", frame.where, found->dump());
  Image mask = load_image(*path, orientation);
  require(std::abs(static_cast<double>(mask.width * image.height) / static_cast<double>(image.width) -
                   static_cast<double>(mask.height)) <= 1,
          "{}: the mask has {} x {} pixels, the picture {} x {}", frame.where, mask.width, mask.height, image.width,
          image.height);
  mask = resize_lanczos(mask, image.width, image.height);
  uint8_t brightest = 0;
  for (size_t i = 0; i < mask.pixels.size(); i += 4) brightest = std::max(brightest, mask.pixels[i]);
  const int white = brightest <= 1 ? 1 : 255;
  for (size_t i = 0; i < mask.pixels.size(); i += 4)
    image.pixels[i + 3] = static_cast<uint8_t>(image.pixels[i + 3] * mask.pixels[i] / white);
  image.has_alpha = has_transparency(image);
}

/// Frames read so far, and what of the others is told.
struct Collected {
  std::vector<Tensor> pictures, poses, matrices;
  std::vector<std::string> left_out;
  int64_t width = 0, height = 0;
};

void read_frame(const Frame& frame, const PosedViewsOptions& options, size_t frames, Collected& into) {
  const auto pose = camera_to_world(frame);
  if (!pose) return into.left_out.push_back(frame.where + ": no transform_matrix");
  const auto path = frame.named_file("file_path");
  if (!path) return into.left_out.push_back(fmt::format("{}: no picture {}", frame.where, frame.frame["file_path"].dump()));
  const LensDistortion lens = lens_of(frame);
  Orientation orientation;
  Image image = camera_picture(frame, *path, orientation);
  if (into.pictures.empty()) into.width = image.width, into.height = image.height;
  require(image.width == into.width && image.height == into.height, "{}: {} x {} pixels, but the first picture has {} x {}",
          frame.where, image.width, image.height, into.width, into.height);
  const auto [width, height] = limited_size(image.width, image.height, options.max_size);
  require(static_cast<int64_t>(frames) * width * height <= most_pixels,
          "{}: {} pictures of {} x {} pixels are too many; shrink them (--size)", frame.where, frames, width, height);
  apply_mask(frame, image, orientation);
  into.matrices.push_back(intrinsics(frame, image));
  if (!lens.none()) {
    image = to_image(undistorted(to_tensor(image), into.matrices.back(), lens));
    image.has_alpha = has_transparency(image);
  }
  into.poses.push_back(world_to_camera(*pose, options.z_up));
  into.pictures.push_back((to_tensor(resize_lanczos(image, width, height)) * 255).round().to(at::kByte));
}

}  // namespace

PosedViews read_transforms(const fs::path& path, const PosedViewsOptions& options) {
  constexpr size_t most_named = 3;
  const Json file = read_json_file(path);
  const auto frames = file.is_object() ? file.find("frames") : file.end();
  require(frames != file.end() && frames->is_array() && !frames->empty(), "{}: no frames", path.string());
  require(frames->size() <= most_frames, "{}: {} frames, more than {}", path.string(), frames->size(), most_frames);
  Collected views;
  for (size_t i = 0; i < frames->size(); ++i) {
    throw_if_cancelled();
    const std::string where = fmt::format("{}: frame {}", path.string(), i);
    require((*frames)[i].is_object(), "{}: not an object", where);
    read_frame({(*frames)[i], file, path.parent_path(), where}, options, frames->size(), views);
  }
  PosedViews result;
  if (!views.left_out.empty()) {
    const std::vector<std::string> named(views.left_out.begin(),
                                         views.left_out.begin() + std::min(most_named, views.left_out.size()));
    const std::string told = fmt::format("{} of {} frames cannot be used ({}{})", views.left_out.size(), frames->size(),
                                         fmt::join(named, "; "), named.size() < views.left_out.size() ? "; …" : "");
    require(2 * views.left_out.size() <= frames->size(), "{}", told);
    result.warnings.push_back(told + "; they are left out");
  }
  const auto [width, height] = limited_size(views.width, views.height, options.max_size);
  result.id = path.parent_path().filename().string();
  result.rgba = at::stack(views.pictures);
  result.cameras = Cameras{at::stack(views.poses), at::stack(views.matrices), views.width, views.height}.resized(width, height);
  return result;
}

}  // namespace gsv3d

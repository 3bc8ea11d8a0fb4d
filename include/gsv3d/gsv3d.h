/// @file
/// GSV3D for C++20: one photo in, 3D Gaussians and a textured mesh out. A thin layer over gsv3d_c.h, all of it in this header, so
/// that the library's ABI is C's whatever compiler a program is built with. Errors are exceptions. Sizes and conventions: there.
#pragma once

#include <array>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "gsv3d/gsv3d_c.h"

namespace gsv3d {

/// What went wrong, in one line.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
/// The call itself is wrong.
class UsageError : public Error {
 public:
  using Error::Error;
};
/// A progress function returned false.
class Cancelled : public Error {
 public:
  using Error::Error;
};

/// Called as work goes on: a stage's name and how much of it is done. False cancels. What it throws comes out of the call.
using Progress = std::function<bool(const std::string& stage, int64_t done, int64_t total)>;

namespace detail {

inline void check(gsv3d_status status) {
  if (status == GSV3D_OK) return;
  if (status == GSV3D_CANCELLED) throw Cancelled(gsv3d_last_error());
  if (status == GSV3D_USAGE_ERROR) throw UsageError(gsv3d_last_error());
  throw Error(gsv3d_last_error());
}

/// Carries a Progress, and what it threw, past the C functions between.
struct ProgressCall {
  const Progress& function;
  std::exception_ptr thrown = nullptr;

  static int call(const char* stage, int64_t done, int64_t total, void* user) {
    auto& self = *static_cast<ProgressCall*>(user);
    try {
      return self.function(stage, done, total) ? 0 : 1;
    } catch (...) {
      self.thrown = std::current_exception();
      return 1;
    }
  }
  template <class Options>
  void put_into(Options& options) {
    if (!function) return;
    options.progress = call;
    options.user = this;
  }
  void check(gsv3d_status status) const {
    if (thrown) std::rethrow_exception(thrown);
    detail::check(status);
  }
};

template <class Handle, void (*free)(Handle*)>
struct Free {
  void operator()(Handle* handle) const { free(handle); }
};
template <class Handle, void (*free)(Handle*)>
using Owner = std::unique_ptr<Handle, Free<Handle, free>>;

}  // namespace detail

/// The library's, "MAJOR.MINOR.PATCH".
inline std::string version() {
  return gsv3d_version();
}
/// CPU threads of all calls from now on.
inline void set_threads(int threads) {
  detail::check(gsv3d_set_threads(threads));
}

/// A picture of RGBA bytes (sRGB, not premultiplied).
class Picture {
 public:
  /// Owns a handle of gsv3d_c.h from now on.
  explicit Picture(gsv3d_picture* taken) : handle_(taken) {}
  /// rgba: width · height · 4 bytes, row by row from the top, which are copied.
  Picture(std::span<const uint8_t> rgba, int64_t width, int64_t height) {
    if (width < 1 || height < 1 || rgba.size() / 4 / static_cast<size_t>(width) < static_cast<size_t>(height))
      throw UsageError("fewer bytes than the picture has");
    gsv3d_picture* handle = nullptr;
    detail::check(gsv3d_picture_create(rgba.data(), width, height, &handle));
    handle_.reset(handle);
  }
  /// Reads any format that the program reads: JPEG, PNG, WebP, HEIC …
  explicit Picture(const std::string& path) {
    gsv3d_picture* handle = nullptr;
    detail::check(gsv3d_picture_read(path.c_str(), &handle));
    handle_.reset(handle);
  }
  /// Pixels of a row.
  int64_t width() const { return gsv3d_picture_width(handle()); }
  /// Rows.
  int64_t height() const { return gsv3d_picture_height(handle()); }
  /// height · width · 4 bytes, valid while the picture is.
  std::span<const uint8_t> rgba() const { return {gsv3d_picture_rgba(handle()), static_cast<size_t>(4 * width() * height())}; }
  /// Whole or not at all.
  void write_png(const std::string& path) const { detail::check(gsv3d_picture_write_png(handle(), path.c_str())); }
  /// For calls of gsv3d_c.h.
  const gsv3d_picture* handle() const { return handle_.get(); }

 private:
  detail::Owner<gsv3d_picture, gsv3d_picture_free> handle_;
};

/// Gaussians, activated: opacity 0 to 1, scale > 0, quaternions w, x, y, z.
class Gaussians {
 public:
  /// Owns a handle of gsv3d_c.h from now on.
  explicit Gaussians(gsv3d_gaussians* taken) : handle_(taken) {}
  /// Reads PLY, compressed PLY, .splat, SPZ, SOG or glTF.
  explicit Gaussians(const std::string& path) {
    gsv3d_gaussians* handle = nullptr;
    detail::check(gsv3d_gaussians_read(path.c_str(), &handle));
    handle_.reset(handle);
  }
  /// means [G, 3], quats [G, 4], scales [G, 3], opacities [G], sh [G, K, 3] with K = 1, 4, 9 or 16; all are copied.
  Gaussians(std::span<const float> means, std::span<const float> quats, std::span<const float> scales,
            std::span<const float> opacities, std::span<const float> sh) {
    const size_t count = opacities.size();
    const size_t sh_count = count == 0 ? 0 : sh.size() / (3 * count);
    if (means.size() != 3 * count || quats.size() != 4 * count || scales.size() != 3 * count || sh.size() != 3 * sh_count * count)
      throw UsageError("arrays of Gaussians whose sizes do not fit each other");
    gsv3d_gaussian_arrays arrays;
    GSV3D_INIT(gsv3d_gaussian_arrays, &arrays);
    arrays.count = static_cast<int64_t>(count), arrays.sh_count = static_cast<int64_t>(sh_count);
    arrays.means = means.data(), arrays.quats = quats.data(), arrays.scales = scales.data();
    arrays.opacities = opacities.data(), arrays.sh = sh.data();
    gsv3d_gaussians* handle = nullptr;
    detail::check(gsv3d_gaussians_create(&arrays, &handle));
    handle_.reset(handle);
  }

  /// G.
  int64_t count() const { return gsv3d_gaussians_count(handle()); }
  /// K = (degree + 1)²: 1, 4, 9 or 16.
  int64_t sh_count() const { return arrays().sh_count; }
  /// [G, 3] world units; valid, as all of these, while the Gaussians are.
  std::span<const float> means() const { return numbers(arrays().means, 3); }
  /// [G, 4] w, x, y, z.
  std::span<const float> quats() const { return numbers(arrays().quats, 4); }
  /// [G, 3] standard deviations along the rotated axes.
  std::span<const float> scales() const { return numbers(arrays().scales, 3); }
  /// [G] 0 to 1.
  std::span<const float> opacities() const { return numbers(arrays().opacities, 1); }
  /// [G, K, 3]; colour = max(sum of harmonics + 0.5, 0).
  std::span<const float> sh() const { return numbers(arrays().sh, 3 * sh_count()); }
  /// [G] 0 to 1, how far the objects of other seeds have the same; empty: not known.
  std::span<const float> confidence() const {
    const float* first = arrays().confidence;
    return first ? numbers(first, 1) : std::span<const float>();
  }
  /// By the name's end: .ply, .compressed.ply, .splat, .spz, .glb.
  void write(const std::string& path) const { detail::check(gsv3d_gaussians_write(handle(), path.c_str())); }
  /// For calls of gsv3d_c.h.
  const gsv3d_gaussians* handle() const { return handle_.get(); }

 private:
  gsv3d_gaussian_arrays arrays() const {
    gsv3d_gaussian_arrays arrays;
    GSV3D_INIT(gsv3d_gaussian_arrays, &arrays);
    detail::check(gsv3d_gaussians_get_arrays(handle(), &arrays));
    return arrays;
  }
  std::span<const float> numbers(const float* first, int64_t each) const { return {first, static_cast<size_t>(count() * each)}; }

  detail::Owner<gsv3d_gaussians, gsv3d_gaussians_free> handle_;
};

/// Another photo of the same object, and where its camera stood.
struct View {
  const Picture* photo = nullptr;  ///< only read during the call
  double azimuth = 0;              ///< degrees around the object from the first photo's camera, counter-clockwise seen from above
  std::optional<double> elevation;  ///< degrees above the object; otherwise the first photo's
};

/// How a photo becomes Gaussians.
struct GenerateOptions {
  std::optional<uint64_t> seed;       ///< same seed, same machine and threads: the same bytes as the program's
  std::string sampling;               ///< JSON of sampler settings to change: {"steps": 20}
  std::optional<double> elevation;    ///< degrees of the photo's camera above the object
  bool matting = true;                ///< cut the object out unless the picture's transparency does
  bool refine = true;                 ///< bring the decoded Gaussians closer to photo and views
  bool photo_surface = true;          ///< lay the photo's own pixels on the side that it shows
  std::optional<bool> photo_palette;  ///< give unseen sides the photo's colours; otherwise as the model asks
  std::vector<View> views;            ///< further photos of the object, fewer than the model's views
  int64_t confidence_seeds = 0;       ///< 2 to 64: make objects of so many seeds, for Gaussians::confidence()
  Progress progress;                  ///< may be empty
};

/// A model folder in memory; used by one thread at a time.
class Model {
 public:
  /// Without a folder: the embedded model. device: "auto", "cpu", "cuda"; precision: "auto", "fp32", "bf16", "fp16".
  explicit Model(const std::optional<std::string>& folder = {}, const std::string& device = "auto",
                 const std::string& precision = "auto") {
    gsv3d_model_options options;
    GSV3D_INIT(gsv3d_model_options, &options);
    options.device = device.c_str(), options.precision = precision.c_str();
    gsv3d_model* handle = nullptr;
    detail::check(gsv3d_model_load(folder ? folder->c_str() : nullptr, &options, &handle));
    handle_.reset(handle);
  }
  /// The object of a photo, or of several, as "gsv3d generate" makes it.
  Gaussians generate(const Picture& photo, const GenerateOptions& options = {}) const {
    gsv3d_generate_options plain;
    GSV3D_INIT(gsv3d_generate_options, &plain);
    if (options.seed) plain.seed = *options.seed;
    if (!options.sampling.empty()) plain.sampling = options.sampling.c_str();
    if (options.elevation) plain.elevation = *options.elevation;
    plain.matting = options.matting, plain.refine = options.refine, plain.photo_surface = options.photo_surface;
    plain.photo_palette = options.photo_palette ? static_cast<int>(*options.photo_palette) : -1;
    std::vector<gsv3d_view> views(options.views.size());
    std::vector<const gsv3d_view*> pointers(options.views.size());
    for (size_t index = 0; index < views.size(); ++index) {
      const View& view = options.views[index];
      GSV3D_INIT(gsv3d_view, &views[index]);
      views[index].photo = view.photo ? view.photo->handle() : nullptr, views[index].azimuth = view.azimuth;
      if (view.elevation) views[index].elevation = *view.elevation;
      pointers[index] = &views[index];
    }
    plain.confidence_seeds = options.confidence_seeds;
    plain.view_count = static_cast<int64_t>(views.size()), plain.views = pointers.data();
    detail::ProgressCall call{options.progress};
    call.put_into(plain);
    gsv3d_gaussians* gaussians = nullptr;
    call.check(gsv3d_generate(handle_.get(), photo.handle(), &plain, &gaussians));
    return Gaussians(gaussians);
  }
  /// For calls of gsv3d_c.h.
  const gsv3d_model* handle() const { return handle_.get(); }

 private:
  detail::Owner<gsv3d_model, gsv3d_model_free> handle_;
};

/// How words become the picture that takes a photo's place.
struct TextOptions {
  std::optional<uint64_t> seed;         ///< of the first candidate; each further one has the next
  int64_t candidates = 1;               ///< so many pictures, of which the best is taken
  std::optional<std::string> negative;  ///< what is not to be seen; otherwise the model's
  std::string sampling;                 ///< JSON of settings to change: {"picture-steps": 4}
  bool use_template = true;             ///< the words stand in the model's prompt template
  bool matting = true;                  ///< cut the object out
  const Picture* sketch = nullptr;      ///< pictures begin with it instead of noise alone
  double strength = 0.7;                ///< how far they may leave the sketch, above 0 to 1
  const Model* judge = nullptr;         ///< scores candidates where its image embedder belongs to the text model
  Progress progress;                    ///< may be empty
};

/// The networks of a model folder that make pictures from text; used by one thread at a time.
class TextModel {
 public:
  /// Without a folder: the embedded model. An Error where the folder has no such networks. device, precision: as Model's.
  explicit TextModel(const std::optional<std::string>& folder = {}, const std::string& device = "auto",
                     const std::string& precision = "auto") {
    gsv3d_model_options options;
    GSV3D_INIT(gsv3d_model_options, &options);
    options.device = device.c_str(), options.precision = precision.c_str();
    gsv3d_text_model* handle = nullptr;
    detail::check(gsv3d_text_model_load(folder ? folder->c_str() : nullptr, &options, &handle));
    handle_.reset(handle);
  }
  /// A picture of what UTF-8 words say, as "gsv3d text" makes it. A UsageError names unknown words and the nearest known ones.
  Picture picture(const std::string& words, const TextOptions& options = {}) const {
    gsv3d_text_options plain;
    GSV3D_INIT(gsv3d_text_options, &plain);
    if (options.seed) plain.seed = *options.seed;
    plain.candidates = options.candidates, plain.strength = options.strength;
    if (options.negative) plain.negative = options.negative->c_str();
    if (!options.sampling.empty()) plain.sampling = options.sampling.c_str();
    plain.use_template = options.use_template, plain.matting = options.matting;
    plain.sketch = options.sketch ? options.sketch->handle() : nullptr;
    plain.judge = options.judge ? options.judge->handle() : nullptr;
    detail::ProgressCall call{options.progress};
    call.put_into(plain);
    gsv3d_picture* picture = nullptr;
    call.check(gsv3d_text_picture(handle_.get(), words.c_str(), &plain, &picture));
    return Picture(picture);
  }

 private:
  detail::Owner<gsv3d_text_model, gsv3d_text_model_free> handle_;
};

/// The object of words, as "gsv3d text" makes it: their picture takes a photo's place.
inline Gaussians generate_from_text(const Model& model, const TextModel& text_model, const std::string& words,
                                    const TextOptions& text = {}, const GenerateOptions& options = {}) {
  TextOptions how = text;
  if (!how.judge) how.judge = &model;
  return model.generate(text_model.picture(words, how), options);
}

/// A pinhole camera, OpenCV axes.
using Camera = gsv3d_camera;

/// Cameras that look at the origin, at equal steps of azimuth, the first on the +Z side; pictures of size × size pixels.
inline std::vector<Camera> orbit_cameras(int64_t count, double elevation_degrees, int64_t size, double radius = 2,
                                         double fov_y_degrees = 33.8) {
  std::vector<Camera> cameras(static_cast<size_t>(count < 0 ? 0 : count));
  detail::check(gsv3d_orbit_cameras(count, elevation_degrees, radius, fov_y_degrees, size, cameras.data()));
  return cameras;
}

/// What cameras see.
struct Rendering {
  int64_t count = 0;         ///< cameras
  int64_t width = 0;         ///< pixels of a row
  int64_t height = 0;        ///< rows
  std::vector<float> rgb;    ///< [count, 3, height, width] over the background
  std::vector<float> alpha;  ///< [count, 1, height, width]
  std::vector<float> depth;  ///< [count, 1, height, width] blended camera z; divide by alpha
};
/// Renders Gaussians over a background of 0 to 1.
inline Rendering rasterize(const Gaussians& gaussians, std::span<const Camera> cameras, int64_t width, int64_t height,
                           const std::array<float, 3>& background = {0, 0, 0}) {
  if (width < 1 || height < 1) throw UsageError("pictures without pixels");
  Rendering result{static_cast<int64_t>(cameras.size()), width, height, {}, {}, {}};
  const size_t pixels = cameras.size() * static_cast<size_t>(width) * static_cast<size_t>(height);
  result.rgb.resize(3 * pixels), result.alpha.resize(pixels), result.depth.resize(pixels);
  gsv3d_rasterize_options options;
  GSV3D_INIT(gsv3d_rasterize_options, &options);
  for (size_t channel = 0; channel < 3; ++channel) options.background[channel] = background[channel];
  detail::check(gsv3d_rasterize(gaussians.handle(), cameras.data(), result.count, width, height, &options, result.rgb.data(),
                                result.alpha.data(), result.depth.data()));
  return result;
}

/// How Gaussians are fitted to pictures.
struct FitOptions {
  uint64_t seed = 0;                            ///< of the start and of densification
  int64_t steps = 2000;                         ///< of the optimiser
  int64_t start_count = 10'000;                 ///< Gaussians to start from where no start is given
  int64_t max_gaussians = 0;                    ///< densify to at most so many; 0: their number stays
  std::array<float, 3> background = {1, 1, 1};  ///< of the pictures, 0 to 1
  Progress progress;                            ///< may be empty
};
/// Gaussians fitted to pictures rgb [count, 3, height, width] with known cameras; alpha [count, 1, height, width] or empty.
inline Gaussians fit(std::span<const Camera> cameras, int64_t width, int64_t height, std::span<const float> rgb,
                     std::span<const float> alpha = {}, const FitOptions& options = {}, const Gaussians* start = nullptr) {
  const size_t pixels = cameras.size() * static_cast<size_t>(width) * static_cast<size_t>(height);
  if (width < 1 || height < 1 || rgb.size() != 3 * pixels || (!alpha.empty() && alpha.size() != pixels))
    throw UsageError("pictures whose sizes do not fit the cameras'");
  gsv3d_fit_options plain;
  GSV3D_INIT(gsv3d_fit_options, &plain);
  plain.seed = options.seed, plain.steps = options.steps;
  plain.start_count = options.start_count, plain.max_gaussians = options.max_gaussians;
  for (size_t channel = 0; channel < 3; ++channel) plain.background[channel] = options.background[channel];
  detail::ProgressCall call{options.progress};
  call.put_into(plain);
  gsv3d_gaussians* gaussians = nullptr;
  call.check(gsv3d_fit(start ? start->handle() : nullptr, cameras.data(), static_cast<int64_t>(cameras.size()), width, height,
                       rgb.data(), alpha.empty() ? nullptr : alpha.data(), &plain, &gaussians));
  return Gaussians(gaussians);
}

/// How a mesh is made of Gaussians.
struct MeshOptions {
  int64_t resolution = 128;     ///< samples along the longest side, 16 to 512
  int64_t triangles = 10'000;   ///< at most
  int64_t texture_size = 1024;  ///< pixels a side, 16 to 8192; 0: no texture
  bool watertight = false;      ///< one piece, for 3D printing
  Progress progress;            ///< may be empty
};

/// A triangle mesh with or without texture.
class Mesh {
 public:
  /// A closed, textured mesh of the Gaussians' surface.
  explicit Mesh(const Gaussians& gaussians, const MeshOptions& options = {}) {
    gsv3d_mesh_options plain;
    GSV3D_INIT(gsv3d_mesh_options, &plain);
    plain.resolution = options.resolution, plain.triangles = options.triangles;
    plain.texture_size = options.texture_size, plain.watertight = options.watertight;
    detail::ProgressCall call{options.progress};
    call.put_into(plain);
    gsv3d_mesh* handle = nullptr;
    call.check(gsv3d_mesh_make(gaussians.handle(), &plain, &handle));
    handle_.reset(handle);
  }
  /// Pointers to the values, valid while the mesh is.
  gsv3d_mesh_arrays arrays() const {
    gsv3d_mesh_arrays arrays;
    GSV3D_INIT(gsv3d_mesh_arrays, &arrays);
    detail::check(gsv3d_mesh_get_arrays(handle_.get(), &arrays));
    return arrays;
  }
  /// .glb, .obj, .ply or .stl.
  void write(const std::string& path) const { detail::check(gsv3d_mesh_write(handle_.get(), path.c_str())); }

 private:
  detail::Owner<gsv3d_mesh, gsv3d_mesh_free> handle_;
};

}  // namespace gsv3d

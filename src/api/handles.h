// What the C API's opaque handles hold, and the wall around each of its functions: no exception leaves, errors become a status.
#pragma once

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>

#include "core/error.h"
#include "gsv3d/gsv3d_c.h"
#include "image/image.h"
#include "mesh/mesh.h"
#include "models/model_folder.h"
#include "models/text_model.h"

struct gsv3d_picture {
  gsv3d::Image image;
};
struct gsv3d_model {
  gsv3d::Model model;
};
struct gsv3d_text_model {
  gsv3d::TextModel model;
};
struct gsv3d_gaussians {
  gsv3d::Gaussians values;        ///< on the CPU, float32, contiguous
  gsv3d::Tensor confidence = {};  ///< [G], likewise, or undefined
};
struct gsv3d_mesh {
  gsv3d::Mesh mesh;
};

namespace gsv3d::api {

/// Keeps the message for gsv3d_last_error() of this thread.
gsv3d_status failed(gsv3d_status status, const std::string& message);

/// The library's settings of the process, once: messages below a warning are not for users of a library.
void start_library();

/// Runs `call` and turns what it throws into a status.
template <class Call>
gsv3d_status guarded(const Call& call) {
  try {
    start_library();
    call();
    return GSV3D_OK;
  } catch (const Cancelled& error) {
    return failed(GSV3D_CANCELLED, error.what());
  } catch (const UsageError& error) {
    return failed(GSV3D_USAGE_ERROR, error.what());
  } catch (const std::bad_alloc&) {
    return failed(GSV3D_ERROR, "there is not enough memory");
  } catch (const std::exception& error) {
    return failed(GSV3D_ERROR, error.what());
  } catch (...) {
    return failed(GSV3D_ERROR, "an error of an unknown kind");
  }
}

/// Throws UsageError naming an argument that must not be NULL but is.
template <class Pointer>
Pointer given(Pointer pointer, const char* name) {
  if (!pointer) throw UsageError(fmt::format("{} is NULL", name));
  return pointer;
}

/// As much of `value` as a caller knows who says that its struct has `size` bytes; the rest becomes 0.
template <class Struct>
void hand_out(Struct* to, size_t size, Struct value) {
  if (!to || size < sizeof(size_t)) return;
  value.size = size;
  std::memset(static_cast<void*>(to), 0, size);
  std::memcpy(static_cast<void*>(to), &value, std::min(size, sizeof(Struct)));
}

/// A caller's options over the defaults, which stay where the caller's struct is shorter. Throws UsageError where it has no size.
template <class Struct>
Struct over_defaults(const Struct* options, void (*defaults)(Struct*, size_t)) {
  Struct result;
  defaults(&result, sizeof(result));
  if (!options) return result;
  if (options->size < sizeof(size_t)) throw UsageError("options without a size: fill them with GSV3D_INIT first");
  std::memcpy(static_cast<void*>(&result), options, std::min(options->size, sizeof(Struct)));
  return result;
}

/// Calls a progress function, if there is one. Throws Cancelled when it says so.
inline void report_progress(gsv3d_progress progress, void* user, const std::string& stage, int64_t done, int64_t total) {
  if (progress && progress(stage.c_str(), done, total, user) != 0) throw Cancelled();
}

/// Where a model is and how it is loaded, of what gsv3d_model_load and its like are given.
struct ModelPlace {
  std::filesystem::path folder;
  LoadOptions options;
};
ModelPlace model_place(const char* folder, const gsv3d_model_options* options);

/// Settings of a sampler, for example {"steps": 20}; nothing for NULL. Throws UsageError for what is no JSON object.
Json sampling_of(const char* text);

/// A handle of the Gaussians, as handles hold them; confidence [G] may be undefined.
gsv3d_gaussians* handle_of(const Gaussians& gaussians, const Tensor& confidence = {});

}  // namespace gsv3d::api

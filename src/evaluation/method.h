// What is compared: a method sees one view of an object and predicts all others. The pipeline, its ceiling and the baselines are
// all methods.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "camera/camera.h"
#include "core/tensor.h"
#include "dataset/views.h"
#include "evaluation/geometry.h"

namespace gsv3d {

/// One object of an evaluation. Methods are given the input view; `truth` is for scoring, and for the ceiling that says so.
struct EvaluationCase {
  /// View 0 is the input, at azimuth 0: the orbit's first view, or a view of its own with the orbit behind it, all of which
  /// counts among orbit_views.
  ObjectViews truth;
  uint64_t seed = 0;             ///< of methods that draw noise
  Tensor input_rgba;             ///< [4, S, S] float32 in 0-1, not premultiplied
  Tensor input_rgb;              ///< [1, 3, S, S] over white
  TriangleSurface surface = {};  ///< the true one, for scoring; undefined: not known, and methods need not predict one
  std::optional<double> input_elevation_degrees = {};  ///< of an input view of its own; empty: it is the orbit's first

  Cameras input_camera() const { return truth.cameras.slice(0, 1); }
  /// Of the input.
  double elevation_degrees() const { return input_elevation_degrees.value_or(truth.elevation_degrees); }
  /// Where the orbit begins among the views.
  int64_t orbit_begin() const { return input_elevation_degrees ? 1 : 0; }
};

/// Wraps an object's views. Throws Error unless view 0 exists and views are square.
EvaluationCase make_case(ObjectViews views, uint64_t seed);

/// The same object in other colours: red becomes green, green blue and blue red in every view; alpha and depth stay.
ObjectViews recolored(ObjectViews views);

/// What a method generated on its way, N pictures, and the object that it made of them, seen from the same cameras.
struct GeneratedViews {
  Tensor rgb;                                     ///< [N, 3, S, S] in 0-1 over white; view 0 is the photo itself
  Tensor alpha;                                   ///< [N, 1, S, S] in 0-1; undefined: not known
  Cameras cameras;                                ///< around the origin, in the orbit's order
  Tensor object_rgb, object_alpha, object_depth;  ///< as ViewSet's
};

/// Views of one object, predicted or true.
struct ViewSet {
  Tensor rgb;                    ///< [C, 3, H, W] in 0-1 over white
  Tensor alpha;                  ///< [C, 1, H, W] in 0-1
  Tensor depth;                  ///< [C, 1, H, W] camera z where alpha > 0.5; undefined: the method knows no depth
  TriangleSurface surface = {};  ///< undefined: the method has none, or the case has none to compare with
  std::optional<GeneratedViews> generated = {};  ///< empty: the method generates none
};

/// The stored views [begin, end) of an object, over white.
ViewSet true_views(const ObjectViews& views, int64_t begin, int64_t end);

/// Predicts the views of the target cameras. An Error that it throws makes this object a failure of this method.
struct Method {
  std::string name, description;
  std::function<ViewSet(const EvaluationCase&, const Cameras& targets)> predict;
};

}  // namespace gsv3d

// Parameters by hierarchical name, for example "input_blocks.1.0.in_layers.2.weight". A network is a plain struct whose
// constructor asks a Scope for its parameters; where they come from (a file, random initialisation, or nowhere: the meta device,
// to list them), their type and device, and LoRA are decided here, once.
#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/safetensors.h"
#include "core/tensor.h"

namespace gsv3d::nn {

/// How a parameter starts when it is not read from a file.
struct Init {
  enum class Kind { zeros, ones, constant, normal, uniform, fan_in_uniform } kind = Kind::fan_in_uniform;
  double value = 0;  ///< the constant, the standard deviation, or the bound; for fan_in_uniform the fan-in
  static Init zeros() { return {Kind::zeros, 0}; }
  static Init ones() { return {Kind::ones, 0}; }
  static Init constant(double value) { return {Kind::constant, value}; }
  static Init normal(double std) { return {Kind::normal, std}; }
  static Init uniform(double bound) { return {Kind::uniform, bound}; }
  /// PyTorch's default for linear layers and convolutions: uniform in ±1/sqrt(fan_in).
  static Init fan_in(int64_t fan_in) { return {Kind::fan_in_uniform, static_cast<double>(fan_in)}; }
};

/// Low-rank adaptation (arXiv 2106.09685): W x + (alpha / rank) B A x, with B starting at zero.
struct LoraOptions {
  int64_t rank = 0;  ///< 0: no LoRA
  double alpha = 0;  ///< 0: equal to the rank
  std::vector<std::string>
      targets;  ///< a linear layer takes part when its name ends with one of these; empty: every linear layer
};
struct Lora {
  Tensor down, up;  ///< A [rank, in] and B [out, rank]
  double scale = 1;
};

/// Counts the bytes of streamed weights that are on the device, until the last tensor that shares them is gone.
class StreamMeter : public std::enable_shared_from_this<StreamMeter> {
 public:
  int64_t resident() const { return resident_; }
  int64_t peak() const { return peak_; }
  /// The same tensor, counted.
  Tensor watch(const Tensor& copy);

 private:
  std::atomic<int64_t> resident_ = 0, peak_ = 0;
};

/// Weights that stay in host memory, and are copied to the device, in its precision, while a block of layers runs.
struct Streaming {
  at::ScalarType dtype = at::kFloat;  ///< of matrices and convolutions; vectors are float32
  at::Device device = at::kCPU;
  std::shared_ptr<StreamMeter> meter;  ///< may be empty
};

class ParameterStore {
 public:
  /// Random initialisation from a seed, float32 on `device`.
  static std::shared_ptr<ParameterStore> random(uint64_t seed, at::Device device = at::kCPU);
  /// Parameters from a safetensors file, converted to `dtype` on `device`; `prefix` is put before every name asked for.
  static std::shared_ptr<ParameterStore> from_file(const std::filesystem::path& path, at::ScalarType dtype = at::kFloat,
                                                   at::Device device = at::kCPU, std::string prefix = "");
  /// The same from tensors in memory; `origin` names them in messages.
  static std::shared_ptr<ParameterStore> from_tensors(NamedTensors tensors, std::string origin, at::ScalarType dtype = at::kFloat,
                                                      at::Device device = at::kCPU, std::string prefix = "");
  /// For inference: matrices and convolutions in `dtype`, vectors (norms, biases) in float32, as autocast wants them. On the CPU
  /// a tensor that the file stores in that type is not copied: it is the file's own pages, read when first used and shared with
  /// other processes; it must not be written to. Other tensors are converted, and their pages given back. `replaced` holds
  /// tensors to be taken instead of the file's.
  static std::shared_ptr<ParameterStore> for_inference(const std::filesystem::path& path, at::ScalarType dtype, at::Device device,
                                                       NamedTensors replaced = {});
  /// As for_inference, but on the CPU and in whatever type the file has: a host for copies_of.
  static std::shared_ptr<ParameterStore> as_stored(const std::filesystem::path& path, NamedTensors replaced = {});
  /// Fresh copies of another store's parameters, which live as long as the layers that asked for them. Without LoRA.
  static std::shared_ptr<ParameterStore> copies_of(std::shared_ptr<ParameterStore> host, const Streaming& streaming);
  /// Shapes only: tensors on the meta device, to list a network's parameters.
  static std::shared_ptr<ParameterStore> meta();

  /// The parameter of this full name. Throws Error when it is missing in the source or has another shape. Asking twice for one
  /// name gives the same tensor.
  Tensor get(const std::string& name, at::IntArrayRef shape, const Init& init);
  /// The LoRA of the linear layer of this name, when it takes part.
  std::optional<Lora> lora(const std::string& layer, int64_t in, int64_t out);
  /// Gives every matching linear layer that is built from now on a LoRA: read from `weights` (names <layer>.lora_A.weight and
  /// <layer>.lora_B.weight) when given, else initialised.
  void enable_lora(LoraOptions options, NamedTensors weights = {}, uint64_t seed = 0);

  /// Throws Error listing source tensors that nobody asked for, except those whose name starts with one of `ignored_prefixes`.
  void check_all_used(const std::vector<std::string>& ignored_prefixes = {}) const;

  /// Everything handed out so far, by full name; LoRA tensors apart.
  const NamedTensors& parameters() const { return parameters_; }
  const NamedTensors& lora_parameters() const { return lora_parameters_; }
  /// Turns gradients on or off for all base parameters (LoRA tensors: the other function).
  void set_requires_grad(bool value);
  void set_lora_requires_grad(bool value);
  int64_t parameter_count() const;

 private:
  enum class Source { random, tensors, meta, copies };
  ParameterStore(Source source, at::ScalarType dtype, at::Device device) : source_(source), dtype_(dtype), device_(device) {}
  Tensor make(const std::string& name, at::IntArrayRef shape, const Init& init);
  Tensor borrowed_or_converted(const std::string& name, const Tensor& source) const;

  Source source_;
  at::ScalarType dtype_;
  at::Device device_;
  uint64_t seed_ = 0;
  std::string origin_, prefix_;
  std::shared_ptr<const SafetensorsFile> mapped_;  // for_inference: where tensors may be borrowed from
  bool as_stored_ = false;
  std::shared_ptr<ParameterStore> host_;  // for Source::copies
  std::shared_ptr<StreamMeter> meter_;
  NamedTensors available_;  // for Source::tensors
  NamedTensors parameters_, lora_parameters_;
  LoraOptions lora_options_;
  NamedTensors lora_available_;
  uint64_t lora_seed_ = 0;
};

/// A store seen from below one name: scope / "in_layers" / 2 asks for "….in_layers.2.…". Cheap to copy.
class Scope {
 public:
  explicit Scope(std::shared_ptr<ParameterStore> store, std::string name = "")
      : store_(std::move(store)), name_(std::move(name)) {}
  Scope operator/(const std::string& child) const { return Scope(store_, name_.empty() ? child : name_ + "." + child); }
  Scope operator/(int64_t index) const { return *this / std::to_string(index); }
  Tensor parameter(const std::string& leaf, at::IntArrayRef shape, const Init& init) const {
    return store_->get((*this / leaf).name(), shape, init);
  }
  std::optional<Lora> lora(int64_t in, int64_t out) const { return store_->lora(name_, in, out); }
  const std::string& name() const { return name_; }
  ParameterStore& store() const { return *store_; }
  const std::shared_ptr<ParameterStore>& shared_store() const { return store_; }

 private:
  std::shared_ptr<ParameterStore> store_;
  std::string name_;
};

}  // namespace gsv3d::nn

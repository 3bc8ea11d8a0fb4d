#include "nn/parameter_store.h"

#include <algorithm>

#include "core/error.h"
#include "core/int8_weights.h"

namespace gsv3d::nn {
namespace {

/// A seed that depends on the parameter's name, so that adding a layer does not change how the others start. FNV-1a, 64 bit.
uint64_t name_seed(uint64_t seed, const std::string& name) {
  uint64_t hash = 14695981039346656037ull ^ seed;
  for (const unsigned char c : name) hash = (hash ^ c) * 1099511628211ull;
  return hash;
}

Tensor initialised(at::IntArrayRef shape, const Init& init, uint64_t seed) {
  const auto options = at::TensorOptions().dtype(at::kFloat);
  switch (init.kind) {
    case Init::Kind::zeros:
      return at::zeros(shape, options);
    case Init::Kind::ones:
      return at::ones(shape, options);
    case Init::Kind::constant:
      return at::full(shape, init.value, options);
    case Init::Kind::normal:
      return at::randn(shape, make_generator(seed), options) * init.value;
    case Init::Kind::uniform:
      return (at::rand(shape, make_generator(seed), options) * 2 - 1) * init.value;
    case Init::Kind::fan_in_uniform:
      return (at::rand(shape, make_generator(seed), options) * 2 - 1) / std::sqrt(init.value);
  }
  fail("unknown kind of initialisation");
}

bool ends_with_any(const std::string& name, const std::vector<std::string>& endings) {
  return endings.empty() ||
         std::any_of(endings.begin(), endings.end(), [&](const auto& ending) { return name.ends_with(ending); });
}

}  // namespace

Tensor StreamMeter::watch(const Tensor& copy) {
  const auto bytes = static_cast<int64_t>(copy.nbytes());
  const int64_t now = resident_ += bytes;
  int64_t peak = peak_;
  while (now > peak && !peak_.compare_exchange_weak(peak, now)) {
  }
  // The copy itself is held by the deleter of a view of its memory, and goes with the last user of that view.
  const auto release = [self = shared_from_this(), held = copy, bytes](void*) mutable {
    held.reset();
    self->resident_ -= bytes;
  };
  return at::from_blob(copy.mutable_data_ptr(), copy.sizes(), copy.strides(), release, copy.options(), copy.device());
}

std::shared_ptr<ParameterStore> ParameterStore::random(uint64_t seed, at::Device device) {
  auto store = std::shared_ptr<ParameterStore>(new ParameterStore(Source::random, at::kFloat, device));
  store->seed_ = seed;
  return store;
}

std::shared_ptr<ParameterStore> ParameterStore::from_file(const std::filesystem::path& path, at::ScalarType dtype,
                                                          at::Device device, std::string prefix) {
  return from_tensors(read_weights(path), path.string(), dtype, device, std::move(prefix));
}

std::shared_ptr<ParameterStore> ParameterStore::from_tensors(NamedTensors tensors, std::string origin, at::ScalarType dtype,
                                                             at::Device device, std::string prefix) {
  auto store = std::shared_ptr<ParameterStore>(new ParameterStore(Source::tensors, dtype, device));
  store->available_ = std::move(tensors);
  store->origin_ = std::move(origin);
  store->prefix_ = std::move(prefix);
  return store;
}

std::shared_ptr<ParameterStore> ParameterStore::for_inference(const std::filesystem::path& path, at::ScalarType dtype,
                                                              at::Device device, NamedTensors replaced) {
  const auto file = std::make_shared<const SafetensorsFile>(path);
  NamedTensors tensors;
  for (const auto& [name, entry] : file->entries()) tensors.emplace(name, file->tensor(name));
  widen_int8(tensors, path.string());
  for (auto& [name, tensor] : replaced) tensors.insert_or_assign(name, std::move(tensor));
  const auto store = from_tensors(std::move(tensors), path.string(), dtype, device);
  store->mapped_ = file;
  return store;
}

std::shared_ptr<ParameterStore> ParameterStore::as_stored(const std::filesystem::path& path, NamedTensors replaced) {
  const auto store = for_inference(path, at::kFloat, at::kCPU, std::move(replaced));
  store->as_stored_ = true;
  return store;
}

std::shared_ptr<ParameterStore> ParameterStore::copies_of(std::shared_ptr<ParameterStore> host, const Streaming& streaming) {
  require(host->lora_options_.rank == 0, "weights with a LoRA of their own cannot be streamed: merge it first");
  auto store = std::shared_ptr<ParameterStore>(new ParameterStore(Source::copies, streaming.dtype, streaming.device));
  store->host_ = std::move(host);
  store->meter_ = streaming.meter;
  return store;
}

Tensor ParameterStore::borrowed_or_converted(const std::string& name, const Tensor& source) const {
  const at::ScalarType type = source.dim() <= 1 ? at::kFloat : dtype_;
  if (device_.is_cpu() && source.scalar_type() == type) return source;
  const Tensor copy = at::empty(source.sizes(), at::TensorOptions().dtype(type).device(device_)).copy_(source);
  mapped_->release(name);
  return copy;
}

std::shared_ptr<ParameterStore> ParameterStore::meta() {
  return std::shared_ptr<ParameterStore>(new ParameterStore(Source::meta, at::kFloat, at::kMeta));
}

Tensor ParameterStore::make(const std::string& name, at::IntArrayRef shape, const Init& init) {
  if (source_ == Source::meta) return at::empty(shape, at::TensorOptions().dtype(dtype_).device(at::kMeta));
  if (source_ == Source::copies) {
    const Tensor source = host_->get(name, shape, init);
    const at::ScalarType type = source.dim() <= 1 ? at::kFloat : dtype_;
    const Tensor copy = at::empty(shape, at::TensorOptions().dtype(type).device(device_)).copy_(source);
    return meter_ ? meter_->watch(copy) : copy;
  }
  if (source_ == Source::random) return initialised(shape, init, name_seed(seed_, name)).to(device_);
  const auto found = available_.find(prefix_ + name);
  require(found != available_.end(), "{}: no tensor \"{}{}\"", origin_, prefix_, name);
  require(found->second.sizes() == shape, "{}: tensor \"{}{}\" has shape {}, but the configuration asks for {}", origin_, prefix_,
          name, fmt::format("[{}]", fmt::join(found->second.sizes(), ", ")), fmt::format("[{}]", fmt::join(shape, ", ")));
  require(at::isFloatingType(found->second.scalar_type()), "{}: tensor \"{}{}\" has type {}, expected a floating-point one",
          origin_, prefix_, name, c10::toString(found->second.scalar_type()));
  if (as_stored_) return found->second;
  if (mapped_) return borrowed_or_converted(name, found->second);
  // Always a copy: the source may be a read-only file mapping, and training updates parameters in place.
  return at::empty(shape, at::TensorOptions().dtype(dtype_).device(device_)).copy_(found->second);
}

Tensor ParameterStore::get(const std::string& name, at::IntArrayRef shape, const Init& init) {
  if (const auto known = parameters_.find(name); known != parameters_.end()) {
    require(known->second.sizes() == shape, "parameter \"{}\" is asked for twice with different shapes", name);
    return known->second;
  }
  return parameters_.emplace(name, make(name, shape, init)).first->second;
}

void ParameterStore::enable_lora(LoraOptions options, NamedTensors weights, uint64_t seed) {
  lora_options_ = std::move(options);
  lora_available_ = std::move(weights);
  lora_seed_ = seed;
}

std::optional<Lora> ParameterStore::lora(const std::string& layer, int64_t in, int64_t out) {
  if (lora_options_.rank == 0 || !ends_with_any(layer, lora_options_.targets)) return std::nullopt;
  const double alpha = lora_options_.alpha > 0 ? lora_options_.alpha : static_cast<double>(lora_options_.rank);
  const auto part = [&](const std::string& leaf, at::IntArrayRef shape, const Init& init) {
    const std::string name = layer + "." + leaf;
    if (const auto known = lora_parameters_.find(name); known != lora_parameters_.end()) return known->second;
    Tensor value;
    if (lora_available_.empty()) {
      value = initialised(shape, init, name_seed(lora_seed_, name)).to(device_);
    } else {
      const auto found = lora_available_.find(name);
      require(found != lora_available_.end(), "LoRA: no tensor \"{}\"", name);
      require(found->second.sizes() == shape, "LoRA: tensor \"{}\" has a shape that does not fit the model", name);
      value = at::empty(shape, at::TensorOptions().dtype(dtype_).device(device_)).copy_(found->second);
    }
    return lora_parameters_.emplace(name, value).first->second;
  };
  return Lora{part("lora_A.weight", {lora_options_.rank, in}, Init::fan_in(in)),
              part("lora_B.weight", {out, lora_options_.rank}, Init::zeros()), alpha / static_cast<double>(lora_options_.rank)};
}

void ParameterStore::check_all_used(const std::vector<std::string>& ignored_prefixes) const {
  std::vector<std::string> unused;
  for (const auto& [name, tensor] : available_) {
    const bool used = name.starts_with(prefix_) && parameters_.count(name.substr(prefix_.size()));
    const bool ignored = std::any_of(ignored_prefixes.begin(), ignored_prefixes.end(),
                                     [&name = name](const auto& p) { return name.starts_with(p); });
    if (!used && !ignored) unused.push_back(name);
  }
  if (unused.empty()) return;
  const size_t shown = std::min<size_t>(unused.size(), 5);
  fail("{}: {} tensors that the configuration does not know: {}{}", origin_, unused.size(),
       fmt::join(unused.begin(), unused.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
       shown < unused.size() ? ", ..." : "");
}

void ParameterStore::set_requires_grad(bool value) {
  for (auto& [name, tensor] : parameters_) tensor.set_requires_grad(value);
}

void ParameterStore::set_lora_requires_grad(bool value) {
  for (auto& [name, tensor] : lora_parameters_) tensor.set_requires_grad(value);
}

int64_t ParameterStore::parameter_count() const {
  int64_t count = 0;
  for (const auto& [name, tensor] : parameters_) count += tensor.numel();
  return count;
}

}  // namespace gsv3d::nn

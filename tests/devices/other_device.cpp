#include "other_device.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/EmptyTensor.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/unfold_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <cstdlib>
#include <mutex>

namespace gsv3d::testing {
namespace {

constexpr auto kOther = at::DeviceType::PrivateUse1;

std::mutex mutex;
std::vector<std::string> host_reads;

void note_host_read(const std::string& what) {
  const std::lock_guard lock(mutex);
  host_reads.push_back(what);
}

void release(void* memory) {
  std::free(memory);
}

struct OrdinaryMemory final : at::Allocator {
  at::DataPtr allocate(size_t bytes) override {
    void* memory = bytes > 0 ? std::aligned_alloc(64, (bytes + 63) / 64 * 64) : nullptr;
    return {memory, memory, &release, at::Device(kOther, 0)};
  }
  at::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, size_t count) const override { default_copy_data(to, from, count); }
};
OrdinaryMemory memory;
REGISTER_ALLOCATOR(kOther, &memory)

/// Everything is done when it is asked for, so that there is nothing to wait for.
struct Guard final : c10::impl::NoOpDeviceGuardImpl<kOther> {
  at::Device getDevice() const override { return {kOther, 0}; }
  at::Device exchangeDevice(at::Device) const override { return {kOther, 0}; }
  c10::Stream getStream(at::Device) const noexcept override { return c10::Stream(c10::Stream::DEFAULT, {kOther, 0}); }
  c10::Stream exchangeStream(c10::Stream) const noexcept override { return c10::Stream(c10::Stream::DEFAULT, {kOther, 0}); }
  void record(void**, const c10::Stream&, const c10::DeviceIndex, const c10::EventFlag) const override {}
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
};
C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard)

/// Random numbers are the CPU's.
struct Hooks final : at::PrivateUse1HooksInterface {
  const at::Generator& getDefaultGenerator(c10::DeviceIndex) const override { return at::detail::getDefaultCPUGenerator(); }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
};
const bool hooks_are_registered = [] {
  c10::register_privateuse1_backend("other");
  at::RegisterPrivateUse1HooksInterface(new Hooks());
  return true;
}();

constexpr c10::DispatchKeySet kKeys(c10::DispatchKey::PrivateUse1);

Tensor empty(at::IntArrayRef size, std::optional<at::ScalarType> type, std::optional<at::Layout>, std::optional<at::Device>,
             std::optional<bool>, std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(size, &memory, kKeys, type.value_or(at::kFloat), format);
}

Tensor empty_strided(at::IntArrayRef size, at::IntArrayRef stride, std::optional<at::ScalarType> type, std::optional<at::Layout>,
                     std::optional<at::Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(size, stride, &memory, kKeys, type.value_or(at::kFloat));
}

/// The same memory as a tensor of the CPU.
Tensor on_cpu(const Tensor& tensor) {
  if (tensor.is_cpu()) return tensor;
  return at::from_blob(tensor.data_ptr(), tensor.sizes(), tensor.strides(), tensor.options().device(at::kCPU));
}

thread_local bool computing = false;  // the CPU stands in for the device just now

Tensor copy_from(const Tensor& from, const Tensor& to, bool) {
  if (to.is_cpu() && !computing) note_host_read("copy");
  on_cpu(to).copy_(on_cpu(from));
  return to;
}

/// Contents are not kept: those who ask for it write everything anew.
const Tensor& resize(const Tensor& x, at::IntArrayRef size, std::optional<at::MemoryFormat>) {
  const auto bytes = static_cast<size_t>(c10::multiply_integers(size)) * x.itemsize();
  if (bytes > x.storage().nbytes()) {
    x.storage().set_data_ptr_noswap(memory.allocate(bytes));
    x.storage().set_nbytes(bytes);
  }
  x.unsafeGetTensorImpl()->set_sizes_contiguous(size);
  return x;
}

Tensor copy_from_and_resize(const Tensor& from, const Tensor& to) {
  if (to.sizes() != from.sizes()) to.resize_(from.sizes());
  return copy_from(from, to, false);
}

/// Here and on the device.
Tensor on_device(const Tensor& tensor) {
  return tensor.defined() ? tensor.to(at::Device(kOther, 0)) : tensor;
}

Tensor convolution(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias, at::IntArrayRef stride,
                   at::IntArrayRef padding, at::IntArrayRef dilation, bool transposed, at::IntArrayRef output_padding,
                   int64_t groups) {
  TORCH_CHECK(!x.is_cpu() && !weight.is_cpu() && !(bias && bias->defined() && bias->is_cpu()),
              "convolution: a tensor is on the CPU");
  const std::optional<Tensor> b = bias && bias->defined() ? std::optional(on_cpu(*bias)) : std::nullopt;
  return on_device(at::convolution(on_cpu(x), on_cpu(weight), b, stride, padding, dilation, transposed, output_padding, groups));
}

std::tuple<Tensor, Tensor, Tensor> convolution_backward(const Tensor& v, const Tensor& x, const Tensor& weight,
                                                        at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation,
                                                        bool transposed, at::IntArrayRef output_padding, int64_t groups,
                                                        std::array<bool, 3> mask) {
  TORCH_CHECK(!v.is_cpu() && !x.is_cpu() && !weight.is_cpu(), "convolution backward: a tensor is on the CPU");
  const int64_t channels = v.size(1);
  const auto all = at::convolution_backward(on_cpu(v), on_cpu(x), on_cpu(weight), at::OptionalIntArrayRef(channels), stride,
                                            padding, dilation, transposed, output_padding, groups, mask);
  return {on_device(std::get<0>(all)), on_device(std::get<1>(all)), on_device(std::get<2>(all))};
}

/// A CUDA kernel takes tensors of its device, and CPU tensors only where they are numbers.
void check_devices(const c10::OperatorHandle& op, const torch::jit::Stack& stack) {
  const size_t arguments = op.schema().arguments().size();
  const auto check = [&](const Tensor& tensor) {
    TORCH_CHECK(!tensor.defined() || tensor.device().type() == kOther || tensor.dim() == 0, op.schema().name(),
                ": a tensor of shape ", tensor.sizes(), " is on ", tensor.device(), ", others on the device");
  };
  const bool indexes = op.schema().name().find("aten::index") == 0 || op.schema().name().find("aten::_index") == 0;
  for (size_t i = stack.size() - arguments; i < stack.size(); ++i) {
    if (stack[i].isTensor()) check(stack[i].toTensor());
    if (stack[i].isTensorList())
      for (const Tensor& tensor : stack[i].toTensorVector()) check(tensor);
    // CUDA takes indices from the CPU, by copying them.
    if (stack[i].isOptionalTensorList() && !indexes) TORCH_CHECK(false, op.schema().name(), ": optional tensors are not known");
  }
}

void on_the_cpu(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  check_devices(op, *stack);
  const std::string& name = op.schema().name();
  for (const char* reader :
       {"aten::_local_scalar_dense", "aten::nonzero", "aten::masked_select", "aten::equal", "aten::unique_dim", "aten::_unique2"})
    if (name == reader) note_host_read(name);
  const bool outer = computing;
  computing = true;
  try {
    at::native::cpu_fallback(op, stack);
  } catch (...) {
    computing = outer;
    throw;
  }
  computing = outer;
}

TORCH_LIBRARY_IMPL(_, PrivateUse1, m) {
  m.fallback(torch::CppFunction::makeFromBoxedFunction<&on_the_cpu>());
}
TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  m.impl("empty.memory_format", empty);
  m.impl("empty_strided", empty_strided);
  m.impl("_copy_from", copy_from);
  m.impl("_copy_from_and_resize", copy_from_and_resize);
  m.impl("convolution_overrideable", convolution);
  m.impl("convolution_backward_overrideable", convolution_backward);
  m.impl("resize_", resize);
  m.impl("view", [](const Tensor& x, at::IntArrayRef size) { return at::native::view(x, size); });
  m.impl("as_strided", [](const Tensor& x, at::IntArrayRef size, at::IntArrayRef stride, std::optional<int64_t> offset) {
    return at::native::as_strided_tensorimpl(x, size, stride, offset);
  });
  m.impl("_reshape_alias", [](const Tensor& x, at::IntArrayRef size, at::IntArrayRef stride) {
    return at::native::_reshape_alias(x, size, stride);
  });
  m.impl("unfold", [](const Tensor& x, int64_t dimension, int64_t size, int64_t step) {
    return at::native::unfold(x, dimension, size, step);
  });
}

}  // namespace

std::vector<std::string> take_host_reads() {
  const std::lock_guard lock(mutex);
  return std::exchange(host_reads, {});
}

}  // namespace gsv3d::testing

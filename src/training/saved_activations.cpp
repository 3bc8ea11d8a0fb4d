#include "training/saved_activations.h"

#include <ATen/record_function.h>

#include <unordered_map>

namespace gsv3d {
namespace {

/// Weak references keep a storage's place from being used again, so one that is gone is told from a new one.
struct Seen {
  c10::weak_intrusive_ptr<c10::StorageImpl> storage;
  bool made = false;  // an operator's result before it was an operator's argument
};
thread_local std::unordered_map<const c10::StorageImpl*, Seen>* seen_storages = nullptr;

void note(const c10::IValue& value, bool made) {
  if (value.isTensor()) {
    const Tensor& tensor = value.toTensor();
    if (!tensor.defined() || !tensor.has_storage()) return;
    const c10::Storage& storage = tensor.storage();
    seen_storages->try_emplace(storage.unsafeGetStorageImpl(), Seen{storage.getWeakStorageImpl(), made});
  } else if (value.isTensorList()) {
    for (const Tensor& tensor : value.toTensorVector()) note(tensor, made);
  }
}

}  // namespace

int64_t saved_bytes(const std::function<std::vector<Tensor>()>& forward) {
  std::unordered_map<const c10::StorageImpl*, Seen> storages;
  seen_storages = &storages;
  const at::CallbackHandle handle =
      at::addThreadLocalCallback(at::RecordFunctionCallback(
                                     [](const at::RecordFunction& call) -> std::unique_ptr<at::ObserverContext> {
                                       for (const c10::IValue& input : call.inputs()) note(input, false);
                                       return nullptr;
                                     },
                                     [](const at::RecordFunction& call, at::ObserverContext*) {
                                       for (const c10::IValue& output : call.outputs()) note(output, true);
                                     })
                                     .needsInputs(true)
                                     .needsOutputs(true)
                                     .scopes({at::RecordScope::FUNCTION}));
  struct Removal {
    at::CallbackHandle handle;
    ~Removal() {
      at::removeCallback(handle);
      seen_storages = nullptr;
    }
  } const removal{handle};
  const std::vector<Tensor> results = forward();
  int64_t bytes = 0;
  for (const auto& [address, seen] : storages)
    if (const auto storage = seen.storage.lock(); storage && seen.made) bytes += static_cast<int64_t>(storage->nbytes());
  return bytes;
}

}  // namespace gsv3d

#include "training/activation_bytes.h"

#include <ATen/record_function.h>

#include <algorithm>
#include <map>
#include <unordered_map>

namespace gsv3d {
namespace {

/// The storages that operators have seen, in the order of their calls.
class Ledger {
 public:
  /// Arguments count where our own code calls: within an operator, a result is passed on while it is being made.
  void begin(const at::RecordFunction& call) {
    if (depth_++ > 0) return;
    for (const c10::IValue& input : call.inputs()) note(input, false);
  }
  void end(const at::RecordFunction& call) {
    --depth_;
    for (const c10::IValue& output : call.outputs()) note(output, true);
    look();
  }

  void note(const c10::IValue& value, bool made) {
    if (value.isTensor()) {
      note(value.toTensor(), made);
    } else if (value.isTensorList()) {
      for (const Tensor& tensor : value.toTensorVector()) note(tensor, made);
    }
  }

  /// After a call: finds out what has grown, since results may begin empty, and what is gone.
  void look() {
    ++calls_;
    std::erase_if(alive_, [this](Storage* storage) {
      if (const auto now = storage->weak.lock()) {
        storage->bytes = static_cast<int64_t>(now->nbytes());
        return false;
      }
      gone_.push_back({storage->born, calls_, storage->bytes});
      return true;
    });
  }

  ActivationBytes count() const {
    ActivationBytes bytes;
    for (const Storage* storage : alive_) bytes.kept += storage->bytes;
    std::map<int64_t, int64_t> changes;
    for (const auto& [born, died, size] : gone_) changes[born] += size, changes[died] -= size;
    int64_t now = 0;
    for (const auto& [call, change] : changes) bytes.passing = std::max(bytes.passing, now += change);
    return bytes;
  }

 private:
  /// A weak reference keeps a storage's place from being used again, so one that is gone is told from a new one.
  struct Storage {
    c10::weak_intrusive_ptr<c10::StorageImpl> weak;
    int64_t born, bytes;
  };
  struct Gone {
    int64_t born, died, bytes;
  };

  /// A storage that is an argument before it is a result was there before.
  void note(const Tensor& tensor, bool made) {
    if (!tensor.defined() || !tensor.has_storage()) return;
    const c10::Storage& storage = tensor.storage();
    const auto [place, is_new] = seen_.try_emplace(
        storage.unsafeGetStorageImpl(), Storage{storage.getWeakStorageImpl(), calls_, static_cast<int64_t>(storage.nbytes())});
    if (is_new && made) alive_.push_back(&place->second);
  }

  std::unordered_map<const c10::StorageImpl*, Storage> seen_;
  std::vector<Storage*> alive_;  // of those that operators made
  std::vector<Gone> gone_;
  int64_t calls_ = 0, depth_ = 0;
};

thread_local Ledger* ledger = nullptr;

}  // namespace

ActivationBytes activation_bytes(const std::function<std::vector<Tensor>()>& forward) {
  Ledger own;
  ledger = &own;
  const at::CallbackHandle handle =
      at::addThreadLocalCallback(at::RecordFunctionCallback(
                                     [](const at::RecordFunction& call) -> std::unique_ptr<at::ObserverContext> {
                                       ledger->begin(call);
                                       return nullptr;
                                     },
                                     [](const at::RecordFunction& call, at::ObserverContext*) { ledger->end(call); })
                                     .needsInputs(true)
                                     .needsOutputs(true)
                                     .scopes({at::RecordScope::FUNCTION}));
  struct Removal {
    at::CallbackHandle handle;
    ~Removal() {
      at::removeCallback(handle);
      ledger = nullptr;
    }
  } const removal{handle};
  const std::vector<Tensor> results = forward();
  own.look();
  return own.count();
}

}  // namespace gsv3d

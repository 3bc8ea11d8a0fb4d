// The engine below ProcessGroup: LibTorch's c10d. Its package for every platform of ours contains Gloo and the store by which
// processes meet, and that for CUDA also NCCL, so nothing has to be installed.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include "training/process_group.h"

#ifdef GSV3D_HAS_C10D
#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#ifdef GSV3D_HAS_NCCL
#define USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif
#endif

namespace gsv3d {

#ifdef GSV3D_HAS_C10D
namespace {

constexpr std::chrono::hours kStep{1};          // a process that hangs without having lost its connections
constexpr std::chrono::hours kBarrier{7 * 24};  // the first process may encode all views meanwhile

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "localhost";
}

/// A socket that only this machine can reach, for jobs on one machine.
int listen_on_loopback(int64_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool listens =
      ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 && ::listen(socket, 128) == 0;
  if (!listens) ::close(socket);
  require(listens, "port {} of this machine is taken: set MASTER_PORT to another one", port);
  return socket;
}

c10::intrusive_ptr<c10d::Store> meet(const JobPlace& place) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(place.port);
  // torchrun's agent serves the store itself, and says so.
  const char* served = std::getenv("TORCHELASTIC_USE_AGENT_STORE");
  options.isServer = place.rank == 0 && !(served && std::string_view(served) == "True");
  options.numWorkers = static_cast<size_t>(place.size);
  options.timeout = std::chrono::seconds(place.meeting_seconds);
  options.useLibUV = false;
  // Both for this machine only, where it is enough.
  const std::string host = is_loopback(place.address) ? "127.0.0.1" : place.address;
  if (options.isServer && is_loopback(host)) options.masterListenFd = listen_on_loopback(place.port);
  const char* restarts = std::getenv("TORCHELASTIC_RESTART_COUNT");
  return c10::make_intrusive<c10d::PrefixStore>(fmt::format("gsv3d-{}", restarts ? restarts : "0"),
                                                c10::make_intrusive<c10d::TCPStore>(host, options));
}

c10::intrusive_ptr<c10d::Backend> make_gloo(const JobPlace& place, const c10::intrusive_ptr<c10d::Store>& store) {
  using c10d::ProcessGroupGloo;
  const auto options = ProcessGroupGloo::Options::create(kStep);
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  options->devices.push_back(is_loopback(place.address) ? ProcessGroupGloo::createDeviceForHostname("127.0.0.1")
                             : interface                ? ProcessGroupGloo::createDeviceForInterface(interface)
                                                        : ProcessGroupGloo::createDefaultDevice());
  return c10::make_intrusive<ProcessGroupGloo>(c10::make_intrusive<c10d::PrefixStore>("gloo", store),
                                               static_cast<int>(place.rank), static_cast<int>(place.size), options);
}

/// None: tensors of the device go through the host's memory.
c10::intrusive_ptr<c10d::Backend> make_nccl([[maybe_unused]] const JobPlace& place,
                                            [[maybe_unused]] const c10::intrusive_ptr<c10d::Store>& store, at::Device device) {
#ifdef GSV3D_HAS_NCCL
  if (device.is_cuda()) {
    const auto options = c10d::ProcessGroupNCCL::Options::create();
    options->timeout = kStep;
    return c10::make_intrusive<c10d::ProcessGroupNCCL>(c10::make_intrusive<c10d::PrefixStore>("nccl", store),
                                                       static_cast<int>(place.rank), static_cast<int>(place.size), options);
  }
#endif
  (void)device;
  return {};
}

class C10dGroup : public ProcessGroup {
 public:
  C10dGroup(const JobPlace& place, at::Device device)
      : ProcessGroup(place.rank, place.size),
        store_(meet(place)),
        host_(make_gloo(place, store_)),
        device_(make_nccl(place, store_, device)) {}

  std::function<void()> begin_sum(const Tensor& tensor) override {
    std::vector<Tensor> tensors = {exchanged(tensor)};
    const auto work = guarded([&] { return engine(tensors[0]).allreduce(tensors); });
    return [this, work, tensor, sum = tensors[0]] {
      guarded([&] { return work->wait(); });
      if (!sum.is_same(tensor)) tensor.copy_(sum);
    };
  }

  void broadcast(const std::vector<Tensor>& tensors, int64_t from) override {
    c10d::BroadcastOptions options;
    options.rootRank = from;
    for (const Tensor& tensor : tensors) {
      std::vector<Tensor> one = {exchanged(tensor)};
      guarded([&] { return engine(one[0]).broadcast(one, options)->wait(); });
      if (!one[0].is_same(tensor)) tensor.copy_(one[0]);
    }
  }

  void barrier() override {
    c10d::BarrierOptions options;
    options.timeout = kBarrier;
    guarded([&] { return host_->barrier(options)->wait(); });
  }

 private:
  /// The tensor itself, or a copy where the engine reaches it.
  Tensor exchanged(const Tensor& tensor) const { return device_ || tensor.is_cpu() ? tensor : tensor.cpu(); }
  c10d::Backend& engine(const Tensor& tensor) const { return tensor.is_cpu() ? *host_ : *device_; }

  template <class Work>
  auto guarded(const Work& work) -> decltype(work()) {
    try {
      return work();
    } catch (const std::exception& error) {
      std::string text = error.what();
      if (text.starts_with("[")) text.erase(0, text.find("] ") + 2);  // where in Gloo's source
      if (device_) device_->abort();
      fail(
          "process {} of {} lost another one of them, which has ended or cannot be reached; the same command goes on from the "
          "last "
          "checkpoint ({})",
          rank(), size(), text.substr(0, text.find(". This is")));
    }
  }

  c10::intrusive_ptr<c10d::Store> store_;
  c10::intrusive_ptr<c10d::Backend> host_, device_;
};

}  // namespace

std::shared_ptr<ProcessGroup> join_group(const JobPlace& place, at::Device device) {
  if (place.size == 1) return std::make_shared<ProcessGroup>();
  try {
    return std::make_shared<C10dGroup>(place, device);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    const std::string text = error.what();
    fail("process {} did not meet the other {} at {}:{} ({}; {})", place.rank, place.size - 1, place.address, place.port,
         place.source, text.substr(0, text.find('\n')));
  }
}
#ifdef GSV3D_HAS_NCCL
const char* group_engines() {
  return "Gloo, NCCL";
}
#else
const char* group_engines() {
  return "Gloo";
}
#endif

#else

std::shared_ptr<ProcessGroup> join_group(const JobPlace& place, at::Device) {
  require(place.size == 1, "{} says that {} processes work together, but this program was built without (GSV3D_WITH_C10D)",
          place.source, place.size);
  return std::make_shared<ProcessGroup>();
}
const char* group_engines() {
  return "none";
}

#endif

}  // namespace gsv3d

#include "cuda_emulation.h"

#include <ucontext.h>

#include <exception>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <vector>

namespace cuda_emulation {

Index thread_index, block_index;

namespace {

constexpr int kWarp = 32;
constexpr size_t kStackBytes = 64 << 10;

/// What the threads of a group bring to a barrier. Two sets of values: no thread reaches the barrier after next before all have
/// read.
struct Meeting {
  std::vector<uint64_t> values[2];
  int arrived = 0;
  unsigned generation = 0;
};

struct Fiber {
  ucontext_t context;
  std::unique_ptr<char[]> stack{new char[kStackBytes]};
  bool finished = false;
  const Meeting* waits_for = nullptr;
  unsigned waits_generation = 0;
};

ucontext_t scheduler;
std::vector<std::unique_ptr<Fiber>> fibers;
std::vector<Meeting> warps;
Meeting whole_block;
int block_threads = 0;
const std::function<void()>* block_body = nullptr;
std::exception_ptr failure;
std::minstd_rand order_generator(1);

Fiber& current() {
  return *fibers[thread_index.x];
}

void fiber_main() {
  try {
    (*block_body)();
  } catch (...) {
    failure = std::current_exception();
  }
  current().finished = true;
}

/// Leaves a value and waits for the others; → everyone's values.
const std::vector<uint64_t>& meet(Meeting& meeting, int place, int count, uint64_t value) {
  auto& values = meeting.values[meeting.generation % 2];
  values.resize(count);
  values[place] = value;
  const unsigned generation = meeting.generation;
  if (++meeting.arrived == count) {
    meeting.arrived = 0;
    ++meeting.generation;
  } else {
    Fiber& fiber = current();
    fiber.waits_for = &meeting;
    fiber.waits_generation = generation;
    swapcontext(&fiber.context, &scheduler);
    fiber.waits_for = nullptr;
  }
  return values;
}

void start(Fiber& fiber) {
  fiber.finished = false;
  fiber.waits_for = nullptr;
  getcontext(&fiber.context);
  fiber.context.uc_stack.ss_sp = fiber.stack.get();
  fiber.context.uc_stack.ss_size = kStackBytes;
  fiber.context.uc_link = &scheduler;
  makecontext(&fiber.context, fiber_main, 0);
}

}  // namespace

void set_seed(unsigned seed) {
  order_generator.seed(seed);
}

int lane() {
  return static_cast<int>(thread_index.x) % kWarp;
}

bool block_all(bool value) {
  const auto& values = meet(whole_block, static_cast<int>(thread_index.x), block_threads, value);
  return std::all_of(values.begin(), values.end(), [](uint64_t v) { return v != 0; });
}

const uint64_t* exchange(uint64_t value) {
  return meet(warps[thread_index.x / kWarp], lane(), kWarp, value).data();
}

void run_block(unsigned block, int threads, const std::function<void()>& body) {
  block_index.x = block;
  block_threads = threads;
  block_body = &body;
  failure = nullptr;
  while (static_cast<int>(fibers.size()) < threads) fibers.push_back(std::make_unique<Fiber>());
  warps.assign(threads / kWarp, {});
  whole_block = {};
  for (int i = 0; i < threads; ++i) start(*fibers[i]);
  std::vector<unsigned> order(threads);
  std::iota(order.begin(), order.end(), 0u);
  std::shuffle(order.begin(), order.end(), order_generator);
  for (bool running = true; running;) {
    running = false;
    bool moved = false;
    for (const unsigned i : order) {
      Fiber& fiber = *fibers[i];
      if (fiber.finished) continue;
      running = true;
      if (fiber.waits_for && fiber.waits_for->generation == fiber.waits_generation) continue;
      moved = true;
      thread_index.x = i;
      swapcontext(&scheduler, &fiber.context);
      if (failure) std::rethrow_exception(failure);
    }
    if (running && !moved) throw std::logic_error("the threads of a block wait for each other forever");
  }
}

}  // namespace cuda_emulation

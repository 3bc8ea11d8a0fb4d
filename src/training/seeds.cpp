#include "training/seeds.h"

#include "core/fingerprint.h"

namespace gsv3d {
namespace {

uint64_t mixed(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ull;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebull;
  return value ^ (value >> 31);
}

}  // namespace

uint64_t step_seed(uint64_t seed, int64_t step, std::string_view purpose) {
  const uint64_t name = fingerprint(purpose);
  return mixed(mixed(mixed(seed + 0x9e3779b97f4a7c15ull) ^ static_cast<uint64_t>(step)) ^ name);
}

}  // namespace gsv3d

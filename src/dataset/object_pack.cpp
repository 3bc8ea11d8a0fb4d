#include "dataset/object_pack.h"
#include "core/error.h"
namespace gsv3d {
int64_t write_object_pack(const std::filesystem::path&, const std::vector<ObjectEntry>&, const PackOptions&) { fail("not yet"); }
bool is_object_pack(const std::filesystem::path&) { return false; }
std::vector<ObjectEntry> list_pack(const std::filesystem::path&) { fail("not yet"); }
}

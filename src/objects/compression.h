// zstd (https://facebook.github.io/zstd) for shards and packs.
#pragma once

#include <string>
#include <string_view>

namespace gsv3d {

std::string compress(std::string_view bytes, int level);

/// Exactly `size` bytes, or Error: a frame that claims or yields another size is damaged. `where` begins the message.
std::string decompress(std::string_view bytes, size_t size, const std::string& where);

}  // namespace gsv3d

#include "rasterizer/cuda/tile_lists.h"

#include <bit>
#include <limits>

#include "core/error.h"
#include "rasterizer/math/camera_view.h"

namespace gsv3d::splat_cuda {
namespace {

template <class T>
T* data(const Tensor& tensor) {
  return tensor.defined() ? reinterpret_cast<T*>(tensor.data_ptr()) : nullptr;
}

Tensor ints(int64_t count, const Tensor& like) {
  return at::empty({count}, like.options().dtype(at::kInt));
}

/// The two buffers that a sort goes back and forth between.
struct Sortable {
  Tensor keys[2], values[2];
  int result = 0;

  Sortable(int64_t count, const Tensor& like)
      : keys{ints(count, like), ints(count, like)}, values{ints(count, like), ints(count, like)} {}

  void sort(int bits, Stream stream) {
    const int64_t count = keys[0].size(0);
    if (count == 0) return;
    size_t bytes = 0;
    check(sort_workspace(count, bits, &bytes), "sorting");
    const Tensor workspace = at::empty({static_cast<int64_t>(bytes)}, keys[0].options().dtype(at::kByte));
    const SortBuffers buffers = {{data<uint32_t>(keys[0]), data<uint32_t>(keys[1])},
                                 {data<uint32_t>(values[0]), data<uint32_t>(values[1])}};
    check(sort_pairs(workspace.data_ptr(), bytes, buffers, count, bits, &result, stream), "sorting");
  }
};

/// first_pairs [N + 2]: running sums of the splats' tile counts in the order of depth, their total, and room for the cameras'
/// fault.
void sum_counts(const Tensor& order, const Tensor& tile_counts, const Tensor& first_pairs, Stream stream) {
  const int64_t splats = tile_counts.size(0);
  const Tensor ordered = ints(splats + 1, tile_counts);
  check(order_counts(data<uint32_t>(order), data<int32_t>(tile_counts), splats, data<int32_t>(ordered), stream), "counting");
  size_t bytes = 0;
  check(exclusive_sum_workspace(splats + 1, &bytes), "counting");
  const Tensor workspace = at::empty({static_cast<int64_t>(bytes)}, ordered.options().dtype(at::kByte));
  check(exclusive_sum(workspace.data_ptr(), bytes, data<int32_t>(ordered), data<int64_t>(first_pairs), splats + 1, stream),
        "counting");
}

/// `fault` is make_views': 0 or 4·(view + 1) + ViewState.
void require_good_cameras(int64_t fault) {
  const auto state = static_cast<splat_math::ViewState>(fault % 4);
  require(state != splat_math::ViewState::kBadFocalLength, "rasterize: the focal lengths of camera {} must be positive",
          fault / 4 - 1);
  require(state != splat_math::ViewState::kNotInvertible, "rasterize: the world_to_camera matrix of camera {} cannot be inverted",
          fault / 4 - 1);
}

/// → the number of pairs. The only wait for the GPU.
int64_t read_pair_count(const Tensor& first_pairs, Stream stream) {
  int64_t total_and_fault[2];
  check(read_back(total_and_fault, data<int64_t>(first_pairs) + first_pairs.size(0) - 2, sizeof(total_and_fault), stream),
        "projection");
  require_good_cameras(total_and_fault[1]);
  require(total_and_fault[0] <= std::numeric_limits<int32_t>::max(),
          "rasterize: more than 2^31 pairs of Gaussian and image tile; render fewer cameras at once");
  return total_and_fault[0];
}

/// The scenes' table, on the CPU.
Tensor scene_blocks(const Tensor& scenes, ProjectionInputs& in) {
  const int64_t count = scenes.size(0);
  const Tensor table = at::empty({count, kSceneBlocksInts}, at::kLong);
  const auto* ranges = data<const SceneRange>(scenes);
  auto* blocks = data<SceneBlocks>(table);
  in.chunk_count = in.block_count = in.splat_count = 0;
  for (int64_t i = 0; i < count; ++i) {
    blocks[i] = {ranges[i], in.chunk_count, in.block_count};
    in.chunk_count += blocks[i].chunks();
    in.block_count += blocks[i].blocks();
    in.splat_count += ranges[i].gaussians() * ranges[i].views();
  }
  in.scene_count = static_cast<int>(count);
  in.view_count = count ? ranges[count - 1].view_end : 0;
  return table;
}

}  // namespace

void check(Status status, const char* what) {
  require(status == 0, "rasterize: {} on the GPU failed: {}", what, status_text(status));
}

Scene::Scene(const RasterizeTensors& t, const Tensor& view_memory, int64_t width, int64_t height, bool antialiased)
    : views(view_memory), inputs() {
  // Not blocking: the copy is staged before this returns, and nobody waits for the GPU.
  blocks = scene_blocks(t.scenes, inputs).to(t.means.device(), at::kLong, /*non_blocking=*/true);
  const int sh_count = t.colors.dim() == 3 ? static_cast<int>(t.colors.size(1)) : 0;
  inputs.gaussians = {data<float>(t.means),     data<float>(t.quats),  data<float>(t.scales),
                      data<float>(t.opacities), data<float>(t.colors), sh_count};
  inputs.scenes = data<SceneBlocks>(blocks);
  inputs.views = data<View>(views);
  inputs.grid = Grid(static_cast<int>(width), static_cast<int>(height));
  inputs.antialiased = antialiased;
}

BlendInputs TileLists::blending(const Scene& scene, const Tensor& backgrounds) const {
  return {.splats = data<float4>(splats),
          .entries = data<uint32_t>(entries),
          .tile_offsets = data<int32_t>(tile_offsets),
          .backgrounds = data<float>(backgrounds),
          .view_count = scene.inputs.view_count,
          .grid = scene.inputs.grid};
}

TileLists make_tile_lists(const RasterizeTensors& t, const Scene& scene, const RasterizeOptions& options,
                          bool deterministic_gradients, Stream stream) {
  const auto& in = scene.inputs;
  const int64_t splats = in.splat_count, tiles = in.view_count * in.grid.tiles();
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  require(splats < kMost && tiles < kMost, "rasterize: {} Gaussians in all cameras and {} image tiles are too many for one call",
          splats, tiles);
  TileLists lists;
  lists.splats = at::empty({splats, splat_math::kSplatFloats}, t.means.options());
  lists.tile_counts = ints(splats, t.means);
  const Tensor first_pairs = at::empty({splats + 2}, t.means.options().dtype(at::kLong));
  check(make_views(data<float>(t.world_to_camera), data<float>(t.intrinsics), in.view_count, data<View>(scene.views),
                   data<int64_t>(first_pairs) + splats + 1, stream),
        "preparing cameras");
  Sortable by_depth(splats, t.means);
  check(project_forward(in, static_cast<float>(options.near_plane), static_cast<float>(options.far_plane),
                        {data<float4>(lists.splats), data<uint32_t>(by_depth.keys[0]), data<uint32_t>(by_depth.values[0]),
                         data<int32_t>(lists.tile_counts)},
                        stream),
        "projection");
  by_depth.sort(32, stream);
  const Tensor order = by_depth.values[by_depth.result];
  sum_counts(order, lists.tile_counts, first_pairs, stream);
  const int64_t pairs = read_pair_count(first_pairs, stream);

  Sortable by_tile(pairs, t.means);
  Tensor slot_splats;
  if (deterministic_gradients) slot_splats = ints(pairs, t.means), lists.first_slots = ints(splats, t.means);
  check(emit_pairs({data<float4>(lists.splats), data<uint32_t>(order), data<int64_t>(first_pairs), splats, in.scenes,
                    in.scene_count, in.grid},
                   {data<uint32_t>(by_tile.keys[0]), data<uint32_t>(by_tile.values[0]), data<uint32_t>(slot_splats),
                    data<int32_t>(lists.first_slots)},
                   stream),
        "listing tiles");
  by_tile.sort(std::max<int>(1, std::bit_width(static_cast<uint64_t>(std::max<int64_t>(tiles - 1, 0)))), stream);
  lists.tile_offsets = ints(tiles + 1, t.means);
  check(find_tiles(data<uint32_t>(by_tile.keys[by_tile.result]), pairs, tiles, data<int32_t>(lists.tile_offsets), stream),
        "listing tiles");
  lists.entries = by_tile.values[by_tile.result];
  if (deterministic_gradients) {
    lists.slots = lists.entries;
    lists.entries = by_tile.values[1 - by_tile.result];
    check(resolve_slots(data<uint32_t>(lists.slots), data<uint32_t>(slot_splats), pairs, data<uint32_t>(lists.entries), stream),
          "listing tiles");
  }
  return lists;
}

}  // namespace gsv3d::splat_cuda

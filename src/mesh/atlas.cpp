#include "mesh/atlas.h"

#include <memory>

#include "core/cancel.h"
#include "core/error.h"
#ifdef GSV3D_WITH_MESH_LIBRARIES
#include <xatlas.h>
#endif

namespace gsv3d {

#ifdef GSV3D_WITH_MESH_LIBRARIES

bool has_mesh_libraries() {
  return true;
}

namespace {

/// Copies xatlas' vertices and triangles back; coordinates are divided by the larger side of what it packed into.
Mesh unwrapped(const Mesh& mesh, const xatlas::Atlas& atlas) {
  Mesh result;
  const xatlas::Mesh& output = atlas.meshes[0];
  const float scale = 1 / static_cast<float>(std::max(atlas.width, atlas.height));
  for (uint32_t i = 0; i < output.vertexCount; ++i) {
    const xatlas::Vertex& vertex = output.vertexArray[i];
    result.positions.push_back(mesh.positions[vertex.xref]);
    if (!mesh.normals.empty()) result.normals.push_back(mesh.normals[vertex.xref]);
    result.uvs.push_back({std::clamp(vertex.uv[0] * scale, 0.0F, 1.0F), std::clamp(vertex.uv[1] * scale, 0.0F, 1.0F)});
  }
  for (uint32_t i = 0; i < output.indexCount; i += 3)
    result.triangles.push_back({output.indexArray[i], output.indexArray[i + 1], output.indexArray[i + 2]});
  return result;
}

/// Packs the charts as large as they fit into one square picture. xatlas' own guess of the scale leaves the picture half empty or
/// needs a larger one, so larger and smaller ones are tried around it.
void pack_tightly(xatlas::Atlas& atlas, xatlas::PackOptions packing) {
  constexpr float kStep = 1.03F;
  const uint32_t side = packing.resolution;
  packing.resolution = 0;
  packing.texelsPerUnit = 0;
  const auto pack = [&](float scale) {
    packing.texelsPerUnit = scale;
    xatlas::PackCharts(&atlas, packing);
    throw_if_cancelled();
    return atlas.atlasCount == 1;
  };
  pack(0);
  packing.resolution = side;
  float scale = atlas.texelsPerUnit * static_cast<float>(side) /
                std::sqrt(static_cast<float>(atlas.width) * static_cast<float>(atlas.height));
  if (pack(scale)) {
    while (pack(scale * kStep)) scale *= kStep;
  } else {
    for (float step = kStep; !pack(scale /= step); step = 1 + 1.1F * (step - 1))
      require(scale > 1e-6F, "mesh: the surface could not be laid flat into one texture");
  }
  // Which charts fit is a matter of luck, too: a somewhat larger scale may fit where a smaller one did not.
  float best = scale;
  for (const float larger : {1.01F, 1.02F, 1.04F, 1.05F, 1.06F, 1.07F, 1.08F})
    if (pack(scale * larger)) best = scale * larger;
  pack(best);
}

}  // namespace

void unwrap(Mesh& mesh, int64_t texture_size, const PercentProgress& on_progress) {
  require(texture_size >= 16 && texture_size <= 8192, "mesh: a texture of {} pixels is not within 16 to 8192", texture_size);
  const std::unique_ptr<xatlas::Atlas, decltype(&xatlas::Destroy)> atlas(xatlas::Create(), xatlas::Destroy);
  xatlas::SetProgressCallback(
      atlas.get(),
      [](xatlas::ProgressCategory category, int percent, void* data) {
        // Charts take most of the time; packing is tried several times.
        const auto& report = *static_cast<const PercentProgress*>(data);
        if (report && category == xatlas::ProgressCategory::ComputeCharts) report(percent);
        return !cancel_requested();
      },
      const_cast<PercentProgress*>(&on_progress));
  xatlas::MeshDecl input;
  input.vertexPositionData = mesh.positions.data();
  input.vertexPositionStride = sizeof(Vector3);
  input.vertexCount = static_cast<uint32_t>(mesh.positions.size());
  input.indexData = mesh.triangles.data();
  input.indexCount = static_cast<uint32_t>(3 * mesh.triangles.size());
  input.indexFormat = xatlas::IndexFormat::UInt32;
  const xatlas::AddMeshError error = xatlas::AddMesh(atlas.get(), input);
  require(error == xatlas::AddMeshError::Success, "mesh: no texture coordinates: {}", xatlas::StringForEnum(error));
  xatlas::PackOptions packing;
  packing.resolution = static_cast<uint32_t>(texture_size);
  packing.padding = 2;
  packing.blockAlign = true;  // packs several times faster
  xatlas::ComputeCharts(atlas.get());
  throw_if_cancelled();
  pack_tightly(*atlas, packing);
  throw_if_cancelled();
  require(atlas->meshCount == 1 && atlas->width > 0 && atlas->height > 0 && atlas->atlasCount == 1,
          "mesh: the surface could not be laid flat into one texture");
  Mesh result = unwrapped(mesh, *atlas);
  mesh = std::move(result);
}

#else

bool has_mesh_libraries() {
  return false;
}

void unwrap(Mesh&, int64_t, const PercentProgress&) {
  fail("this build cannot texture meshes: it was made without meshoptimizer and xatlas (GSV3D_WITH_MESH_LIBRARIES)");
}

#endif

}  // namespace gsv3d

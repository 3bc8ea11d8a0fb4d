// Mesh files for other programs. All are written whole or not at all.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mesh/mesh.h"

namespace gsv3d {

enum class MeshFormat { kGlb, kObj, kPly, kStl };

/// By the extension: .glb, .obj, .ply or .stl, in any case. Throws UsageError naming them for another one.
MeshFormat mesh_format(const std::filesystem::path& path);

/// In the format of the file's extension; positions as they are (mesh/physical_size.h makes them what the format wants), and
/// the mesh's unit and axes are named in the file. Throws UsageError for another extension; Error when a number is not finite
/// or the file cannot be written.
void write_mesh(const std::filesystem::path& path, const Mesh& mesh);

/// Throws Error naming `path` when the mesh is empty, names vertices it does not have, or holds numbers that are not finite.
void check_mesh(const Mesh& mesh, const std::filesystem::path& path);

/// Binary glTF 2.0: one rough, not metallic material, the texture embedded as PNG. glTF's axes are ours (+Y up, front +Z).
/// asset.extras names unit and size. Throws Error for a mesh that is turned.
void write_glb(const std::filesystem::path& path, const Mesh& mesh);

/// Wavefront OBJ, NAME.mtl and NAME.png beside it.
void write_obj(const std::filesystem::path& path, const Mesh& mesh);

/// Binary little-endian PLY: position, normal and the texture's colour at every vertex. Without texture coordinates:
/// programs that find some look for a picture and leave the colours out.
void write_mesh_ply(const std::filesystem::path& path, const Mesh& mesh);

/// Binary STL, the format of 3D printing: triangles only. Programs for printers read millimetres and +Z up.
void write_stl(const std::filesystem::path& path, const Mesh& mesh);

}  // namespace gsv3d

// Mesh files for other programs. All are written whole or not at all.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mesh/mesh.h"

namespace gsv3d {

/// By the file's extension: .glb, .obj, .ply or .stl. Throws UsageError naming them for another one; Error when a number is not
/// finite or the file cannot be written.
void write_mesh(const std::filesystem::path& path, const Mesh& mesh);

/// Throws UsageError unless write_mesh knows the path's extension.
void check_mesh_extension(const std::filesystem::path& path);

/// Throws Error naming `path` when the mesh is empty, names vertices it does not have, or holds numbers that are not finite.
void check_mesh(const Mesh& mesh, const std::filesystem::path& path);

/// True for formats that hold colours: .glb and .obj as a texture, .ply at the vertices.
bool holds_colors(const std::filesystem::path& path);

/// Binary glTF 2.0: one rough, not metallic material, the texture embedded as PNG. glTF's axes are ours (+Y up, front +Z).
void write_glb(const std::filesystem::path& path, const Mesh& mesh);

/// Wavefront OBJ, NAME.mtl and NAME.png beside it. +Y up.
void write_obj(const std::filesystem::path& path, const Mesh& mesh);

/// Binary little-endian PLY: position, normal and the texture's colour at every vertex. Without texture coordinates:
/// programs that find some look for a picture and leave the colours out.
void write_mesh_ply(const std::filesystem::path& path, const Mesh& mesh);

/// Binary STL, the format of 3D printing: triangles only. Printers' programs want +Z up, so the object is turned there.
void write_stl(const std::filesystem::path& path, const Mesh& mesh);

}  // namespace gsv3d

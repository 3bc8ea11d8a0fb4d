#!/usr/bin/env bash
# Checks meshes as other programs see them: one closed piece, manifold, nothing crossing, in trimesh, Open3D and PyMeshLab, and with
# PrusaSlicer's own repair report where it is installed. For files of "gsv3d mesh --watertight".
#   scripts/check_mesh.sh [--tools] FILE...
# --tools installs the Python packages into .cache/mesh_tools first (some 1.5 GB with Blender's module for scripts/light_mesh.py).
# GSV3D_MESH_PYTHON names another Python that has them. Exits 77 (skipped) without the packages.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
python=${GSV3D_MESH_PYTHON:-$root/.cache/mesh_tools/bin/python}
if [ "${1:-}" = --tools ]; then
  shift
  python3 -m venv "$root/.cache/mesh_tools"
  "$root/.cache/mesh_tools/bin/pip" install --quiet trimesh open3d pymeshlab bpy
fi
if ! "$python" -c "import trimesh, open3d, pymeshlab"; then
  echo "check_mesh: skipped, trimesh, Open3D and PyMeshLab are not there (scripts/check_mesh.sh --tools installs them)" >&2
  exit 77
fi
status=0
"$python" - "$@" <<'SCRIPT' || status=1
import sys

import open3d
import pymeshlab
import trimesh

failed = False
for path in sys.argv[1:]:
    mesh = trimesh.load(path, force="mesh", process=False)
    mesh = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    mesh.merge_vertices(merge_tex=True, merge_norm=True)
    solid = open3d.geometry.TriangleMesh(
        open3d.utility.Vector3dVector(mesh.vertices), open3d.utility.Vector3iVector(mesh.faces)
    )
    lab = pymeshlab.MeshSet(verbose=False)
    lab.add_mesh(pymeshlab.Mesh(mesh.vertices, mesh.faces))
    shape = lab.get_topological_measures()
    lab.compute_selection_by_self_intersections_per_face()
    crossing = lab.current_mesh().selected_face_number()
    checks = {
        "trimesh watertight": mesh.is_watertight and mesh.is_winding_consistent,
        "trimesh volume": mesh.volume > 0,
        "Open3D edge manifold": solid.is_edge_manifold(allow_boundary_edges=False),
        "Open3D vertex manifold": solid.is_vertex_manifold(),
        "Open3D not self-intersecting": not solid.is_self_intersecting(),
        "PyMeshLab one piece": shape["connected_components_number"] == 1,
        "PyMeshLab manifold": shape["is_mesh_two_manifold"],
        "PyMeshLab no crossing faces": crossing == 0,
    }
    wrong = [name for name, right in checks.items() if not right]
    failed = failed or bool(wrong)
    print(f"{path}: {len(mesh.faces)} triangles, Euler number {mesh.euler_number}: {'wrong: ' + ', '.join(wrong) if wrong else 'right'}")
sys.exit(failed)
SCRIPT
if command -v prusa-slicer >/dev/null; then
  for file in "$@"; do
    prusa-slicer --info "$file" | grep -E "manifold|open_edges|facets_" || true
    prusa-slicer --info "$file" | grep -q "manifold = yes" || status=1
  done
fi
exit $status

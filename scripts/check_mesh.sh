#!/usr/bin/env bash
# Checks meshes as other programs see them: one closed piece, manifold, nothing crossing, in trimesh, Open3D and PyMeshLab, and with
# PrusaSlicer's own repair report where it is installed. For files of "gsv3d mesh --watertight". Files of --urdf are loaded by yourdfpy
# and dropped onto the floor in PyBullet: they must come to rest there.
#   scripts/check_mesh.sh [--tools] FILE...
# --tools installs the Python packages into .cache/mesh_tools first (some 1.5 GB with Blender's module for scripts/light_mesh.py and
# compare_blender.py).
# GSV3D_MESH_PYTHON names another Python that has them. Exits 77 (skipped) without the packages.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
python=${GSV3D_MESH_PYTHON:-$root/.cache/mesh_tools/bin/python}
if [ "${1:-}" = --tools ]; then
  shift
  python3 -m venv "$root/.cache/mesh_tools"
  "$root/.cache/mesh_tools/bin/pip" install --quiet trimesh open3d pymeshlab bpy yourdfpy pybullet zstandard
fi
if ! reason=$("$python" -c "import trimesh, open3d, pymeshlab" 2>&1); then
  echo "check_mesh: skipped, trimesh, Open3D or PyMeshLab is not there (scripts/check_mesh.sh --tools installs them): ${reason##*$'\n'}" >&2
  exit 77
fi
status=0
"$python" - "$@" <<'SCRIPT' || status=1
import sys

import numpy
import open3d
import pymeshlab
import trimesh

failed = False


def report(path, facts, checks):
    global failed
    wrong = [name for name, right in checks.items() if not right]
    failed = failed or bool(wrong)
    print(f"{path}: {facts}: {'wrong: ' + ', '.join(wrong) if wrong else 'right'}")


def check_urdf(path):
    import pybullet
    import yourdfpy

    robot = yourdfpy.URDF.load(path, build_collision_scene_graph=True, load_collision_meshes=True)
    bounds = robot.collision_scene.bounds
    inertial = next(iter(robot.link_map.values())).inertial
    moments = numpy.linalg.eigvalsh(inertial.inertia)
    pybullet.connect(pybullet.DIRECT)
    pybullet.setGravity(0, 0, -9.81)
    floor = pybullet.createMultiBody(0, pybullet.createCollisionShape(pybullet.GEOM_PLANE))
    size = float(numpy.max(bounds[1] - bounds[0]))
    body = pybullet.loadURDF(path, [0, 0, 0.05 * size - float(bounds[0][2])])
    pybullet.changeDynamics(body, -1, rollingFriction=0.01, spinningFriction=0.01)
    pybullet.changeDynamics(floor, -1, rollingFriction=0.01, spinningFriction=0.01)
    for _ in range(240 * 8):
        pybullet.stepSimulation()
    height = pybullet.getBasePositionAndOrientation(body)[0][2]
    speed = numpy.linalg.norm(pybullet.getBaseVelocity(body)[0])
    pybullet.disconnect()
    report(
        path,
        f"{inertial.mass:.3f} kg, {size * 100:.1f} cm, comes to rest with its centre {height * 100:.1f} cm high",
        {
            "mass": inertial.mass > 0,
            "moments of inertia": moments[0] > 0 and moments[2] <= moments[0] + moments[1],
            "rests on the floor": 0.1 * size < height < size and speed < 0.05,
        },
    )


for path in sys.argv[1:]:
    if path.endswith(".urdf"):
        check_urdf(path)
        continue
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
    report(path, f"{len(mesh.faces)} triangles, Euler number {mesh.euler_number}", checks)
sys.exit(failed)
SCRIPT
if command -v prusa-slicer >/dev/null; then
  for file in "$@"; do
    [[ $file =~ \.(stl|obj)$ ]] || continue
    prusa-slicer --info "$file" | grep -E "manifold|open_edges|facets_" || true
    prusa-slicer --info "$file" | grep -q "manifold = yes" || status=1
  done
fi
exit $status

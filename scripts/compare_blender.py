"""Object files as Blender imports them beside how this program reads them: outlines and colours from the same cameras.

    python scripts/compare_blender.py [--program build/release/bin/gsv3d] [--make FOLDER] FILE...

Needs PyPI's bpy and zstandard (scripts/check_mesh.sh --tools). --make first has Blender export files with what readers get
wrong: a posed skin beside a moved node, shape keys, mirrored and nested transforms, vertex colours, a clipped texture, Draco. Prints for
every file the intersection over union of the masks and the mean difference of chromaticity (r, g over r + g + b, linear) where both
are seen, over 12 views; exits 1 below 0.98 or above 0.02.
"""
import argparse
import json
import math
import os
import subprocess
import sys
import tarfile
import tempfile

import bpy
import numpy
import zstandard
from mathutils import Matrix, Vector

SIZE, VIEWS = 96, 12


def empty_scene():
    bpy.ops.wm.read_factory_settings(use_empty=True)


def material(name, color=(1, 0, 0, 1)):
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    made.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = color
    return made


def paint(thing, color):
    thing.data.materials.clear()
    thing.data.materials.append(material(thing.name, color))


def cone(color=(0.8, 0.1, 0.1, 1), **where):
    bpy.ops.mesh.primitive_cone_add(vertices=24, radius1=0.4, depth=1, **where)
    paint(bpy.context.object, color)
    return bpy.context.object


def make_skin():
    body = cone()
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.mesh.subdivide(number_cuts=6)
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.ops.object.armature_add(location=(0, 0, -0.5))
    bones = bpy.context.object
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.armature.extrude_move(TRANSFORM_OT_translate={"value": (0.3, 0, 0.6)})
    bpy.ops.object.mode_set(mode="POSE")
    bones.pose.bones[1].rotation_mode = "XYZ"
    bones.pose.bones[1].rotation_euler = (0.7, 0, 0.4)
    bpy.ops.object.mode_set(mode="OBJECT")
    body.select_set(True)
    bpy.context.view_layer.objects.active = bones
    bpy.ops.object.parent_set(type="ARMATURE_AUTO")
    bones.location = (5, 1, 0)  # the mesh's own node does not count, its joints do
    cone(color=(0.1, 0.2, 0.8, 1), location=(6, 1, 0))


def make_shape_keys():
    thing = cone()
    thing.shape_key_add(name="Basis")
    key = thing.shape_key_add(name="wide")
    for point in key.data:
        point.co.x *= 2
    key.value = 0.6


def make_transforms():
    parent = cone(scale=(1, -0.5, 1), rotation=(0.3, 0.5, 0.2))
    child = cone(color=(0.1, 0.7, 0.2, 1), location=(0.6, 0.4, 0.3), scale=(-0.5, 0.5, 0.5))
    child.parent = parent
    grandchild = cone(color=(0.1, 0.2, 0.8, 1), location=(0, 1, 1), rotation=(0, 1, 0))
    grandchild.parent = child


def make_vertex_colors():
    thing = cone()
    layer = thing.data.color_attributes.new("Color", "FLOAT_COLOR", "CORNER")
    for corner, color in zip(thing.data.loops, layer.data):
        x, y, z = thing.data.vertices[corner.vertex_index].co
        color.color = (0.5 + x, 0.5 + y, 0.5 + z, 1)
    nodes = thing.data.materials[0].node_tree
    source = nodes.nodes.new("ShaderNodeVertexColor")
    source.layer_name = "Color"
    nodes.links.new(source.outputs["Color"], nodes.nodes["Principled BSDF"].inputs["Base Color"])


def make_clipped_texture():
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.5)
    thing = bpy.context.object
    paint(thing, (1, 1, 1, 1))
    picture = bpy.data.images.new("checks", 64, 64, alpha=True)
    rows, columns = numpy.mgrid[0:64, 0:64] // 16
    pixels = numpy.zeros((64, 64, 4), numpy.float32)
    pixels[..., 0], pixels[..., 1], pixels[..., 2] = rows / 3, columns / 3, 0.4
    pixels[..., 3] = (rows + columns) % 2
    picture.pixels.foreach_set(pixels.ravel())
    picture.pack()
    nodes = thing.data.materials[0].node_tree
    texture = nodes.nodes.new("ShaderNodeTexImage")
    texture.image = picture
    clip = nodes.nodes.new("ShaderNodeMath")
    clip.operation = "ROUND"
    shader = nodes.nodes["Principled BSDF"]
    nodes.links.new(texture.outputs["Color"], shader.inputs["Base Color"])
    nodes.links.new(texture.outputs["Alpha"], clip.inputs[0])
    nodes.links.new(clip.outputs[0], shader.inputs["Alpha"])


def make_files(folder):
    os.makedirs(folder, exist_ok=True)
    made = []
    for make in (make_skin, make_shape_keys, make_transforms, make_vertex_colors, make_clipped_texture):
        name = make.__name__.removeprefix("make_")
        for draco in (False, True) if make is make_transforms else (False,):
            empty_scene()
            make()
            path = os.path.join(folder, name + ("_draco" if draco else "") + ".glb")
            bpy.ops.export_scene.gltf(
                filepath=path, export_draco_mesh_compression_enable=draco, export_animations=False, export_rest_position_armature=False
            )  # the pose is the file's default
            made.append(path)
    return made


def load(path):
    empty_scene()
    if path.endswith((".glb", ".gltf")):
        bpy.ops.import_scene.gltf(filepath=path)
    else:
        bpy.ops.wm.obj_import(filepath=path)
    # Icospheres that the importer draws for bones are not part of the file.
    for thing in [o for o in bpy.data.objects if o.type == "MESH" and o.users_collection and o.name.startswith("Icosphere")]:
        bpy.data.objects.remove(thing)


def into_unit_cube():
    """Moves everything as docs/dataset.md says: the box's centre to the origin, longest side at most 1, within 0.57 of it."""
    graph = bpy.context.evaluated_depsgraph_get()
    points = []
    for thing in bpy.context.scene.objects:
        if thing.type == "MESH":
            shown = thing.evaluated_get(graph)
            points += [shown.matrix_world @ v.co for v in shown.to_mesh().vertices]
    points = numpy.array(points)
    low, high = points.min(0), points.max(0)
    center = (low + high) / 2
    scale = min(1 / (high - low).max(), 0.57 / numpy.linalg.norm(points - center, axis=1).max())
    move = Matrix.Scale(scale, 4) @ Matrix.Translation(-Vector(center))
    root = bpy.data.objects.new("root", None)
    bpy.context.collection.objects.link(root)
    for thing in list(bpy.context.scene.objects):
        if thing.parent is None and thing is not root:
            thing.parent = root
    root.matrix_world = move


def set_up_render():
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 9
    scene.cycles.use_denoising = False
    scene.cycles.pixel_filter_type = "BOX"
    scene.cycles.filter_width = 1
    scene.render.film_transparent = True
    scene.render.resolution_x = scene.render.resolution_y = SIZE
    scene.view_settings.view_transform = "Standard"
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    bpy.context.collection.objects.link(camera)
    scene.camera = camera
    for each in bpy.data.materials:
        show_base_color(each)
    return camera


def show_base_color(material):
    """Without light: what would be reflected."""
    nodes = material.node_tree
    shader = nodes and nodes.nodes.get("Principled BSDF")
    if not shader:
        return
    glow = nodes.nodes.new("ShaderNodeEmission")
    clear = nodes.nodes.new("ShaderNodeBsdfTransparent")
    mix = nodes.nodes.new("ShaderNodeMixShader")
    for source, target in ((shader.inputs["Base Color"], glow.inputs["Color"]), (shader.inputs["Alpha"], mix.inputs[0])):
        if source.links:
            nodes.links.new(source.links[0].from_socket, target)
        else:
            target.default_value = source.default_value
    nodes.links.new(clear.outputs[0], mix.inputs[1])
    nodes.links.new(glow.outputs[0], mix.inputs[2])
    nodes.links.new(mix.outputs[0], nodes.nodes["Material Output"].inputs["Surface"])


def to_linear(srgb):
    return numpy.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def read_picture(path):
    picture = bpy.data.images.load(path)
    picture.colorspace_settings.name = "Non-Color"
    pixels = numpy.empty(4 * SIZE * SIZE, numpy.float32)
    picture.pixels.foreach_get(pixels)
    pixels = pixels.reshape(SIZE, SIZE, 4)[::-1]
    bpy.data.images.remove(picture)
    return to_linear(pixels[..., :3]), pixels[..., 3]


def blender_views(path, cameras):
    load(path)
    into_unit_cube()
    camera = set_up_render()
    camera.data.sensor_width = 32
    camera.data.lens = 32 * cameras["intrinsics"][0] / SIZE
    colors, alphas = [], []
    with tempfile.TemporaryDirectory() as folder:
        for index, world_to_camera in enumerate(numpy.array(cameras["world_to_camera"]).reshape(-1, 4, 4)):
            to_world = numpy.linalg.inv(world_to_camera)
            up = Matrix(((1, 0, 0, 0), (0, 0, -1, 0), (0, 1, 0, 0), (0, 0, 0, 1)))  # +Y up to Blender's +Z up
            opencv = Matrix.Diagonal((1, -1, -1, 1))
            camera.matrix_world = up @ Matrix(to_world.tolist()) @ opencv
            picture = os.path.join(folder, f"{index}.png")
            bpy.context.scene.render.filepath = picture
            bpy.ops.render.render(write_still=True)
            color, alpha = read_picture(picture)
            colors.append(color), alphas.append(alpha)
    return numpy.array(colors), numpy.array(alphas)


def our_views(program, path):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [program, "data", "render", path, "-o", folder + "/shards", "--size", str(SIZE), "--orbit-views", "8", "--random-views"]
            + [str(VIEWS - 8), "--elevations", "20", "--samples", "3", "--quiet"],
            check=True,
        )
        shard = next(name for name in sorted(os.listdir(folder + "/shards")) if name.endswith(".tar"))
        with tarfile.open(f"{folder}/shards/{shard}") as files:
            read = {name.split(".", 1)[1]: files.extractfile(name).read() for name in files.getnames()}
    about = json.loads(read["json"])
    pixels = zstandard.ZstdDecompressor().decompress(read["rgba.bin"], max_output_size=VIEWS * 4 * SIZE * SIZE)
    rgba = numpy.frombuffer(pixels, numpy.uint8).reshape(VIEWS, 4, SIZE, SIZE).transpose(0, 2, 3, 1) / 255
    return about, to_linear(rgba[..., :3]), rgba[..., 3]


def chromaticity(color):
    return color[..., :2] / numpy.maximum(color.sum(-1, keepdims=True), 1e-4)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="*")
    parser.add_argument("--program", default="build/release/bin/gsv3d")
    parser.add_argument("--make")
    arguments = parser.parse_args()
    files = (make_files(arguments.make) if arguments.make else []) + arguments.files
    wrong = False
    for path in files:
        about, ours, our_alpha = our_views(arguments.program, path)
        theirs, their_alpha = blender_views(path, about)
        both = (our_alpha > 0.9) & (their_alpha > 0.9)
        union = ((our_alpha > 0.5) | (their_alpha > 0.5)).sum()
        overlap = ((our_alpha > 0.5) & (their_alpha > 0.5)).sum() / max(union, 1)
        bright = both & (ours.sum(-1) > 0.05)
        color = numpy.abs(chromaticity(ours) - chromaticity(theirs))[bright].mean() if bright.any() else math.nan
        fits = overlap >= 0.98 and not color > 0.02
        wrong = wrong or not fits
        print(f"{path}: masks {overlap:.4f}, chromaticity {color:.4f}{'' if fits else '  DIFFERS'}", flush=True)
    sys.exit(wrong)


if __name__ == "__main__":
    main()

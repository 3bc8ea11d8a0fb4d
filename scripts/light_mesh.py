"""Meshes lit in Blender's Cycles, one picture for each: what a texture without light hides.

    python scripts/light_mesh.py FILE.glb OUT.png [--clay] [--size 512] [--azimuth 30] [--samples 32]

Needs PyPI's bpy (Blender as a module, Python 3.11): scripts/check_mesh.sh --tools installs it. --clay leaves the texture out.
"""
import argparse
import math
import os

import bpy
from mathutils import Vector


def look_at(thing, place, target):
    thing.location = place
    thing.rotation_euler = (target - place).to_track_quat("-Z", "Y").to_euler()


def light(name, place, target, energy, size):
    data = bpy.data.lights.new(name, "AREA")
    data.energy, data.size = energy, size
    thing = bpy.data.objects.new(name, data)
    bpy.context.collection.objects.link(thing)
    look_at(thing, place, target)


def scaled_to_one(objects):
    """The objects' centre; they become one unit tall, wide or deep."""
    corners = [o.matrix_world @ Vector(c) for o in objects for c in o.bound_box]
    low = Vector(map(min, zip(*corners)))
    high = Vector(map(max, zip(*corners)))
    scale = 1 / max(high - low)
    for thing in objects:
        thing.scale = thing.scale * scale
        thing.location = thing.location * scale
    bpy.context.view_layer.update()
    return (low + high) / 2 * scale, (high - low) * scale


def clay(objects):
    material = bpy.data.materials.new("clay")
    material.use_nodes = True
    shader = material.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = (0.6, 0.6, 0.6, 1)
    shader.inputs["Roughness"].default_value = 0.5
    for thing in objects:
        thing.data.materials.clear()
        thing.data.materials.append(material)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mesh")
    parser.add_argument("picture")
    parser.add_argument("--clay", action="store_true")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--azimuth", type=float, default=30, help="degrees, from the front")
    parser.add_argument("--samples", type=int, default=32)
    a = parser.parse_args()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=a.mesh)
    objects = [o for o in bpy.context.scene.objects if o.type == "MESH"]
    center, size = scaled_to_one(objects)
    if a.clay:
        clay(objects)

    scene = bpy.context.scene
    world = bpy.data.worlds.new("world")
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs[0].default_value = (1, 1, 1, 1)
    world.node_tree.nodes["Background"].inputs[1].default_value = 0.25
    scene.world = world
    light("key", center + Vector((1.5, -1.5, 1.8)), center, 60, 0.5)
    light("rim", center + Vector((-2, 1, 1)), center, 30, 0.5)

    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    camera.data.angle = math.radians(33.8)
    bpy.context.collection.objects.link(camera)
    turn, rise = math.radians(a.azimuth), math.radians(20)
    way = Vector((math.sin(turn) * math.cos(rise), -math.cos(turn) * math.cos(rise), math.sin(rise)))
    look_at(camera, center + way * 2.3, center)
    scene.camera = camera
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = a.samples
    scene.cycles.seed = 1
    scene.cycles.use_denoising = False
    scene.view_settings.view_transform = "Standard"
    scene.render.resolution_x = scene.render.resolution_y = a.size
    scene.render.filepath = os.path.abspath(a.picture)
    bpy.ops.render.render(write_still=True)


main()

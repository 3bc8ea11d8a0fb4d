"""One orbit of an object by Blender Cycles on the CPU: the peer of "gsv3d data render" (bench/compare_renderers.sh).

    blender -b -P bench/peers/blender_orbit.py -- OBJECT.obj SIZE VIEWS SAMPLES BOUNCES THREADS FOLDER

Loads the object, lights it by a uniform world (diffuse light without shadows' noise needs no more bounces), renders VIEWS pictures with
depth from cameras as "gsv3d data render" has them, and prints "seconds NUMBER": processor time of the rendering alone, after a picture of
8 pixels for which Blender prepares the object.
"""
import math
import sys
import time

import bpy
from mathutils import Vector

path, size, views, samples, bounces, threads, folder = sys.argv[sys.argv.index("--") + 1:]
bpy.ops.wm.read_factory_settings(use_empty=True)
if hasattr(bpy.ops.wm, "obj_import"):
    bpy.ops.wm.obj_import(filepath=path)
else:
    bpy.ops.import_scene.obj(filepath=path)
meshes = [thing for thing in bpy.data.objects if thing.type == "MESH"]
corners = [thing.matrix_world @ Vector(corner) for thing in meshes for corner in thing.bound_box]
low, high = (Vector(f(c[i] for c in corners) for i in range(3)) for f in (min, max))
scale, centre = 1 / max(high - low), (low + high) / 2

scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.cycles.device = "CPU"
scene.cycles.samples = int(samples)
scene.cycles.use_adaptive_sampling = False
scene.cycles.use_denoising = False
scene.cycles.max_bounces = int(bounces)  # 0: direct light only, as the other renderer has it
scene.render.threads_mode = "FIXED"
scene.render.threads = int(threads)
scene.render.resolution_x = scene.render.resolution_y = int(size)
scene.render.film_transparent = True
scene.render.use_persistent_data = True  # the object is prepared once for all views
scene.view_layers[0].use_pass_z = True
scene.world = bpy.data.worlds.new("light")
scene.world.use_nodes = True
scene.world.node_tree.nodes["Background"].inputs[0].default_value = (1, 1, 1, 1)
camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
camera.data.angle = math.radians(33.8)
scene.collection.objects.link(camera)
scene.camera = camera

scene.render.resolution_percentage = max(1, 100 * 8 // int(size))
bpy.ops.render.render()
scene.render.resolution_percentage = 100
start = time.process_time()
for view in range(int(views)):
    azimuth, elevation, radius = 2 * math.pi * view / int(views), math.radians(10), 2 / scale
    offset = Vector((math.sin(azimuth) * math.cos(elevation), -math.cos(azimuth) * math.cos(elevation), math.sin(elevation)))
    camera.location = centre + radius * offset
    camera.rotation_euler = (-offset).to_track_quat("-Z", "Y").to_euler()
    scene.render.filepath = f"{folder}/{view:03d}.png"
    bpy.ops.render.render(write_still=True)
print(f"seconds {time.process_time() - start:.3f}")

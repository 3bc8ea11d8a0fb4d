#include "eval_protocol.h"

#include "commands.h"
#include "run_options.h"

namespace gsv3d {

void ProtocolOptions::add_to(CLI::App& command) {
  command
      .add_option("--protocol", name,
                  "gso: 100 objects, orbits at an elevation drawn per object from -5 to 30 degrees, scores of 4096 points too; "
                  "objaverse: the same of all objects (see --uids); val, test: that split, an orbit at 10 degrees and 8 random "
                  "views. Options below change a part of it")
      ->check(CLI::IsMember(protocol_names()));
  command.add_option("--elevation", elevation_degrees, "of the orbit, whose first view is the input, degrees (default: 10)")
      ->check(number_between(-89, 89));
  command
      .add_option("--input-elevation", input_elevation_degrees,
                  "of an input view of its own, degrees; the model is told; all views of the orbit are then scored")
      ->check(number_between(-89, 89));
  command.add_option("--random-views", random_views, "so many views from random directions of each object that is rendered here")
      ->check(number_between(0, 1000));
  command.add_option("--random-objects", random_objects, "so many objects, drawn by the seed; 0: all")
      ->check(number_between(0, 1e9));
  command.add_option("--points", points, "score geometry from so many points, too (columns \"sparse\"); 0: not")
      ->check(number_between(0, 1e7));
}

EvaluationProtocol ProtocolOptions::chosen() const {
  EvaluationProtocol protocol = name.empty() ? EvaluationProtocol() : protocol_from_name(name);
  if (elevation_degrees) protocol.orbit_elevation_degrees = elevation_degrees;
  if (input_elevation_degrees) protocol.input_elevation_degrees = input_elevation_degrees;
  if (random_views) protocol.random_views = *random_views;
  if (random_objects) protocol.random_objects = *random_objects;
  if (points) protocol.points = *points;
  return protocol;
}

}  // namespace gsv3d

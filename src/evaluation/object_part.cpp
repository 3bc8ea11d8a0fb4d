#include "evaluation/object_part.h"

#include <cmath>

#include "core/error.h"

namespace gsv3d {
namespace {

/// Numbers of a struct by its fields(); null is not a number.
struct NumberReader {
  const Json& json;
  const std::string& where;
  void operator()(const char* name, double& value) const {
    const auto found = json.find(name);
    require(found != json.end() && (found->is_number() || found->is_null()), "{}: \"{}\" is no number", where, name);
    value = found->is_null() ? ObjectScores::not_known : found->get<double>();
  }
};

const Json& member(const Json& json, const char* name, const std::string& where) {
  require(json.is_object() && json.contains(name), "{}: has no \"{}\"", where, name);
  return json.at(name);
}

std::string text(const Json& json, const char* name, const std::string& where) {
  const Json& value = member(json, name, where);
  require(value.is_string(), "{}: \"{}\" is no text", where, name);
  return value.get<std::string>();
}

template <class Group>
void read_group(const Json& json, const char* name, Group& group, const std::string& where) {
  NumberReader reader{member(json, name, where), where};
  require(reader.json.is_object(), "{}: \"{}\" holds no scores", where, name);
  group.fields(reader);
}

ObjectScores scores_from_json(const Json& json, const std::string& where) {
  ObjectScores scores;
  scores.id = text(json, "id", where);
  read_group(json, "orbit", scores.orbit, where);
  read_group(json, "random", scores.random, where);
  read_group(json, "geometry", scores.geometry, where);
  read_group(json, "sparse", scores.sparse, where);
  read_group(json, "views", scores.views, where);
  const NumberReader reader{json, where};
  reader("seconds", scores.seconds);
  reader("elevation_degrees", scores.elevation_degrees);
  return scores;
}

std::string feature_name(size_t method) {
  return fmt::format("method.{}", method);
}

}  // namespace

Json scores_to_json(const ObjectScores& scores) {
  return {{"id", scores.id},
          {"orbit", config_to_json(scores.orbit)},
          {"random", config_to_json(scores.random)},
          {"geometry", config_to_json(scores.geometry)},
          {"sparse", config_to_json(scores.sparse)},
          {"views", config_to_json(scores.views)},
          {"seconds", scores.seconds},
          {"elevation_degrees", scores.elevation_degrees}};
}

Json part_to_json(const ObjectPart& part) {
  Json methods = Json::array();
  for (const MethodPart& method : part.methods) {
    methods.push_back({{"name", method.name}, {"description", method.description}});
    if (method.scores)
      methods.back()["scores"] = scores_to_json(*method.scores);
    else
      methods.back()["failure"] = method.failure;
  }
  Json json = {{"id", part.id}, {"methods", std::move(methods)}};
  if (part.autoencoder)
    json["autoencoder"] = {{"psnr", part.autoencoder->psnr}, {"foreground_psnr", part.autoencoder->foreground_psnr}};
  return json;
}

ObjectPart part_from_json(const Json& json, const std::string& where) {
  ObjectPart part;
  part.id = text(json, "id", where);
  const Json& methods = member(json, "methods", where);
  require(methods.is_array(), "{}: \"methods\" is no list", where);
  for (const Json& method : methods) {
    MethodPart one{text(method, "name", where), text(method, "description", where)};
    if (method.contains("scores"))
      one.scores = scores_from_json(method.at("scores"), where);
    else
      one.failure = text(method, "failure", where);
    part.methods.push_back(std::move(one));
  }
  if (json.contains("autoencoder")) {
    const NumberReader reader{json.at("autoencoder"), where};
    AutoencoderScores scores{part.id};
    reader("psnr", scores.psnr), reader("foreground_psnr", scores.foreground_psnr);
    part.autoencoder = scores;
  }
  return part;
}

NamedTensors part_features(const ObjectPart& part) {
  NamedTensors features;
  if (!part.true_features.defined()) return features;
  features["true"] = part.true_features;
  for (size_t i = 0; i < part.methods.size(); ++i)
    if (part.methods[i].features.defined()) features[feature_name(i)] = part.methods[i].features;
  return features;
}

void set_part_features(ObjectPart& part, const NamedTensors& features) {
  const auto of = [&](const std::string& name) {
    const auto found = features.find(name);
    return found == features.end() ? Tensor() : found->second.clone();
  };
  part.true_features = of("true");
  for (size_t i = 0; i < part.methods.size(); ++i) part.methods[i].features = of(feature_name(i));
}

}  // namespace gsv3d

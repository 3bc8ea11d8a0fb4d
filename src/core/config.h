// JSON to struct and back, strictly: a key the struct does not have is an error that names the key and its place.
//
// A config struct lists its fields once:
//
//   struct VaeConfig {
//     int64_t z_channels = 4;
//     std::vector<int64_t> ch_mult = {1, 2, 4, 4};
//     template <class Visitor> void fields(Visitor& visit) { visit("z_channels", z_channels); visit("ch_mult", ch_mult); }
//   };
//   auto config = config_from_json<VaeConfig>(json, "config.json: vae");
//
// A field that the JSON leaves out keeps the struct's default. Fields may be numbers, strings, booleans, std::optional,
// std::vector, std::map<std::string, T> or other config structs. visit() may be told more about a field: core/settings.h.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/spelling.h"

namespace gsv3d {

using Json = nlohmann::ordered_json;

namespace config_detail {

struct AnyVisitor {
  template <class T, class... Description>
  void operator()(const char*, T&, const Description&...) {}
};
template <class T>
concept ConfigStruct = requires(T value, AnyVisitor visitor) {
  value.fields(visitor);
};

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsMap : std::false_type {};
template <class T>
struct IsMap<std::map<std::string, T>> : std::true_type {};

/// The value as it stands in the file, cut short, for messages.
std::string excerpt(const Json& json);

template <class T>
void read(const Json& json, T& value, const std::string& where);

struct Reader {
  const Json& json;
  const std::string& where;
  std::vector<std::string> known;
  template <class T, class... Description>
  void operator()(const char* name, T& value, const Description&...) {
    known.push_back(name);
    if (auto found = json.find(name); found != json.end()) read(*found, value, where + "." + name);
  }
};

template <class T>
void read(const Json& json, T& value, const std::string& where) {
  if constexpr (ConfigStruct<T>) {
    require(json.is_object(), "{}: expected an object, found {}", where, json.type_name());
    Reader reader{json, where, {}};
    value.fields(reader);
    for (const auto& [key, unused] : json.items()) {
      if (std::find(reader.known.begin(), reader.known.end(), key) == reader.known.end())
        fail("{}: unknown key \"{}\"{}", where, key, did_you_mean(key, reader.known));
    }
  } else if constexpr (IsOptional<T>::value) {
    if (json.is_null()) {
      value.reset();
    } else {
      value.emplace();
      read(json, *value, where);
    }
  } else if constexpr (IsVector<T>::value) {
    require(json.is_array(), "{}: expected an array, found {}", where, json.type_name());
    value.assign(json.size(), {});
    for (size_t i = 0; i < json.size(); ++i) read(json[i], value[i], fmt::format("{}[{}]", where, i));
  } else if constexpr (IsMap<T>::value) {
    require(json.is_object(), "{}: expected an object, found {}", where, json.type_name());
    value.clear();
    for (const auto& [key, item] : json.items()) read(item, value[key], where + "." + key);
  } else if constexpr (std::is_same_v<T, bool>) {
    require(json.is_boolean(), "{}: expected true or false, found {}", where, json.type_name());
    value = json.get<bool>();
  } else if constexpr (std::is_integral_v<T>) {
    require(json.is_number_integer(), "{}: expected a whole number, found {}", where, excerpt(json));
    const bool fits = json.is_number_unsigned() ? std::in_range<T>(json.get<uint64_t>()) : std::in_range<T>(json.get<int64_t>());
    require(fits, "{}: {} is out of range", where, excerpt(json));
    value = json.get<T>();
  } else if constexpr (std::is_floating_point_v<T>) {
    require(json.is_number(), "{}: expected a number, found {}", where, json.type_name());
    value = json.get<T>();
  } else {
    static_assert(std::is_same_v<T, std::string>, "unsupported type of config field");
    require(json.is_string(), "{}: expected a string, found {}", where, json.type_name());
    value = json.get<std::string>();
  }
}

template <class T>
Json write(const T& value);

struct Writer {
  Json json = Json::object();
  template <class T, class... Description>
  void operator()(const char* name, T& value, const Description&...) {
    json[name] = write(value);
  }
};

template <class T>
Json write(const T& value) {
  if constexpr (ConfigStruct<T>) {
    Writer writer;
    const_cast<T&>(value).fields(writer);  // fields() serves both directions and so is not const; the writer only reads
    return std::move(writer.json);
  } else if constexpr (IsOptional<T>::value) {
    return value ? write(*value) : Json(nullptr);
  } else if constexpr (IsVector<T>::value) {
    Json json = Json::array();
    for (const auto& item : value) json.push_back(write(item));
    return json;
  } else if constexpr (IsMap<T>::value) {
    Json json = Json::object();
    for (const auto& [key, item] : value) json[key] = write(item);
    return json;
  } else {
    return Json(value);
  }
}

}  // namespace config_detail

/// Reads a config struct; `where` begins every error message. Throws Error on unknown keys and wrong types.
template <class T>
T config_from_json(const Json& json, const std::string& where) {
  T value;
  config_detail::read(json, value, where);
  return value;
}

/// Every field of a config struct, defaults included, in the order of its fields().
template <class T>
Json config_to_json(const T& value) {
  return config_detail::write(value);
}

/// Parses JSON (comments are allowed). Throws Error with line and column, or when it is nested more than 64 deep; `where` begins
/// the message.
Json parse_json(std::string_view text, const std::string& where);

/// JSON as text, in one line unless `indent` is given. Bytes of strings that are not UTF-8 (file names may be anything) become
/// U+FFFD.
std::string json_text(const Json& json, int indent = -1);

/// Parses a JSON file. Throws Error.
Json read_json_file(const std::filesystem::path& path);

/// Writes JSON atomically, indented by two spaces.
void write_json_file(const std::filesystem::path& path, const Json& json);

}  // namespace gsv3d

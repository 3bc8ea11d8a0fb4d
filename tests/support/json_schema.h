// The part of JSON Schema that the service's OpenAPI document uses; a keyword that is not known here is an error, so that nothing
// goes unchecked.
#pragma once

#include <regex>
#include <string>

#include "core/config.h"

namespace gsv3d::testing {

class JsonSchema {
 public:
  explicit JsonSchema(const Json& document) : document_(document) {}

  /// Empty when the value fits.
  std::string problem(const Json& value, const Json& given, const std::string& where = "$") const {
    const Json& schema = resolved(given);
    for (const auto& [keyword, rule] : schema.items()) {
      const std::string found = check(keyword, rule, value, schema, where);
      if (!found.empty()) return where + ": " + found;
    }
    return "";
  }

 private:
  const Json& resolved(const Json& schema) const {
    if (!schema.contains("$ref")) return schema;
    return document_.at(Json::json_pointer(schema["$ref"].get<std::string>().substr(1)));
  }
  static bool is_type(const Json& value, const std::string& type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "integer") return value.is_number_integer();
    if (type == "number") return value.is_number();
    if (type == "boolean") return value.is_boolean();
    if (type == "null") return value.is_null();
    throw std::runtime_error("unknown type " + type);
  }
  std::string check(const std::string& keyword, const Json& rule, const Json& value, const Json& schema,
                    const std::string& where) const {
    if (keyword == "type") {
      for (const Json& type : rule.is_array() ? rule : Json::array({rule}))
        if (is_type(value, type.get<std::string>())) return "";
      return "is " + std::string(value.type_name()) + ", not " + rule.dump();
    }
    if (keyword == "required") {
      for (const Json& name : rule)
        if (value.is_object() && !value.contains(name.get<std::string>())) return "lacks " + name.dump();
    } else if (keyword == "properties") {
      for (const auto& [name, property] : rule.items())
        if (value.is_object() && value.contains(name))
          if (const std::string found = problem(value[name], property, where + "." + name); !found.empty()) return found;
    } else if (keyword == "additionalProperties") {
      for (const auto& [name, unused] : value.items())
        if (!schema["properties"].contains(name)) return "has an unknown " + name;
    } else if (keyword == "items") {
      for (const Json& item : value)
        if (const std::string found = problem(item, rule, where + "[]"); !found.empty()) return found;
    } else if (keyword == "enum") {
      if (std::find(rule.begin(), rule.end(), value) == rule.end()) return value.dump() + " is none of " + rule.dump();
    } else if (keyword == "minimum" || keyword == "maximum") {
      if (value.is_number() && (keyword == "minimum" ? value < rule : value > rule)) return value.dump() + " breaks " + keyword;
    } else if (keyword == "pattern") {
      if (value.is_string() && !std::regex_search(value.get<std::string>(), std::regex(rule.get<std::string>())))
        return value.dump() + " does not look like " + rule.dump();
    } else if (keyword != "description" && keyword != "default" && keyword != "format" && keyword != "contentEncoding" &&
               keyword != "maxLength") {
      throw std::runtime_error("unknown keyword " + keyword);
    }
    return "";
  }

  const Json& document_;
};

}  // namespace gsv3d::testing

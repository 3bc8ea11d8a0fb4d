#!/usr/bin/env bash
# The rooms of src/ as CMake knows them, for docs/architecture.md.
#   scripts/rooms.sh lines [COMMIT]   lines per room, the longest first, of the working tree or of a commit
#   scripts/rooms.sh arrows           "room: the rooms it uses", in CMakeLists.txt's order
#   scripts/rooms.sh check            compares docs/architecture.md with both CMake and the sources; what differs is an error, and so
#                                     are two types of one name
set -euo pipefail
cd "$(dirname "$0")/.."
page=${GSV3D_MAP:-docs/architecture.md}  # another one for its test

lines() {
  if (($#)); then
    git ls-tree -r --name-only "$1" src/ | grep -E '\.(cpp|h|cu|cuh|inc)$' | while read -r file; do
      echo "${file#src/} $(git show "$1:$file" | wc -l)"
    done
  else
    find src -type f | grep -E '\.(cpp|h|cu|cuh|inc)$' | while read -r file; do echo "${file#src/} $(wc -l <"$file")"; done
  fi | awk '{ split($1, parts, "/"); room = parts[1] ($1 ~ /\/cuda\// ? "/cuda" : ""); sum[room] += $2 }
            END { for (room in sum) print sum[room], room }' | sort -k1,1nr -k2
}

arrows() {
  local room
  for room in $(sed -n 's/^foreach(room \(.*\))$/\1/p' CMakeLists.txt); do
    [ -f "src/$room/CMakeLists.txt" ] || continue
    sed -nE "s/^gsv3d_room\($room( USES (([a-z_]+ ?)*))?.*/\2/p" "src/$room/CMakeLists.txt" | sed "s/^/$room: /; s/ *$//"
  done
}

# Rows "| `room/` | what it holds | the rooms it uses |" of the page, as arrows() prints them.
arrows_of_page() {
  sed -nE 's/^\| `([a-z_]+)\/` \|[^|]*[a-z][^|]*\| ?([a-z_ ]*) ?\|$/\1: \2/p' "$page" | sed 's/ *$//'
}

# The steps "`file`: `function`, `function`" of the page: each function must stand in its file.
check_steps() {
  local wrong=0 count=0 file functions function
  while IFS=$'\t' read -r file functions; do
    if [ ! -f "$file" ]; then echo "$page: no such file: $file"; wrong=1; continue; fi
    for function in $(grep -oE '`[A-Za-z_:]+`' <<<"$functions" | tr -d '`'); do
      count=$((count + 1))
      grep -qE "\b${function##*::}\b" "$file" || { echo "$page: $file has no $function"; wrong=1; }
    done
  done < <(sed -nE 's/^[0-9]+\. `([^`]+)`: (.*)$/\1\t\2/p' "$page")
  [ "$count" -gt 20 ] || { echo "$page: only $count calls found: has the format of its lists changed?"; wrong=1; }
  return $wrong
}

# Types of one name in one namespace, defined in two files: the linker takes one destructor for both, whichever comes first.
check_types() {
  local twice
  # shellcheck disable=SC2086
  twice=$(find ${GSV3D_SOURCES:-src apps} -name '*.h' -o -name '*.cpp' -o -name '*.inc' -o -name '*.cuh' | sort | xargs awk '
    FNR == 1 { space = ""; hidden = 0 }
    /^namespace \{/ { hidden = 1 }
    /^\}  \/\/ namespace$/ { hidden = 0 }
    /^namespace [a-z0-9_:]+ \{/ { space = $2 "::" }
    /^(struct|class|union|enum|enum class) [A-Za-z0-9_]+( final)?( :.*)? \{/ && !hidden {
      name = space ($1 == "enum" && $2 == "class" ? $3 : $2)
      if (name in file && file[name] != FILENAME) print "two types " name ": " file[name] " and " FILENAME
      file[name] = FILENAME; count++
    }
    END { if (count < 100) print "only " count + 0 " types found: has the format of the sources changed?" }')
  [ -z "$twice" ] || { echo "$twice"; return 1; }
}

check() {
  local wrong=0 rooms
  check_types || return 1
  rooms=$(arrows)
  diff --label CMake --label "$page" -u0 <(echo "$rooms") <(arrows_of_page) || wrong=1
  [ "$(wc -l <<<"$rooms")" -gt 10 ] || { echo "only few rooms found in CMakeLists.txt: has its format changed?"; wrong=1; }
  # Every folder of src/ is a room.
  diff --label "folders of src/" --label rooms -u0 <(ls src | sort) <(cut -d: -f1 <<<"$rooms" | sort) || wrong=1
  check_steps || wrong=1
  [ $wrong = 0 ] || { echo "docs/architecture.md does not say what the sources do: change its rows or lists"; return 1; }
}

case "${1:-}" in
  lines | arrows | check) "$@" ;;
  *) sed -n '2,6p' "$0"; exit 2 ;;
esac

// SQLite as C++: a connection, statements that are finalised, values by type. https://www.sqlite.org/cintro.html
#pragma once

#include <filesystem>
#include <functional>
#include <string>

struct sqlite3;
struct sqlite3_stmt;

namespace gsv3d {

class SqliteDatabase {
 public:
  /// Opens or creates the file, in write-ahead mode, synchronised to disk at each commit. Throws Error.
  explicit SqliteDatabase(const std::filesystem::path& path);
  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  void execute(const std::string& sql);
  int64_t changed_rows() const;
  /// Runs `work` in one transaction that is rolled back when it throws.
  void transaction(const std::function<void()>& work);
  sqlite3* handle() const { return database_; }

 private:
  sqlite3* database_ = nullptr;
};

class SqliteStatement {
 public:
  SqliteStatement(SqliteDatabase& database, const std::string& sql);
  ~SqliteStatement();
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;

  SqliteStatement& bind(int64_t value);
  SqliteStatement& bind(const std::string& value);
  SqliteStatement& bind_nothing();
  /// True while there is a row.
  bool step();
  int64_t integer(int column) const;
  std::string text(int column) const;
  bool is_null(int column) const;

 private:
  SqliteDatabase& database_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
};

}  // namespace gsv3d

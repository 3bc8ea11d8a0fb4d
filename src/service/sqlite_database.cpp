#include "service/sqlite_database.h"

#include <sqlite3.h>

#include "service/job_store.h"

namespace gsv3d {

SqliteDatabase::SqliteDatabase(const std::filesystem::path& path) {
  if (sqlite3_open(path.c_str(), &database_) != SQLITE_OK) {
    const std::string reason = sqlite3_errmsg(database_);
    sqlite3_close(database_);
    fail("cannot open {}: {}", path.string(), reason);
  }
  try {
    sqlite3_busy_timeout(database_, 10'000);
    execute("PRAGMA journal_mode=WAL");
    execute("PRAGMA synchronous=FULL");
  } catch (const Error& error) {
    sqlite3_close(database_);
    fail("cannot use {}: {}", path.string(), error.what());
  }
}

SqliteDatabase::~SqliteDatabase() {
  sqlite3_close(database_);
}

void SqliteDatabase::execute(const std::string& sql) {
  char* message = nullptr;
  if (sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, &message) == SQLITE_OK) return;
  const std::string reason = message ? message : "unknown error";
  sqlite3_free(message);
  throw StoreUnavailable(fmt::format("database: {}", reason));
}

int64_t SqliteDatabase::changed_rows() const {
  return sqlite3_changes(database_);
}

void SqliteDatabase::transaction(const std::function<void()>& work) {
  execute("BEGIN IMMEDIATE");
  try {
    work();
    execute("COMMIT");
  } catch (...) {
    sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
    throw;
  }
}

SqliteStatement::SqliteStatement(SqliteDatabase& database, const std::string& sql) : database_(database) {
  const int result = sqlite3_prepare_v2(database.handle(), sql.c_str(), static_cast<int>(sql.size()), &statement_, nullptr);
  require(result == SQLITE_OK, "database: {} in {}", sqlite3_errmsg(database.handle()), sql);
}

SqliteStatement::~SqliteStatement() {
  sqlite3_finalize(statement_);
}

SqliteStatement& SqliteStatement::bind(int64_t value) {
  sqlite3_bind_int64(statement_, ++bound_, value);
  return *this;
}

SqliteStatement& SqliteStatement::bind(const std::string& value) {
  sqlite3_bind_text(statement_, ++bound_, value.data(), static_cast<int>(value.size()), SQLITE_TRANSIENT);
  return *this;
}

SqliteStatement& SqliteStatement::bind_nothing() {
  sqlite3_bind_null(statement_, ++bound_);
  return *this;
}

bool SqliteStatement::step() {
  const int result = sqlite3_step(statement_);
  if (result != SQLITE_ROW && result != SQLITE_DONE)
    throw StoreUnavailable(fmt::format("database: {}", sqlite3_errmsg(database_.handle())));
  return result == SQLITE_ROW;
}

int64_t SqliteStatement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string SqliteStatement::text(int column) const {
  const auto* bytes = sqlite3_column_text(statement_, column);
  return bytes ? std::string(reinterpret_cast<const char*>(bytes), static_cast<size_t>(sqlite3_column_bytes(statement_, column)))
               : "";
}

bool SqliteStatement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

}  // namespace gsv3d

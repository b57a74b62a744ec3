#include "scheduler/sqlite_store.h"

#include "base/check.h"
#include "scheduler/task_record.h"

#include <sqlite3.h>

#include <array>
#include <chrono>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace berth::scheduler {
namespace {

constexpr int kSchemaVersion = 1;
constexpr int kRecordNameMax = 60;
// Pages of 4 KiB. A checkpoint syncs twice and writes what has changed since the last while
// requests wait: a commit that nobody waits for makes it, and another only when there was none of
// these. A start after a death reads the log, 16 MiB of it then.
constexpr int kCheckpointPages = 3600;
constexpr int kCheckpointPagesAtLast = 4000;
constexpr int kLogHeaderBytes = 32;
// The frames of 4,000 pages, and what the commit that makes them so many may add.
constexpr sqlite3_int64 kLogBytes = 17 * 1024 * 1024;
constexpr int kFillBytes = 64 * 1024;

// STRICT: a column holds what it says it holds.
constexpr const char* kSchema = R"(
CREATE TABLE tasks(id TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE stories(task_id TEXT NOT NULL, number INTEGER NOT NULL, at TEXT NOT NULL,
  event TEXT NOT NULL, container TEXT NOT NULL, text TEXT NOT NULL, status TEXT NOT NULL,
  decision TEXT NOT NULL, PRIMARY KEY(task_id, number)) STRICT, WITHOUT ROWID;
CREATE TABLE records(kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY(kind, key)) STRICT, WITHOUT ROWID;
PRAGMA user_version = 1;
)";

Errc errc_of(int result) {
  switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Errc::kUnavailable;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Errc::kCorrupt;
    case SQLITE_FULL:
      return Errc::kExhausted;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_IOERR:
      return Errc::kSystem;
    default:
      return Errc::kInternal;
  }
}

// One use of a prepared statement, which its maker keeps for the next.
class Statement {
 public:
  Statement(sqlite3* database, sqlite3_stmt* statement)
      : database_(database), statement_(statement) {}
  Statement(Statement&& other) noexcept
      : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)) {}
  Statement& operator=(Statement&&) = delete;
  ~Statement() {
    if (statement_ == nullptr) return;  // another has it
    sqlite3_reset(statement_);          // its error was told by step()
    sqlite3_clear_bindings(statement_);
  }

  Statement& bind(const std::string& text) {
    sqlite3_bind_text64(statement_, ++bound_, text.data(), text.size(), SQLITE_TRANSIENT,
                        SQLITE_UTF8);
    return *this;
  }
  Statement& bind(int64_t number) {
    sqlite3_bind_int64(statement_, ++bound_, number);
    return *this;
  }
  // True: there is a row to read.
  Result<bool> step() {
    int result = sqlite3_step(statement_);
    if (result == SQLITE_ROW) return true;
    if (result == SQLITE_DONE) return false;
    return fail(errc_of(result), "database: {}", sqlite3_errmsg(database_));
  }
  std::string text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return bytes == nullptr
               ? ""
               : std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column)));
  }
  int64_t number(int column) const { return sqlite3_column_int64(statement_, column); }

 private:
  sqlite3* database_;
  sqlite3_stmt* statement_;
  int bound_ = 0;
};

bool is_asked_by_user(const Event& event) {
  return std::holds_alternative<RunTaskRequested>(event) ||
         std::holds_alternative<StopRequested>(event) ||
         std::holds_alternative<KillRequested>(event) ||
         std::holds_alternative<TagsChanged>(event) ||
         std::holds_alternative<ProtectionChanged>(event) ||
         std::holds_alternative<HoldChanged>(event);
}

}  // namespace

// The connection. Each transaction is one call of transact().
class SqliteStore::Database {
 public:
  static Result<std::unique_ptr<Database>> open(const std::string& path) {
    sqlite3* handle = nullptr;
    int result =
        sqlite3_open_v2(path.c_str(), &handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    std::unique_ptr<Database> database(new Database(handle));
    if (result != SQLITE_OK) {
      return fail(errc_of(result), "database {}: open: {}", path,
                  handle == nullptr ? sqlite3_errstr(result) : sqlite3_errmsg(handle));
    }
    auto prepared = database->prepare_schema();
    if (!prepared) return wrap(std::move(prepared).error(), "{}", path);
    return database;
  }
  ~Database() {
    empty_log();
    for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
    sqlite3_close(handle_);
  }

  // `sql` is a literal of ours. One use of it at a time.
  Result<Statement> prepare(const char* sql) {
    auto [kept, is_new] = statements_.try_emplace(sql, nullptr);
    if (is_new) {
      int result =
          sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &kept->second, nullptr);
      if (result != SQLITE_OK) {
        statements_.erase(kept);
        return fail(errc_of(result), "database: prepare: {}", sqlite3_errmsg(handle_));
      }
    }
    CHECK(sqlite3_stmt_busy(kept->second) == 0);
    return Statement(handle_, kept->second);
  }

  Status run(const char* sql) {
    int result = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
    if (result == SQLITE_OK) return {};
    return fail(errc_of(result), "database: {}", sqlite3_errmsg(handle_));
  }

  // All that `work` writes, or nothing of it.
  template <class Work>
  Status transact(Work work) {
    TRY(TRY(prepare("BEGIN IMMEDIATE")).step());
    Status done = work();
    if (done) done = commit();
    if (!done) (void)run("ROLLBACK");  // a failed COMMIT may have rolled back itself
    return done;
  }

  // Whether a transaction is on the disk when it is over, or only out of this process.
  Status set_synced(bool synced) {
    if (synced == synced_) return {};
    TRY(run(synced ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"));
    sqlite3_wal_autocheckpoint(handle_, synced ? kCheckpointPagesAtLast : kCheckpointPages);
    synced_ = synced;
    return {};
  }

 private:
  explicit Database(sqlite3* handle) : handle_(handle) {}

  Status commit() {
    TRY(TRY(prepare("COMMIT")).step());
    return {};
  }

  // The write-ahead log has its size from the beginning and keeps it. A sync of a file that grows
  // waits for the file system's journal, and so for a thread of the kernel and for what all tasks
  // that start have changed; a sync of one that is written over waits for its own pages alone.
  // Where there is no room it grows as it always did.
  void fill_log() {
    static const std::array<char, kFillBytes> kZeros{};
    sqlite3_file* log = find_log();
    sqlite3_int64 size = 0;
    if (log == nullptr || log->pMethods->xFileSize(log, &size) != SQLITE_OK) return;
    if (size >= kLogBytes) return;
    for (; size < kLogBytes; size += kFillBytes) {
      if (log->pMethods->xWrite(log, kZeros.data(), kFillBytes, size) != SQLITE_OK) return;
    }
    (void)log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);  // else the first commit would wait for it
  }

  // All of it is in the database, and it says that it has nothing: else the next start would read
  // what it need not.
  void empty_log() {
    sqlite3_file* log = find_log();
    if (log == nullptr) return;
    bool is_written = sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_RESTART,
                                                nullptr, nullptr) == SQLITE_OK;
    int keeps = 1;
    bool is_kept = is_written && sqlite3_file_control(handle_, "main", SQLITE_FCNTL_PERSIST_WAL,
                                                      &keeps) == SQLITE_OK;
    if (!is_kept) return;
    static const std::array<char, kLogHeaderBytes> kNoHeader{};
    (void)log->pMethods->xWrite(log, kNoHeader.data(), kLogHeaderBytes, 0);  // it would be read
  }

  // Null: there is none.
  sqlite3_file* find_log() {
    sqlite3_file* log = nullptr;
    bool is_found = sqlite3_file_control(handle_, "main", SQLITE_FCNTL_JOURNAL_POINTER,
                                         static_cast<void*>(&log)) == SQLITE_OK;
    return is_found && log != nullptr && log->pMethods != nullptr ? log : nullptr;
  }

  Status prepare_schema() {
    // The lock is taken with the first read and kept: no shared memory, no second process.
    TRY(run("PRAGMA locking_mode = EXCLUSIVE"));
    TRY(run("PRAGMA journal_mode = WAL"));
    TRY(run("PRAGMA synchronous = FULL"));
    sqlite3_wal_autocheckpoint(handle_, kCheckpointPagesAtLast);
    int64_t version = 0;
    {
      auto statement = TRY(prepare("PRAGMA user_version"));
      if (TRY(statement.step())) version = statement.number(0);
    }
    if (version > kSchemaVersion) {
      return fail(Errc::kUnsupported, "database: written by a later version of berth (schema {})",
                  version);
    }
    if (version != kSchemaVersion) TRY(transact([this] { return run(kSchema); }));
    fill_log();
    return {};
  }

  sqlite3* handle_;
  // By their text: to compile them takes longer than to run them.
  std::map<std::string_view, sqlite3_stmt*> statements_;
  bool synced_ = true;
};

SqliteStore::SqliteStore(std::unique_ptr<Database> database) : database_(std::move(database)) {}
SqliteStore::~SqliteStore() = default;

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const std::string& path,
                                                       CpuArchitecture host) {
  auto database = TRY(Database::open(path));
  std::unique_ptr<SqliteStore> store(new SqliteStore(std::move(database)));
  auto loaded = store->load(host);
  if (!loaded) return wrap(std::move(loaded).error(), "{}", path);
  return store;
}

Status SqliteStore::load(CpuArchitecture host) {
  DefinitionMaker definitions(host);
  auto tasks = TRY(database_->prepare("SELECT id, body FROM tasks"));
  while (TRY(tasks.step())) {
    std::string id = tasks.text(0);
    std::string name = "task " + id.substr(0, kRecordNameMax);
    Task task = TRY(parse_task_record(tasks.text(1), name, definitions));
    if (task.id != id) return fail(Errc::kCorrupt, "task {}: its record says {}", id, task.id);
    Kept kept;
    kept.task = std::move(task);
    keep(id, std::move(kept));
  }
  // Nothing happens any more to those that have stopped.
  for (const auto& entry : living_) TRY(count_story(entry.first, tasks_[entry.first]));
  return {};
}

Status SqliteStore::count_story(const std::string& task_id, Kept& kept) {
  auto story = TRY(
      database_->prepare("SELECT COUNT(*), TOTAL(decision <> '') FROM stories WHERE task_id = ?"));
  if (!TRY(story.bind(task_id).step())) return {};
  kept.story_lines = static_cast<size_t>(story.number(0));
  kept.is_decided = story.number(1) > 0;
  return {};
}

Status SqliteStore::write_change(const Change& change, Kept& kept) {
  StoryLine line = story_line_of(change, kept.is_decided);
  auto story = TRY(database_->prepare("INSERT INTO stories VALUES(?, ?, ?, ?, ?, ?, ?, ?)"));
  story.bind(change.task.id).bind(static_cast<int64_t>(kept.story_lines));
  story.bind(line.at).bind(line.event).bind(line.container).bind(line.text);
  story.bind(line.status).bind(line.decision);
  TRY(story.step());
  kept.is_decided = kept.is_decided || !line.decision.empty();
  ++kept.story_lines;
  kept.task = change.task;
  return {};
}

Status SqliteStore::commit(const std::vector<Change>& changes, const std::vector<Record>& records) {
  std::map<std::string, Kept> drafts;
  bool synced = !records.empty();  // a service that is forgotten would be missed
  for (const Change& change : changes) synced = synced || is_asked_by_user(change.cause);
  TRY(database_->set_synced(synced));
  TRY(database_->transact([&]() -> Status {
    for (const Change& change : changes) {
      auto kept = tasks_.find(change.task.id);
      auto [draft, is_new] = drafts.try_emplace(change.task.id);
      if (is_new && kept != tasks_.end()) draft->second = kept->second;
      TRY(write_change(change, draft->second));
    }
    auto write =
        "INSERT INTO tasks VALUES(?, ?) ON CONFLICT(id) DO UPDATE SET body = excluded.body";
    for (const auto& [id, draft] : drafts) {
      auto statement = TRY(database_->prepare(write));
      TRY(statement.bind(id).bind(render_task_record(draft.task)).step());
    }
    return write_records(records);
  }));
  for (auto& [id, draft] : drafts) {
    keep(id, std::move(draft));
  }
  return {};
}

void SqliteStore::keep(const std::string& id, Kept kept) {
  auto kept_at = tasks_.insert_or_assign(id, std::move(kept)).first;
  const Task& task = kept_at->second.task;
  if (task.last_status() != TaskStatus::kStopped) {
    living_[id] = &task;
    return;
  }
  living_.erase(id);
  if (task.stopped_at) stopped_.emplace(*task.stopped_at, id);
}

const Task* SqliteStore::find_task(const std::string& task_id) const {
  auto found = tasks_.find(task_id);
  return found == tasks_.end() ? nullptr : &found->second.task;
}

std::vector<std::string> SqliteStore::task_ids() const {
  std::vector<std::string> ids;
  ids.reserve(tasks_.size());
  for (const auto& [id, kept] : tasks_) ids.push_back(id);
  return ids;
}

std::vector<const Task*> SqliteStore::living_tasks() const {
  std::vector<const Task*> tasks;
  tasks.reserve(living_.size());
  for (const auto& entry : living_) tasks.push_back(entry.second);
  return tasks;
}

Result<std::vector<StoryLine>> SqliteStore::story(const std::string& task_id, size_t skip) const {
  auto statement =
      TRY(database_->prepare("SELECT at, event, container, text, status, decision FROM stories "
                             "WHERE task_id = ? AND number >= ? ORDER BY number"));
  statement.bind(task_id).bind(static_cast<int64_t>(skip));
  std::vector<StoryLine> lines;
  while (TRY(statement.step())) {
    lines.push_back({.at = statement.text(0),
                     .event = statement.text(1),
                     .container = statement.text(2),
                     .text = statement.text(3),
                     .status = statement.text(4),
                     .decision = statement.text(5)});
  }
  return lines;
}

Status SqliteStore::forget_stopped(WallTime then) {
  auto end = stopped_.lower_bound(then);
  if (end == stopped_.begin()) return {};
  std::set<std::string> ids;
  for (auto each = stopped_.begin(); each != end; ++each) ids.insert(each->second);
  TRY(database_->set_synced(false));
  TRY(database_->transact([&]() -> Status {
    for (const std::string& id : ids) {
      auto task = TRY(database_->prepare("DELETE FROM tasks WHERE id = ?"));
      TRY(task.bind(id).step());
      auto story = TRY(database_->prepare("DELETE FROM stories WHERE task_id = ?"));
      TRY(story.bind(id).step());
    }
    return {};
  }));
  for (const std::string& id : ids) tasks_.erase(id);
  stopped_.erase(stopped_.begin(), end);
  return {};
}

Status SqliteStore::write(const std::vector<Record>& records) {
  TRY(database_->set_synced(true));
  return database_->transact([&] { return write_records(records); });
}

// Within a transaction.
Status SqliteStore::write_records(const std::vector<Record>& records) {
  for (const Record& record : records) {
    auto statement = TRY(
        database_->prepare(record.body ? "INSERT INTO records VALUES(?, ?, ?) "
                                         "ON CONFLICT(kind, key) DO UPDATE SET body = excluded.body"
                                       : "DELETE FROM records WHERE kind = ? AND key = ?"));
    statement.bind(record.kind).bind(record.key);
    if (record.body) statement.bind(*record.body);
    TRY(statement.step());
  }
  return {};
}

Result<std::vector<Record>> SqliteStore::read(const std::string& kind) const {
  auto statement =
      TRY(database_->prepare("SELECT key, body FROM records WHERE kind = ? ORDER BY key"));
  statement.bind(kind);
  std::vector<Record> records;
  while (TRY(statement.step())) records.push_back({kind, statement.text(0), statement.text(1)});
  return records;
}

}  // namespace berth::scheduler

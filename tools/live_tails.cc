#include "tools/live_tails.h"

#include "api/event_stream.h"
#include "base/json.h"
#include "base/log.h"

#include <nlohmann/json.hpp>

namespace berth::tools {
namespace {

constexpr std::string_view kTailTarget = "Logs_20140328.StartLiveTail";
constexpr const char* kEventStreamType = "application/vnd.amazon.eventstream";

std::string failure_of(const std::string& message) {
  nlohmann::ordered_json json = {{"message", message}};
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

// A client that has gone before its answer is there does not take it: then the session goes too.
struct LiveTails::Taking {
  Taking(const std::shared_ptr<LiveTails*>& of, std::string session)
      : tails(of), id(std::move(session)) {}
  Taking(const Taking&) = delete;
  Taking& operator=(const Taking&) = delete;
  ~Taking() {
    auto there = is_taken ? nullptr : tails.lock();
    if (there) (*there)->forget(id);
  }

  std::weak_ptr<LiveTails*> tails;
  std::string id;
  bool is_taken = false;
};

LiveTails::~LiveTails() {
  for (auto& [id, session] : sessions_) {
    loop_.cancel(session.next_look);
    loop_.cancel(session.end);
  }
}

bool LiveTails::is_for(const http::Request& request) {
  return request.header("x-amz-target") == kTailTarget;
}

http::Server::Switch LiveTails::begin(const http::Response& answer) {
  auto document = json::Document::parse(answer.body, {.name = "sessionStart"});
  std::string id = document ? document->root().string_at("sessionId").value_or("") : "";
  auto taking = std::make_shared<Taking>(self_, id);
  http::Response head = answer;
  head.content_type = kEventStreamType;
  return {http::render_stream_head(head),
          [taking, start = answer.body](sys::Fd connection, const std::string&) {
            taking->is_taken = true;
            auto tails = taking->tails.lock();
            if (tails) (*tails)->take(taking->id, start, std::move(connection));
          }};
}

void LiveTails::take(const std::string& id, const std::string& start, sys::Fd connection) {
  auto stream =
      http::ChunkedStream::serve(std::move(connection), loop_, [this, id] { forget(id); });
  if (!stream) {
    LOG(kWarn, "a live tail is not begun", {{"why", stream.error().text}});
    return forget(id);
  }
  Session& session = sessions_[id];
  session.stream = std::move(*stream);
  session.end = loop_.after(kLasts, [this, id] {
    finish(id, "SessionTimeoutException", "The session has lasted for three hours.");
  });
  session.stream->send(api::event_message("initial-response", "{}"));
  session.stream->send(api::event_message("sessionStart", start));
  look_later(id);
}

void LiveTails::look_later(const std::string& id) {
  sessions_.at(id).next_look = loop_.after(kInterval, [this, id] { look(id); });
}

void LiveTails::look(const std::string& id) {
  std::weak_ptr<LiveTails*> self = self_;
  workers_.submit([&logs = logs_, self, id]() -> sys::Workers::Completion {
    return [self, id, update = logs.look_at_tail(id)] {
      if (auto tails = self.lock()) (*tails)->tell(id, update);
    };
  });
}

void LiveTails::tell(const std::string& id, const Result<std::string>& update) {
  auto found = sessions_.find(id);
  if (found == sessions_.end() || found->second.is_over) return;  // meanwhile
  http::ChunkedStream& stream = *found->second.stream;
  if (!update) {
    LOG(kWarn, "a live tail ends", {{"why", update.error().text}});
    return finish(id, "SessionStreamingException", update.error().text);
  }
  stream.send(api::event_message("sessionUpdate", *update));
  if (stream.waiting() > kWaitingMax) return forget(id);
  look_later(id);
}

void LiveTails::finish(const std::string& id, const char* exception, const std::string& message) {
  Session& session = sessions_.at(id);
  loop_.cancel(session.next_look);
  loop_.cancel(session.end);
  session.is_over = true;
  session.end = loop_.after(kFarewell, [this, id] { forget(id); });
  session.stream->send(api::exception_message(exception, failure_of(message)));
  session.stream->close();
}

void LiveTails::forget(const std::string& id) {
  auto found = sessions_.find(id);
  if (found != sessions_.end()) {
    loop_.cancel(found->second.next_look);
    loop_.cancel(found->second.end);
    sessions_.erase(found);
  }
  workers_.submit([&logs = logs_, id]() -> sys::Workers::Completion {
    logs.end_tail(id);
    return [] {};
  });
}

}  // namespace berth::tools

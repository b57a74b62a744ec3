#include "agent/fault_injection.h"

#include "agent/host_faults.h"
#include "base/log.h"
#include "sys/process.h"

#include <nlohmann/json.hpp>

#include <sched.h>

#include <algorithm>
#include <vector>

namespace berth::agent {
namespace {

using http::Response;
using netns::Impairment;

constexpr const char* kRunning = "running";
constexpr const char* kNotRunning = "not-running";
constexpr const char* kStopped = "stopped";
constexpr int kConflict = 409;
// What nft(8) knows the lock of the host's faults by.
constexpr int kHeldFd = 3;

Response fault_answer(const char* status) {
  return {.status = 200, .body = nlohmann::json({{"Status", status}}).dump()};
}

Response conflict(Impairment::Kind running) {
  const char* name = running == Impairment::Kind::kLoss ? "packet loss" : "latency";
  return fault_refusal(kConflict,
                       fmt::format("There is already one network {} fault running", name));
}

Impairment::Kind impairment_kind(FaultKind kind) {
  return kind == FaultKind::kPacketLoss ? Impairment::Kind::kLoss : Impairment::Kind::kLatency;
}

// One call, in the network that the thread is in by now.
class FaultWork {
 public:
  explicit FaultWork(const FaultPlace& place) : place_(place) {}

  Result<Response> black_hole(FaultOperation operation, const netns::BlackHole& hole) {
    std::string table = netns::black_hole_table(place_.table_prefix, hole);
    switch (operation) {
      case FaultOperation::kStart:
        TRY(start_black_hole(table, hole));
        return fault_answer(kRunning);
      case FaultOperation::kStop:
        TRY(netns::stop_black_hole(table));
        return fault_answer(kStopped);
      case FaultOperation::kStatus:
        return fault_answer(TRY(netns::black_hole_runs(table)) ? kRunning : kNotRunning);
    }
    return fail(Errc::kInternal, "no such operation");
  }

  Result<Response> impairment(FaultCall call, const std::optional<Fault>& fault) {
    auto netlink = TRY(sys::NetlinkSocket::open());
    std::vector<sys::Link> links = TRY(links_to_impair(netlink));
    auto running = TRY(find_running(links, netlink));
    switch (call.operation) {
      case FaultOperation::kStart:
        if (running) return conflict(*running);
        return start_impairment(links, std::get<Impairment>(*fault), netlink);
      case FaultOperation::kStop:
        if (running == impairment_kind(call.kind)) TRY(stop_impairment(links, netlink));
        return fault_answer(kStopped);
      case FaultOperation::kStatus:
        return fault_answer(running == impairment_kind(call.kind) ? kRunning : kNotRunning);
    }
    return fail(Errc::kInternal, "no such operation");
  }

 private:
  Status start_black_hole(const std::string& table, const netns::BlackHole& hole) {
    if (!place_.host_record_directory) {
      return netns::start_black_hole(table, hole, place_.endpoint, {});
    }
    auto record = TRY(HostFaults::open(*place_.host_record_directory));
    TRY(record.write_table(table));
    return netns::start_black_hole(table, hole, place_.endpoint, {{record.fd(), kHeldFd}});
  }

  // As the agent: the interface of the task, or where the host's packets to everywhere leave.
  Result<std::vector<sys::Link>> links_to_impair(sys::NetlinkSocket& netlink) const {
    std::vector<sys::Link> links;
    if (!place_.host_record_directory) {
      auto link = TRY(netlink.find_link(netns::Endpoint{}.interface));
      if (!link) return fail(Errc::kUnavailable, "the task has no network interface");
      links.push_back(std::move(*link));
      return links;
    }
    std::vector<int> wanted = TRY(netlink.default_route_links());
    for (sys::Link& link : TRY(netlink.links())) {
      if (std::ranges::count(wanted, link.index) != 0) links.push_back(std::move(link));
    }
    if (links.empty()) {
      return fail(Errc::kUnavailable,
                  "the host has no default route, so no default network interface");
    }
    return links;
  }

  static Result<std::optional<Impairment::Kind>> find_running(const std::vector<sys::Link>& links,
                                                              sys::NetlinkSocket& netlink) {
    std::optional<Impairment::Kind> kind;
    for (const sys::Link& link : links) {
      if (auto running = TRY(netns::find_impairment(link.index, netlink))) kind = running->kind;
    }
    return kind;
  }

  Result<Response> start_impairment(const std::vector<sys::Link>& links, const Impairment& wanted,
                                    sys::NetlinkSocket& netlink) {
    uint16_t major = netns::impairment_major(place_.task_id);
    netns::ImpairmentPlan plan = netns::plan_impairment(wanted, major);
    std::optional<HostFaults> record;
    if (place_.host_record_directory) {
      record = TRY(HostFaults::open(*place_.host_record_directory));
      for (const sys::Link& link : links) TRY(record->write_link(major, link.name));
    }
    for (const sys::Link& link : links) {
      auto started = netns::start_impairment(link.index, plan, netlink);
      if (started) continue;
      for (const sys::Link& each : links) {
        (void)netns::stop_impairment(each.index, major, netlink);  // why it failed is what counts
      }
      if (started.error().code != Errc::kExists) {
        return wrap(std::move(started).error(), "{}", link.name);
      }
      // Of another task, that was quicker; or of whoever looks after the host.
      if (auto running = TRY(find_running(links, netlink))) return conflict(*running);
      return fail(Errc::kUnavailable, "{} has a queueing discipline that is not berth's",
                  link.name);
    }
    return fault_answer(kRunning);
  }

  // Whoever started it: in the host's network that may be another task.
  static Status stop_impairment(const std::vector<sys::Link>& links, sys::NetlinkSocket& netlink) {
    for (const sys::Link& link : links) {
      auto running = TRY(netns::find_impairment(link.index, netlink));
      if (running) TRY(netns::stop_impairment(link.index, running->major, netlink));
    }
    return {};
  }

  const FaultPlace& place_;
};

Result<Response> work_on(const FaultPlace& place, int network, FaultCall call,
                         const std::optional<Fault>& fault) {
  // The worker stays there: it does nothing else.
  TRY(sys::join_namespace(network, CLONE_NEWNET, "the network of the faults"));
  FaultWork work(place);
  if (call.kind != FaultKind::kBlackHole) return work.impairment(call, fault);
  return work.black_hole(call.operation, std::get<netns::BlackHole>(*fault));
}

// What a host lacks may be told to containers; other reasons are for whoever runs the host.
Response answer_of(const FaultPlace& place, Result<Response> done) {
  if (done) return *std::move(done);
  LOG(kError, "fault injection failed", {{"task", place.task_id}, {"why", done.error().text}});
  bool may_be_told =
      done.error().code == Errc::kUnavailable || done.error().code == Errc::kExhausted;
  return fault_refusal(
      500, may_be_told ? "internal error: " + done.error().text : std::string("internal error"));
}

}  // namespace

FaultInjection::FaultInjection(FaultPlace place, sys::Fd network, sys::Loop& loop)
    : place_(std::move(place)), network_(std::move(network)), workers_(loop, 1) {}

void FaultInjection::ask(FaultCall call, std::optional<Fault> fault, http::Server::Reply reply) {
  workers_.submit(
      [this, call, fault = std::move(fault), reply = std::move(reply)]() -> sys::Loop::Task {
        return [reply, response = answer_of(place_, work_on(place_, network_.get(), call, fault))] {
          reply(response);
        };
      });
}

http::Response fault_refusal(int status, const std::string& text) {
  nlohmann::json body = {{"Error", text}};
  return {.status = status,
          .body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
}

}  // namespace berth::agent

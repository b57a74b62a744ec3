#include "resolver/service.h"

#include "base/log.h"
#include "dns/zone.h"
#include "sys/udp.h"

#include <sys/epoll.h>

#include <algorithm>

namespace berth::resolver {
namespace {

constexpr size_t kDatagramMax = 4096;    // of a question
constexpr int kDatagramsAtOnce = 64;     // then others have their turn
constexpr uint8_t kBadVersionUpper = 1;  // BADVERS is 16, whose upper bits EDNS has

// What we do not even try to answer or to forward.
std::optional<dns::Rcode> refusal_of(const dns::Message& query) {
  if (query.header.opcode != dns::kQueryOpcode) return dns::kNotImp;
  if (query.questions.empty()) return dns::kFormErr;
  dns::Type type = query.questions.front().type;
  if (type == dns::kAxfr || type == dns::kIxfr) return dns::kRefused;
  return std::nullopt;
}

dns::Message beginning_of(const dns::Header& header) {
  dns::Message query;
  query.header = header;
  return query;
}

}  // namespace

Service::Service(Settings settings, AskedAt asked_at, sys::Loop& loop, Env env)
    : settings_(std::move(settings)),
      asked_at_(asked_at),
      loop_(loop),
      env_(env),
      names_(settings_.names),
      forwarder_(Upstreams(settings_.servers, kResolvConf), loop, env.rng),
      streams_(loop, [this](const std::string& question, Reply reply) {
        ask(question, sys::Transport::kTcp, std::move(reply));
      }) {}

Service::~Service() {
  for (const Network& network : networks_) loop_.unwatch(network.datagrams.get());
}

Status Service::listen(NetworkSockets sockets, Family family) {
  size_t place = networks_.size();
  networks_.push_back({std::move(sockets.datagrams), std::move(sockets.sender), family});
  TRY(loop_.watch(networks_.back().datagrams.get(), EPOLLIN,
                  [this, place](uint32_t) { hear_datagrams(place); }));
  return streams_.listen(std::move(sockets.listener));
}

Status Service::run() {
  last_asked_ = env_.clock.now();
  loop_.after(kIdleMax, [this] { check_idle(); });
  return loop_.run();
}

void Service::hear_datagrams(size_t network) {
  for (int i = 0; i < kDatagramsAtOnce; ++i) {
    if (!hear_datagram(network)) return;
  }
}

bool Service::hear_datagram(size_t network) {
  int fd = networks_[network].datagrams.get();
  if (networks_[network].family == Family::kIpv6) {
    return take_datagram<sys::Route6>(network, sys::receive_datagram6(fd, kDatagramMax),
                                      asked_at_.ipv6);
  }
  return take_datagram<sys::Route>(network, sys::receive_datagram(fd, kDatagramMax),
                                   asked_at_.ipv4);
}

template <class AnyRoute, class AnyDatagram, class End>
bool Service::take_datagram(size_t network, Result<std::optional<AnyDatagram>> datagram,
                            const End& asked_at) {
  if (!datagram) LOG(kWarn, "a question is lost", {{"why", datagram.error().text}});
  if (!datagram || !*datagram) return false;
  auto reply = [this, network,
                route = AnyRoute{asked_at, (*datagram)->from}](const std::string& answer) {
    if (answer.empty()) return;
    // One who has gone meanwhile misses nothing.
    (void)sys::send_udp_packet(networks_[network].sender.get(), route, answer);
  };
  ask((*datagram)->bytes, sys::Transport::kUdp, reply);
  return true;
}

void Service::ask(const std::string& question, sys::Transport transport, Reply reply) {
  last_asked_ = env_.clock.now();
  auto header = dns::parse_header(question);
  if (!header || header->is_response) return reply("");
  auto query = dns::parse_message(question);
  if (!query) {
    dns::Message refusal = dns::reply_to(beginning_of(*header), dns::kFormErr);
    return reply(dns::render_message(refusal, dns::kPlainUdpMax));
  }
  size_t max =
      transport == sys::Transport::kUdp ? dns::udp_size_of(*query) : size_t{dns::kMessageMax};
  auto refuse = [&](dns::Rcode rcode) {
    reply(dns::render_message(dns::reply_to(*query, rcode), max));
  };
  if (auto rcode = refusal_of(*query)) return refuse(*rcode);
  if (auto answer = answer_here(*query)) return reply(dns::render_message(*answer, max));
  ForwardedQuestion forwarded{transport, question, query->questions.front()};
  forwarder_.forward(std::move(forwarded), [query = *query, max, reply](auto answer) {
    if (answer) return reply(dns::fit_into(std::move(*answer), max, query));
    reply(dns::render_message(dns::reply_to(query, dns::kServFail), max));
  });
}

std::optional<dns::Message> Service::answer_here(const dns::Message& query) {
  const dns::Question& question = query.questions.front();
  if (question.record_class != dns::kIn) return std::nullopt;
  Names::Found found = names_.find(question.name, env_.rng);
  bool in_domain = question.name.is_at_or_below(settings_.domain);
  auto address = question.name.reversed_address();
  bool in_subnet = address && settings_.subnet.contains(*address);
  if (found.presence == dns::Presence::kNone && !in_domain && !in_subnet) return std::nullopt;
  if (query.edns && query.edns->version != 0) {
    dns::Message refusal = dns::reply_to(query, dns::kNoError);
    refusal.edns->extended_rcode = kBadVersionUpper;
    return refusal;
  }
  dns::Zone zone{in_domain ? settings_.domain : question.name.parent(), kNameTtl, kNameTtl};
  bool is_origin = in_domain && dns::same_name(question.name, settings_.domain);
  if (is_origin && found.presence == dns::Presence::kNone) found.presence = dns::Presence::kEmpty;
  return dns::answer_from(zone, query, found.presence, found.values);
}

void Service::check_idle() {
  Duration idle = env_.clock.now() - last_asked_;
  if (idle >= kIdleMax && streams_.is_idle() && forwarder_.is_idle()) return loop_.stop();
  loop_.after(std::max<Duration>(kIdleMax - idle, std::chrono::seconds(1)),
              [this] { check_idle(); });
}

}  // namespace berth::resolver

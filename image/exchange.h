// Exchange: what libcurl's callbacks of one HTTP request read from and write to. For transport.cc.
#pragma once

#include "image/pace.h"
#include "image/transport.h"

#include <memory>
#include <optional>
#include <string_view>

namespace berth::image {

class Exchange {
 public:
  // `handle` is libcurl's (its header stays out of ours). All borrowed; `cancel` may be absent.
  Exchange(void* handle, const HttpRequest& request, const TransportOptions& options, Clock& clock,
           Cancel* cancel);

  // Makes the handle call us.
  void attach();
  // What came of it, `code` being libcurl's opinion, a CURLcode, and `reason` its text.
  Result<HttpResponse> finish(int code, std::string_view reason);

  // The callbacks. False: this exchange is over, finish() says why.
  bool take_header(std::string_view line);
  bool take_body(std::string_view bytes);
  Result<size_t> give_body(char* buffer, size_t size);
  void begin_body_anew();
  void begin() { pace_.begin(clock_.now()); }
  Status look_at_pace(uint64_t sent, uint64_t received);
  bool keep(Status status);  // the status, if it is a failure, is that of the exchange

 private:
  bool give_to_sink(std::string_view bytes);
  bool is_good() const;
  int status() const;
  tl::unexpected<Error> failure_of(int code, std::string_view reason) const;

  void* handle_;
  const HttpRequest& request_;
  const TransportOptions& options_;
  Clock& clock_;
  Cancel* cancel_;
  Pace pace_;
  HttpResponse response_;
  size_t header_bytes_ = 0;
  bool headers_are_whole_ = false;
  bool enough_ = false;           // the rest of an error's text is not worth its time
  std::optional<uint64_t> skip_;  // of a body that begins before what we asked for
  std::unique_ptr<ByteSource> body_;
  std::string_view unsent_;
  std::optional<Error> failure_;
};

}  // namespace berth::image

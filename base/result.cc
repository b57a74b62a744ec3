#include "base/result.h"

#include <cerrno>
#include <system_error>

namespace berth {
namespace {

Errc code_of(int errno_value) {
  switch (errno_value) {
    case ENOENT:
    case ESRCH:
      return Errc::kNotFound;
    case EEXIST:
      return Errc::kExists;
    case EPERM:
    case EACCES:
      return Errc::kDenied;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return Errc::kExhausted;
    default:
      return Errc::kSystem;
  }
}

}  // namespace

const char* name_of(Errc code) {
  switch (code) {
    case Errc::kInvalid:
      return "invalid";
    case Errc::kNotFound:
      return "not found";
    case Errc::kExists:
      return "exists";
    case Errc::kUnsupported:
      return "unsupported";
    case Errc::kDenied:
      return "denied";
    case Errc::kUnavailable:
      return "unavailable";
    case Errc::kCorrupt:
      return "corrupt";
    case Errc::kExhausted:
      return "exhausted";
    case Errc::kCancelled:
      return "cancelled";
    case Errc::kSystem:
      return "system";
    case Errc::kInternal:
      return "internal";
  }
  return "unknown";
}

tl::unexpected<Error> fail_errno_text(int errno_value, std::string text) {
  std::string reason = std::generic_category().message(errno_value);
  return tl::unexpected<Error>(
      Error{code_of(errno_value), errno_value, std::move(text) + ": " + reason});
}

}  // namespace berth

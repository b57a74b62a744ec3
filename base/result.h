// Result<T>: either a value or an Error. Every fallible function of the project returns one.
//
//   Result<Fd> open_config(const std::string& path) {
//     auto fd = TRY(sys::open(path, O_RDONLY | O_CLOEXEC));
//     if (too_big(fd)) return fail(Errc::kInvalid, "{}: larger than {} bytes", path, kConfigMax);
//     return fd;
//   }
#pragma once

#include <fmt/core.h>
#include <tl/expected.hpp>

#include <string>
#include <type_traits>
#include <utility>

namespace berth {

// What kind of failure it is, for code that branches on it. The text is for people.
enum class Errc {
  kInvalid,      // the caller's input is wrong; the text names the field, the value and the mend
  kNotFound,     // the named thing does not exist
  kExists,       // it exists already
  kUnsupported,  // right input, but this host or this version of berth cannot honour it
  kDenied,       // the kernel or a remote side refused us
  kUnavailable,  // a remote side did not answer or answered with a passing fault; try again
  kCorrupt,      // bytes do not match their digest or their format
  kExhausted,    // a limit (ours or the kernel's) was reached
  kCancelled,    // the user or the owner asked to stop
  kSystem,       // a system call failed; errno_value says how
  kInternal,     // a promise between our own parts was broken
};

// The name of a code as it appears in logs and in JSON ("not found").
const char* name_of(Errc code);

struct Error {
  Errc code = Errc::kInternal;
  int errno_value = 0;  // 0 when no system call is behind it
  std::string text;     // "context: operation detail: reason", lower case, no full stop
};

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

using Status = Result<void>;

// An error made of a code and a formatted text.
template <class... Args>
tl::unexpected<Error> fail(Errc code, fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected<Error>(Error{code, 0, fmt::format(format, std::forward<Args>(args)...)});
}

// An error made of errno: the text becomes "<formatted>: <strerror>"; the code follows the errno
// (ENOENT is kNotFound, EEXIST kExists, EPERM and EACCES kDenied, ENOSPC and friends kExhausted,
// everything else kSystem).
tl::unexpected<Error> fail_errno_text(int errno_value, std::string text);

template <class... Args>
tl::unexpected<Error> fail_errno(int errno_value, fmt::format_string<Args...> format,
                                 Args&&... args) {
  return fail_errno_text(errno_value, fmt::format(format, std::forward<Args>(args)...));
}

// The same error with context in front: "pull busybox: get manifest: connection refused".
template <class... Args>
tl::unexpected<Error> wrap(Error error, fmt::format_string<Args...> format, Args&&... args) {
  error.text = fmt::format(format, std::forward<Args>(args)...) + ": " + error.text;
  return tl::unexpected<Error>(std::move(error));
}

// What TRY evaluates to.
template <class T>
T take(Result<T>&& result) {
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace berth

// The value of a Result, or return its error from the enclosing function. Stands alone on the right
// of `=` or as a statement. (A GNU statement expression: both our compilers have it.)
#define TRY(...) BERTH_TRY_COUNTED(__COUNTER__, __VA_ARGS__)
// Every use has a name of its own, because one TRY may stand inside another.
#define BERTH_TRY_COUNTED(number, ...) BERTH_TRY_JOINED(number, __VA_ARGS__)
#define BERTH_TRY_JOINED(number, ...) BERTH_TRY_NAMED(try_result_##number##_, __VA_ARGS__)
#define BERTH_TRY_NAMED(name, ...)                                               \
  ({                                                                             \
    auto name = (__VA_ARGS__);                                                   \
    if (!name) return ::tl::unexpected<::berth::Error>(std::move(name).error()); \
    ::berth::take(std::move(name));                                              \
  })

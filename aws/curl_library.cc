#include "aws/curl_library.h"

#include "base/check.h"

#include <curl/curl.h>
#include <dlfcn.h>

#include <atomic>
#include <cstdarg>
#include <mutex>

namespace berth::aws {
namespace {

constexpr const char* kCurlFile = "libcurl.so.4";

// Never unloaded: threads of its own may run (its resolver), and handles are kept to the end.
std::atomic<void*> curl_handle{nullptr};

// The library's function of this name and of the header's type.
template <class Function>
Function* curl_function(Function* /*of_header*/, const char* name) {
  if (curl_handle == nullptr) CHECK(load_curl().has_value());
  void* symbol = ::dlsym(curl_handle, name);
  CHECK(symbol != nullptr);
  return reinterpret_cast<Function*>(symbol);
}

}  // namespace

// A host that had none may have one by now: berthd lives on for what is installed meanwhile.
Status load_curl() {
  static std::mutex one_at_a_time;
  std::lock_guard<std::mutex> hold(one_at_a_time);
  if (curl_handle != nullptr) return {};
  void* opened = ::dlopen(kCurlFile, RTLD_NOW | RTLD_LOCAL);
  if (opened == nullptr) {
    return fail(Errc::kUnavailable, "{}: install Debian's package libcurl4", ::dlerror());
  }
  curl_handle = opened;
  CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
  return {};
}

}  // namespace berth::aws

// The linker takes these for libcurl's; each finds the real one once.
#define BERTH_CURL(name) \
  static auto* const real = berth::aws::curl_function(static_cast<decltype(name)*>(nullptr), #name)

// What is variable is one pointer, long or curl_off_t: 64 bits, passed alike, on the systems that
// berth is for.
static_assert(sizeof(long) == sizeof(void*) && sizeof(curl_off_t) == sizeof(void*));

// Their enumerations are promoted to themselves; clang cannot know.
#pragma GCC diagnostic ignored "-Wvarargs"

// Each in our words, not in those of its header.
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)
extern "C" {

CURLcode curl_global_init(long flags) {
  BERTH_CURL(curl_global_init);
  return real(flags);
}

CURL* curl_easy_init() {
  BERTH_CURL(curl_easy_init);
  return real();
}

void curl_easy_reset(CURL* handle) {
  BERTH_CURL(curl_easy_reset);
  real(handle);
}

void curl_easy_cleanup(CURL* handle) {
  BERTH_CURL(curl_easy_cleanup);
  real(handle);
}

CURLcode curl_easy_perform(CURL* handle) {
  BERTH_CURL(curl_easy_perform);
  return real(handle);
}

CURLcode(curl_easy_setopt)(CURL* handle, CURLoption option, ...) {
  BERTH_CURL(curl_easy_setopt);
  va_list arguments;
  va_start(arguments, option);
  void* value = va_arg(arguments, void*);
  va_end(arguments);
  return real(handle, option, value);
}

CURLcode(curl_easy_getinfo)(CURL* handle, CURLINFO info, ...) {
  BERTH_CURL(curl_easy_getinfo);
  va_list arguments;
  va_start(arguments, info);
  void* value = va_arg(arguments, void*);
  va_end(arguments);
  return real(handle, info, value);
}

const char* curl_easy_strerror(CURLcode code) {
  BERTH_CURL(curl_easy_strerror);
  return real(code);
}

curl_slist* curl_slist_append(curl_slist* list, const char* text) {
  BERTH_CURL(curl_slist_append);
  return real(list, text);
}

void curl_slist_free_all(curl_slist* list) {
  BERTH_CURL(curl_slist_free_all);
  real(list);
}

CURLU* curl_url() {
  BERTH_CURL(curl_url);
  return real();
}

void curl_url_cleanup(CURLU* url) {
  BERTH_CURL(curl_url_cleanup);
  real(url);
}

CURLUcode curl_url_set(CURLU* url, CURLUPart part, const char* text, unsigned int flags) {
  BERTH_CURL(curl_url_set);
  return real(url, part, text, flags);
}

CURLUcode curl_url_get(CURLU* url, CURLUPart part, char** text, unsigned int flags) {
  BERTH_CURL(curl_url_get);
  return real(url, part, text, flags);
}

void curl_free(void* text) {
  BERTH_CURL(curl_free);
  real(text);
}

}  // extern "C"
// NOLINTEND(readability-inconsistent-declaration-parameter-name)

#undef BERTH_CURL

#include "aws/curl_library.h"

#include "base/result.h"

#include <curl/curl.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <string>

namespace berth::aws {
namespace {

size_t keep_bytes(char* data, size_t size, size_t count, void* text) {
  static_cast<std::string*>(text)->append(data, size * count);
  return size * count;
}

// Of each kind that is variable: a pointer, a function, a long, a curl_off_t, and where to write.
TEST(CurlLibrary, PassesOnWhatIsVariable) {
  ASSERT_TRUE(load_curl());
  ASSERT_TRUE(load_curl());
  std::string path = testing::TempDir() + "curl_library_test.txt";
  std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "w"), std::fclose);
  ASSERT_NE(file, nullptr);
  std::fputs("what is passed over, what is read", file.get());
  file.reset();
  std::unique_ptr<CURL, void (*)(CURL*)> handle(curl_easy_init(), curl_easy_cleanup);
  std::string text;
  std::string url = "file://" + path;
  curl_easy_setopt(handle.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle.get(), CURLOPT_RESUME_FROM_LARGE, curl_off_t{21});
  curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, keep_bytes);
  curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, &text);
  CURLcode code = curl_easy_perform(handle.get());
  std::remove(path.c_str());
  ASSERT_EQ(code, CURLE_OK) << curl_easy_strerror(code);
  EXPECT_EQ(text, "what is read");
  curl_off_t size = 0;
  EXPECT_EQ(curl_easy_getinfo(handle.get(), CURLINFO_SIZE_DOWNLOAD_T, &size), CURLE_OK);
  EXPECT_EQ(size, static_cast<curl_off_t>(text.size()));
  curl_easy_reset(handle.get());
  EXPECT_EQ(curl_easy_perform(handle.get()), CURLE_URL_MALFORMAT);  // it has none any more
}

TEST(CurlLibrary, LendsListsAndWords) {
  ASSERT_TRUE(load_curl());
  EXPECT_EQ(curl_easy_strerror(CURLE_OK), std::string("No error"));
  curl_slist* list = curl_slist_append(curl_slist_append(nullptr, "a"), "b");
  ASSERT_NE(list, nullptr);
  ASSERT_NE(list->next, nullptr);
  EXPECT_EQ(list->next->data, std::string("b"));
  curl_slist_free_all(list);
}

}  // namespace
}  // namespace berth::aws

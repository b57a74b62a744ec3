#include "image/lookup.h"

#include "base/text.h"
#include "image/digest.h"
#include "image/reference.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <string>
#include <utility>

namespace berth::image {
namespace {

constexpr size_t kShownName = 200;

bool has_digest(const ImageRecord& record, std::string_view digest) {
  return record.manifest_digest == digest || record.resolved_digest == digest ||
         record.config_digest == digest;
}

// Whether the record's name is of the repository of `wanted`; its tag, too, when that has one.
bool is_of(const ImageRecord& record, const Reference& wanted) {
  auto name = Reference::parse(record.reference);
  return name && name->transport == wanted.transport && name->registry == wanted.registry &&
         name->repository == wanted.repository && (wanted.tag.empty() || name->tag == wanted.tag);
}

// The records for which `is_wanted` holds.
std::vector<ImageRecord> matching(const std::vector<ImageRecord>& records,
                                  const std::function<bool(const ImageRecord&)>& is_wanted) {
  std::vector<ImageRecord> found;
  std::ranges::copy_if(records, std::back_inserter(found), is_wanted);
  return found;
}

tl::unexpected<Error> unknown(std::string_view wanted) {
  return fail(Errc::kNotFound, "image {} is not in the store (`berth images` lists what is)",
              printable(wanted, kShownName));
}

}  // namespace

Result<std::vector<ImageRecord>> find_records(const std::vector<ImageRecord>& records,
                                              std::string_view wanted) {
  std::vector<ImageRecord> found;
  if (is_digest(wanted)) {
    found = matching(records, [&](const ImageRecord& each) { return has_digest(each, wanted); });
  } else {
    Reference reference = TRY(Reference::parse(wanted));
    std::string name = reference.to_string();
    found = matching(records, [&](const ImageRecord& each) { return each.reference == name; });
    if (found.empty() && !reference.digest.empty()) {
      found = matching(records, [&](const ImageRecord& each) {
        return is_of(each, reference) && has_digest(each, reference.digest);
      });
    }
  }
  if (found.empty()) return unknown(wanted);
  return found;
}

Result<ImageRecord> find_image(const Store& store, std::string_view wanted) {
  std::vector<ImageRecord> found = TRY(find_records(TRY(store.list()), wanted));
  for (const ImageRecord& other : found) {
    if (other.manifest_digest == found.front().manifest_digest) continue;
    return fail(Errc::kInvalid, "{} names several images ({} and {}); say which by its digest",
                printable(wanted, kShownName), found.front().manifest_digest,
                other.manifest_digest);
  }
  auto whole = TRY(store.find(found.front().reference));
  if (whole) return std::move(*whole);
  return fail(Errc::kNotFound, "image {}: parts of it are gone from the store; pull it again",
              printable(wanted, kShownName));
}

Result<ImageRecord> tag_image(Store& store, std::string_view source, std::string_view target) {
  Reference name = TRY(Reference::parse(target));
  if (name.transport != Transport::kRegistry || !name.digest.empty()) {
    return fail(Errc::kInvalid, "tag {}: the new name must be NAME[:TAG]",
                printable(target, kShownName));
  }
  sys::Fd lock = TRY(store.lock_for_pull());  // what we name is not garbage meanwhile
  ImageRecord record = TRY(find_image(store, source));
  record.reference = name.to_string();
  record.imported = true;
  TRY(store.record(record));
  return record;
}

}  // namespace berth::image

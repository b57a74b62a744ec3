// Local images by what people call them: a name ("app:1", "oci:DIR"), a digest ("sha256:..."), or a
// name with a digest ("app@sha256:...").
#pragma once

#include "base/result.h"
#include "image/store.h"

#include <string_view>
#include <vector>

namespace berth::image {

// All records that `wanted` names. A digest is that of the manifest, of the index that it came
// from, or of the config (other tools' image id). Pure. Errors: kInvalid for malformed text,
// kNotFound.
Result<std::vector<ImageRecord>> find_records(const std::vector<ImageRecord>& records,
                                              std::string_view wanted);

// The one image that `wanted` names, whole. Several names of the same image are one; kInvalid when
// they are different images.
Result<ImageRecord> find_image(const Store& store, std::string_view wanted);

// A second name for an image of the store, which then counts as made on this host: no registry is
// asked for it. Gives the new record.
Result<ImageRecord> tag_image(Store& store, std::string_view source, std::string_view target);

}  // namespace berth::image

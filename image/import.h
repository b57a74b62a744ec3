// `berth import`: a root file system tar becomes an image of one layer.
#pragma once

#include "base/result.h"
#include "image/manifest.h"
#include "image/puller.h"
#include "image/reference.h"
#include "image/store.h"

namespace berth::image {

struct ImportRequest {
  int tar_fd = -1;      // borrowed; plain, gzip or zstd; read to its end (a pipe will do)
  Reference reference;  // the name to give, of a registry's form
  ImageConfig config;   // entrypoint, cmd, env, ...; diff_ids are filled in by the import
  Platform platform;
  UnpackLimits limits;
  LayerFormat layers = LayerFormat::kImage;
  Cancel* cancel = nullptr;  // borrowed, may be absent
};

// Errors: as unpacking; nothing is kept on failure.
Result<Image> import_root_file_system(Store& store, const ImportRequest& request, Env env);

}  // namespace berth::image

// The media types that berth writes (image-spec, media-types.md); manifest.cc reads Docker's, too.
#pragma once

namespace berth::image {

inline constexpr const char* kIndexType = "application/vnd.oci.image.index.v1+json";
inline constexpr const char* kManifestType = "application/vnd.oci.image.manifest.v1+json";
inline constexpr const char* kConfigType = "application/vnd.oci.image.config.v1+json";
inline constexpr const char* kLayerType = "application/vnd.oci.image.layer.v1.tar";
inline constexpr const char* kGzipLayerType = "application/vnd.oci.image.layer.v1.tar+gzip";

}  // namespace berth::image

// Reference: how people name an image.
//
//   busybox                          docker.io/library/busybox:latest
//   127.0.0.1:5000/app:1             a registry with a port
//   public.ecr.aws/x/y@sha256:...    pinned by digest (a tag beside it is kept for display only)
//   oci:DIR[:TAG]                    an OCI image layout directory
//   oci-archive:FILE[:TAG]           the same in a tar file
//   docker-archive:FILE[:TAG]        the output of `docker save`
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace berth::image {

constexpr size_t kReferenceMax = 4096;  // local paths
constexpr size_t kRepositoryMax = 255;  // as the distribution specification
constexpr size_t kTagMax = 128;

enum class Transport { kRegistry, kOciLayout, kOciArchive, kDockerArchive };

struct Reference {
  Transport transport = Transport::kRegistry;
  std::string registry;    // "docker.io", "127.0.0.1:5000"; kRegistry only
  std::string repository;  // "library/busybox"; kRegistry only
  std::string path;        // directory or file; the local transports only
  std::string tag;         // "latest" when a registry reference names neither tag nor digest
  std::string digest;      // "sha256:<64 hex>" or empty

  // Errors: kInvalid that quotes the text and says what is wrong with it.
  static Result<Reference> parse(std::string_view text);

  // Canonical and complete: "docker.io/library/busybox:latest". Parses to itself.
  std::string to_string() const;
  // What the registry's manifest endpoint takes: the digest if there is one, else the tag.
  const std::string& tag_or_digest() const { return digest.empty() ? tag : digest; }

  bool operator==(const Reference&) const = default;
};

}  // namespace berth::image

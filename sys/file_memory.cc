#include "sys/file_memory.h"

#include "sys/call.h"
#include "sys/fd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace berth::sys {

Result<FileMemory> FileMemory::make(const std::string& directory, size_t size) {
  constexpr int kFlags = O_TMPFILE | O_RDWR | O_CLOEXEC;  // with O_CREAT it is EINVAL
  Fd fd(TRY(call("open", directory, [&] { return ::open(directory.c_str(), kFlags, 0600); })));
  TRY(run("fallocate", directory,
          [&] { return ::fallocate(fd.get(), 0, 0, static_cast<off_t>(size)); }));
  void* data = MAP_FAILED;
  TRY(run("mmap", directory, [&] {
    data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    return data == MAP_FAILED ? -1 : 0;
  }));
  return FileMemory(data, size);
}

FileMemory::~FileMemory() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

// Of a shared mapping of a file, MADV_DONTNEED takes the pages out of the process, not their
// content.
Status FileMemory::let_go() {
  return run("madvise", "", [&] { return ::madvise(data_, size_, MADV_DONTNEED); });
}

Result<MappedFile> MappedFile::open(const std::string& path, size_t size_max) {
  Fd fd(TRY(call("open", path, [&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); })));
  struct stat there {};
  TRY(run("fstat", path, [&] { return ::fstat(fd.get(), &there); }));
  auto size = static_cast<size_t>(there.st_size);
  if (size > size_max) return fail(Errc::kExhausted, "{}: larger than {} bytes", path, size_max);
  MappedFile mapped;
  if (size == 0) return mapped;
  void* data = MAP_FAILED;
  TRY(run("mmap", path, [&] {
    data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd.get(), 0);
    return data == MAP_FAILED ? -1 : 0;
  }));
  mapped.bytes_ = {static_cast<const char*>(data), size};
  return mapped;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

}  // namespace berth::sys

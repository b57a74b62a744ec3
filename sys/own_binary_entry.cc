// The entry point of berth-oci where it is linked statically: what protect_own_binary() does, done
// before the C library has started, so that the process image which is left again at once costs
// nothing but its execve(2): no CPU detection, no heap, a handful of pages.
//
// The commands that enter a container are told by their names among the arguments. Where another
// argument happens to be one of them, the detour is taken in vain. Whatever fails here is tried
// once more, and told, by protect_own_binary().
//
// Nothing of the C library may be called: not one of its functions is relocated yet.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

// The first instruction: the stack is as the kernel made it, `rdx` is for the C library.
asm(R"(
  .text
  .globl berth_oci_entry
  .type berth_oci_entry, @function
berth_oci_entry:
  mov %rsp, %rdi
  mov %rdx, %rbx
  call berth_oci_before_start
  mov %rbx, %rdx
  jmp _start
  .size berth_oci_entry, . - berth_oci_entry
)");

// Of own_binary.h, whose includes are not for code without a library.
namespace berth::sys {
extern bool own_binary_is_protected;
}

namespace {

constexpr long kMountIsReadOnly = 1;  // ST_RDONLY
constexpr const char kSelf[] = "/proc/self/exe";
constexpr const char kNone[] = "";

struct Call {
  long number;
  long arguments[5];
};

inline long attempt(const Call& call) {
  long value = call.number;
  asm volatile("mov %4, %%r10; mov %5, %%r8; syscall"
               : "+a"(value)
               : "D"(call.arguments[0]), "S"(call.arguments[1]), "d"(call.arguments[2]),
                 "r"(call.arguments[3]), "r"(call.arguments[4])
               : "rcx", "r8", "r10", "r11", "memory");
  return value;
}

inline long address(const void* pointer) {
  return reinterpret_cast<long>(pointer);
}

bool is_same(const char* one, const char* other) {
  while (*one != '\0' && *one == *other) {
    ++one;
    ++other;
  }
  return *one == *other;
}

bool enters_container(char** argv) {
  for (char** word = argv; *word != nullptr; ++word) {
    if (is_same(*word, "run") || is_same(*word, "create") || is_same(*word, "exec")) return true;
  }
  return false;
}

}  // namespace

// `stack`: argc, argv, a null pointer, the environment (System V ABI).
extern "C" __attribute__((used)) void berth_oci_before_start(long* stack) {
  char** argv = reinterpret_cast<char**>(stack + 1);
  char** environment = argv + stack[0] + 1;
  if (stack[0] < 1 || !enters_container(argv)) return;
  struct statfs where;
  if (attempt({SYS_statfs, {address(kSelf), address(&where)}}) != 0) return;
  if ((where.f_flags & kMountIsReadOnly) != 0) {
    berth::sys::own_binary_is_protected = true;
    return;
  }
  long mount =
      attempt({SYS_open_tree, {AT_FDCWD, address(kSelf), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC}});
  if (mount < 0) return;
  mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
  long changed = attempt({SYS_mount_setattr,
                          {mount, address(kNone), AT_EMPTY_PATH, address(&attributes),
                           static_cast<long>(sizeof(attributes))}});
  if (changed == 0) {
    (void)attempt({SYS_execveat,
                   {mount, address(kNone), address(argv), address(environment), AT_EMPTY_PATH}});
  }
  (void)attempt({SYS_close, {mount}});
}

#endif

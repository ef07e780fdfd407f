// Tells the thread sanitizer of the slow paths of Swift's Mutex.
//
// The fast paths are compiled into our code, so that the sanitizer sees their atomic operations. Those for a contended
// mutex lie in libswiftSynchronization, which is not built with it: every contended lock would look like none, and all that
// it guards like a race. Preloaded, these two take the library's place, call it, and say what it did.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"
#define SELF __attribute__((swift_context)) void *

extern void __tsan_acquire(void *) __attribute__((weak));
extern void __tsan_release(void *) __attribute__((weak));

typedef void (*LockSlow)(uint32_t, SELF) __attribute__((swiftcall));
typedef void (*UnlockSlow)(SELF) __attribute__((swiftcall));

__attribute__((swiftcall)) void afsfuse_lock_slow(uint32_t thread, SELF self) __asm__(LOCK_SLOW);
__attribute__((swiftcall)) void afsfuse_unlock_slow(SELF self) __asm__(UNLOCK_SLOW);

__attribute__((swiftcall)) void afsfuse_lock_slow(uint32_t thread, SELF self) {
  LockSlow next = (LockSlow)dlsym(RTLD_NEXT, LOCK_SLOW);
  next(thread, self);
  if (__tsan_acquire) __tsan_acquire(self);
}

__attribute__((swiftcall)) void afsfuse_unlock_slow(SELF self) {
  UnlockSlow next = (UnlockSlow)dlsym(RTLD_NEXT, UNLOCK_SLOW);
  if (__tsan_release) __tsan_release(self);
  next(self);
}

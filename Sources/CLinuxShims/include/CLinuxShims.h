// Linux constants and macros which Swift's Glibc module does not show.
// No feature macro (_GNU_SOURCE and the like) is set here: it would give the C library's structures other members than
// they have in Swift's Glibc module and in CFuse3, and a file that imports both would not compile. What needs one is
// wrapped by a function.
#ifndef AFSFUSE_CLINUX_SHIMS_H
#define AFSFUSE_CLINUX_SHIMS_H

#include <netinet/udp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

/// `struct mmsghdr` of recvmmsg(2) and sendmmsg(2).
struct afsfuse_message {
  struct msghdr msg_hdr;
  unsigned int msg_len;
};

/// recvmmsg(2) and sendmmsg(2), without waiting.
int afsfuse_receive_messages(int socket, struct afsfuse_message *messages, unsigned int count);
int afsfuse_send_messages(int socket, struct afsfuse_message *messages, unsigned int count);

/// Steers the datagrams of a port that several sockets share (SO_REUSEPORT): a reply to a call of ours goes to the socket
/// whose number (in the order in which they were bound) is the connection id's low bits above the channel, masked by
/// `mask`; a packet of a peer's call to that which the hash of epoch and connection id names. 0, or an errno.
int afsfuse_steer_lanes(int socket, uint32_t lanes, uint32_t mask, uint32_t multiplier);

/// getrandom(2) for up to 256 bytes: 0, or an errno.
int afsfuse_random(void *bytes, size_t count);

/// Names the calling thread, for `ps -L` and debuggers; 15 characters count.
void afsfuse_name_thread(const char *name);

/// PR_SET_DUMPABLE off, prctl(2): no core dump, and no access to the process's memory for others of its user's.
void afsfuse_protect_process(void);

/// epoll_pwait2(2) without a signal mask; where kernel or C library lack it, epoll_wait(2) with the time rounded up
/// to milliseconds. `nanoseconds` below zero waits without limit.
int afsfuse_epoll_wait(int epoll, struct epoll_event *events, int count, int64_t nanoseconds);

/// A timerfd(2) of CLOCK_MONOTONIC, or -1 with errno.
int afsfuse_timer_create(void);

/// Lets the timer expire once, when CLOCK_MONOTONIC is at `nanoseconds` (above zero). 0, or an errno.
int afsfuse_timer_set(int timer, int64_t nanoseconds);

/// Now, in UTC: `2026-11-21T06:00:00.000Z`, NUL-terminated, in 25 bytes.
void afsfuse_timestamp(char text[25]);

/// lgetxattr(2): the value's length, or -errno.
int64_t afsfuse_attribute(const char *path, const char *name, void *value, size_t size);

/// Gives up root's rights, all of them, for those of a user: 0, or an errno.
int afsfuse_become(uint32_t user, uint32_t group);

/// Frees the blocks of a file's range, which then reads as zeros; the file's size stays. 0, or an errno.
int afsfuse_punch_hole(int fd, int64_t offset, int64_t count);

/// A question to DNS, asked as /etc/resolv.conf says: in at most 2 tries of 2 seconds for every name server, by TCP when
/// the answer is long. Blocks. Each call has its own state: threads may call it at the same time.
///
/// `server` and `port`, in host order, are an IPv4 name server that is asked in place of the system's; 0: none.
/// Returns the length of the message in `answer`, whatever its response code, or -errno (ETIMEDOUT, ECONNREFUSED)
/// when no name server gave one.
int afsfuse_dns_query(const char *name, int type, uint32_t server, uint16_t port, uint8_t *answer, int capacity);

#endif

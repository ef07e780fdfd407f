/* A bare pair of UDP sockets: what the kernel moves between two processes when nothing but segmentation offload
 * (sendmsg with UDP_SEGMENT) and its counterpart (recvmsg with UDP_GRO) is used. The limit for every protocol over UDP.
 *
 *   udppair receive PORT             serves one sender, then ends
 *   udppair send HOST PORT MEGABYTES
 *
 * So that nothing is lost, the receiver says after every mebibyte how much has come, and the sender keeps no more than
 * four under way. Both print a JSON object: bytes, elapsedNanoseconds, cpuNanoseconds. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum {
  /* The size of an Rx packet at MTU 1500 (28 bytes of header, 1416 of data), and as many of them as a message takes. */
  SEGMENT = 1444,
  BURST = 45 * SEGMENT,
  BUFFER = 8 << 20,
  WINDOW = 4 << 20,
  REPORT = 1 << 20,
  SILENCE_MS = 5000,
};

static char data[65536];

static void fail(const char *what) {
  fprintf(stderr, "udppair: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int64_t cpu(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000LL +
         (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000LL;
}

static void print(int64_t bytes, int64_t start, int64_t end, int64_t used) {
  printf("{\"bytes\":%lld,\"elapsedNanoseconds\":%lld,\"cpuNanoseconds\":%lld}\n", (long long)bytes,
         (long long)(end - start), (long long)used);
}

static int open_socket(void) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0), size = BUFFER, on = 1;
  if (fd < 0) fail("socket");
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  }
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0) {
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  }
  if (setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on) != 0) fail("UDP_GRO");
  return fd;
}

static void await(int fd) {
  struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
  if (poll(&poll_fd, 1, SILENCE_MS) <= 0) {
    errno = ETIMEDOUT;
    fail("the other side is silent");
  }
}

static int run_receiver(int port) {
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(port)}, peer;
  int fd = open_socket();
  int64_t total = 0, reported = 0, wanted = 0, start = 0;
  if (bind(fd, (struct sockaddr *)&own, sizeof own) != 0) fail("bind");
  while (wanted == 0 || total < wanted) {
    char control[CMSG_SPACE(sizeof(int))];
    struct iovec vector = {data, sizeof data};
    struct msghdr message = {&peer, sizeof peer, &vector, 1, control, sizeof control, 0};
    if (wanted != 0) await(fd);
    ssize_t count;
    while ((count = recvmsg(fd, &message, wanted == 0 ? 0 : MSG_DONTWAIT)) > 0) {
      if (wanted == 0) { /* the first datagram says how much will come */
        if (count != sizeof wanted) continue;
        memcpy(&wanted, data, sizeof wanted);
        start = now();
      } else {
        total += count;
      }
      if (total - reported >= REPORT || total == 0 || total >= wanted) {
        reported = total;
        sendto(fd, &total, sizeof total, 0, (struct sockaddr *)&peer, sizeof peer);
      }
      message.msg_namelen = sizeof peer;
      message.msg_controllen = sizeof control;
      if (wanted != 0 && total >= wanted) break;
    }
    if (count < 0 && errno != EAGAIN && errno != EINTR) fail("recvmsg");
  }
  print(total, start, now(), cpu());
  return 0;
}

static int64_t receive_report(int fd, int flags, int64_t last) {
  int64_t report;
  while (recv(fd, &report, sizeof report, flags) == sizeof report) {
    if (report > last) last = report;
    flags = MSG_DONTWAIT;
  }
  return last;
}

static int run_sender(const char *host, int port, int64_t wanted) {
  struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(port)};
  int fd = open_socket();
  int64_t sent = 0, received = 0, end;
  wanted = (wanted + BURST - 1) / BURST * BURST;
  if (inet_pton(AF_INET, host, &peer.sin_addr) != 1) fail(host);
  if (connect(fd, (struct sockaddr *)&peer, sizeof peer) != 0) fail("connect");
  if (send(fd, &wanted, sizeof wanted, 0) < 0) fail("send");
  await(fd);
  receive_report(fd, 0, 0);
  int64_t start = now(), used = cpu();
  while (received < wanted) {
    while (sent < wanted && sent + BURST - received <= WINDOW) {
      union {
        char bytes[CMSG_SPACE(sizeof(uint16_t))];
        struct cmsghdr header;
      } control = {.header = {.cmsg_level = IPPROTO_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(sizeof(uint16_t))}};
      *(uint16_t *)CMSG_DATA(&control.header) = SEGMENT;
      struct iovec vector = {data, BURST};
      struct msghdr message = {NULL, 0, &vector, 1, &control, sizeof control, 0};
      if (sendmsg(fd, &message, 0) != BURST) fail("sendmsg");
      sent += BURST;
    }
    if (sent < wanted || received < wanted) await(fd);
    received = receive_report(fd, MSG_DONTWAIT, received);
  }
  end = now();
  print(sent, start, end, cpu() - used);
  return 0;
}

int main(int count, char **words) {
  if (count == 3 && strcmp(words[1], "receive") == 0) return run_receiver(atoi(words[2]));
  if (count == 5 && strcmp(words[1], "send") == 0) {
    return run_sender(words[2], atoi(words[3]), atoll(words[4]) * 1000000);
  }
  fprintf(stderr, "usage: udppair receive PORT | send HOST PORT MEGABYTES\n");
  return 64;
}

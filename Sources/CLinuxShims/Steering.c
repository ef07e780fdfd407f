#include "CLinuxShims.h"

#include <errno.h>
#include <linux/filter.h>
#include <sys/socket.h>

// Offsets in an Rx packet, with which a UDP payload begins: epoch, connection id, flags (of which bit 0 says that a
// client sent it).
enum { EPOCH = 0, CONNECTION_ID = 4, FLAGS = 21, CLIENT_INITIATED = 1, CHANNEL_BITS = 2 };

int afsfuse_steer_lanes(int socket, uint32_t lanes, uint32_t mask, uint32_t multiplier) {
  // A load beyond the datagram's end ends the program with 0. An index without a socket lets the kernel choose.
  struct sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLIENT_INITIATED, 4, 0),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, CONNECTION_ID),
      BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, CHANNEL_BITS),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask),
      BPF_STMT(BPF_RET | BPF_A, 0),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, EPOCH),
      BPF_STMT(BPF_MISC | BPF_TAX, 0),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, CONNECTION_ID),
      BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, CHANNEL_BITS),
      BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
      BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, multiplier),
      BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 16),
      BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, lanes),
      BPF_STMT(BPF_RET | BPF_A, 0),
  };
  struct sock_fprog code = {.len = sizeof program / sizeof program[0], .filter = program};
  return setsockopt(socket, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &code, sizeof code) == 0 ? 0 : errno;
}

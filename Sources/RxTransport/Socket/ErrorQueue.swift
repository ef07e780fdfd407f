import Glibc
import RxCore

/// The socket's error queue (IP_RECVERR, ip(7)): ICMP errors with the address that the refused packet went to.
enum ErrorQueue {
  /// Errors taken in one go.
  private static let errorsMax = 64
  /// `ee_origin` of `struct sock_extended_err` (linux/errqueue.h).
  private static let originICMP: UInt8 = 2
  private static let originICMP6: UInt8 = 3

  /// Takes what is in the queue and calls `body` with errno and peer.
  static func drain(_ descriptor: CInt, _ body: (Int32, RxAddress) -> Void) {
    withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 8) { memory in
      for _ in 0..<errorsMax {
        guard let (error, peer) = next(descriptor, memory) else { return }
        if let peer, error != 0, error != EMSGSIZE { body(error, peer) }
      }
    }
  }

  private static func next(_ descriptor: CInt, _ memory: UnsafeMutableRawBufferPointer) -> (Int32, RxAddress?)? {
    let name = UnsafeMutableRawPointer(memory.baseAddress!)
    let control = UnsafeMutableRawBufferPointer(rebasing: memory[64..<576])
    var payload = iovec(iov_base: memory.baseAddress! + 576, iov_len: 448)
    return withUnsafeMutablePointer(to: &payload) { payload in
      var header = msghdr()
      header.msg_name = name
      header.msg_namelen = socklen_t(SocketAddress.sizeMax)
      header.msg_iov = payload
      header.msg_iovlen = 1
      header.msg_control = control.baseAddress
      header.msg_controllen = control.count
      let flags = CInt(MSG_ERRQUEUE | MSG_DONTWAIT)
      guard recvmsg(descriptor, &header, flags) >= 0 else { return nil }
      var error: Int32 = 0
      ControlMessage.forEach(in: UnsafeRawBufferPointer(start: control.baseAddress, count: header.msg_controllen)) {
        level, type, data in
        let isExtendedError =
          level == IPPROTO_IP && type == IP_RECVERR
          || level == IPPROTO_IPV6 && type == IPV6_RECVERR
        // struct sock_extended_err: errno of 4 bytes, then the origin.
        guard isExtendedError, data.count >= 16 else { return }
        if data[4] == originICMP || data[4] == originICMP6 { error = data.load(as: Int32.self) }
      }
      return (error, header.msg_namelen > 0 ? SocketAddress.load(from: name) : nil)
    }
  }
}

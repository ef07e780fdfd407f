import CLinuxShims
import Glibc
import RxCore

/// What the network, or the kernel in its place, said about a packet of ours.
struct NetworkError {
  /// ECONNREFUSED, EHOSTUNREACH ...; EMSGSIZE for a packet that was too long for its path.
  var errno: Int32
  /// Where the packet went.
  var peer: RxAddress
  /// With EMSGSIZE: how long packets may be, IP header included; 0 when that was not said.
  var mtu: Int
}

/// The socket's error queue (IP_RECVERR, ip(7)): ICMP errors with the address that the refused packet went to.
enum ErrorQueue {
  /// Errors taken in one go.
  private static let errorsMax = 64
  /// `ee_origin` of `struct sock_extended_err` (linux/errqueue.h).
  private static let originLocal: UInt8 = 1
  private static let originICMP: UInt8 = 2
  private static let originICMP6: UInt8 = 3
  /// Bytes of the refused packet that are looked at: more than its Rx header.
  private static let quoteBytes = 448

  /// Takes what is in the queue and calls `body` with each error and as much of the refused packet as is known, from
  /// its Rx header on.
  static func drain(_ descriptor: CInt, _ body: (NetworkError, UnsafeRawBufferPointer) -> Void) {
    withUnsafeTemporaryAllocation(byteCount: 576 + quoteBytes, alignment: 8) { memory in
      for _ in 0..<errorsMax {
        guard takeNext(descriptor, memory, body) else { return }
      }
    }
  }

  /// - Returns: whether there was one.
  private static func takeNext(
    _ descriptor: CInt, _ memory: UnsafeMutableRawBufferPointer, _ body: (NetworkError, UnsafeRawBufferPointer) -> Void
  ) -> Bool {
    let name = UnsafeMutableRawPointer(memory.baseAddress!)
    let control = UnsafeMutableRawBufferPointer(rebasing: memory[64..<576])
    var payload = iovec(iov_base: memory.baseAddress! + 576, iov_len: quoteBytes)
    return withUnsafeMutablePointer(to: &payload) { payload in
      var header = msghdr()
      header.msg_name = name
      header.msg_namelen = socklen_t(SocketAddress.sizeMax)
      header.msg_iov = payload
      header.msg_iovlen = 1
      header.msg_control = control.baseAddress
      header.msg_controllen = control.count
      let count = recvmsg(descriptor, &header, CInt(MSG_ERRQUEUE | MSG_DONTWAIT))
      guard count >= 0 else { return false }
      guard header.msg_namelen > 0, let peer = SocketAddress.load(from: name) else { return true }
      let received = UnsafeRawBufferPointer(start: control.baseAddress, count: header.msg_controllen)
      if let error = extendedError(in: received, peer) {
        body(error, UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory)[576..<(576 + count)]))
      }
      return true
    }
  }

  /// `struct sock_extended_err`: errno of 4 bytes, origin, type, code, a byte of nothing, and 4 bytes of which EMSGSIZE
  /// makes the MTU.
  private static func extendedError(in control: UnsafeRawBufferPointer, _ peer: RxAddress) -> NetworkError? {
    var found: NetworkError?
    ControlMessage.forEach(in: control) { level, type, data in
      let isExtendedError =
        level == IPPROTO_IP && type == IP_RECVERR || level == IPPROTO_IPV6 && type == IPV6_RECVERR
      guard isExtendedError, data.count >= 16 else { return }
      let error = data.load(as: Int32.self)
      let isTooLong = error == EMSGSIZE
      // Of what the kernel itself refuses, the sending call tells all but the MTU.
      guard data[4] == originICMP || data[4] == originICMP6 || data[4] == originLocal && isTooLong else { return }
      let mtu = isTooLong ? Int(data.load(fromByteOffset: 8, as: UInt32.self)) : 0
      found = NetworkError(errno: error, peer: peer, mtu: mtu)
    }
    return found
  }
}

import CLinuxShims
import Glibc
import RxCore

/// Memory and arguments of one recvmmsg(2): 32 messages, each of which may be many datagrams of one sender that the
/// kernel joined (UDP_GRO).
final class ReceiveBatch {
  static let messagesMax = 32
  private static let messageBytes = 65536
  private static let controlBytes = 64

  private let data: UnsafeMutableRawPointer
  private let control: UnsafeMutableRawPointer
  private let names: UnsafeMutablePointer<sockaddr_in6>
  private let vectors: UnsafeMutablePointer<iovec>
  private let headers: UnsafeMutablePointer<afsfuse_message>
  private var used = ReceiveBatch.messagesMax

  init() {
    let count = Self.messagesMax
    data = .allocate(byteCount: count * Self.messageBytes, alignment: 4096)
    control = .allocate(byteCount: count * Self.controlBytes, alignment: 8)
    names = .allocate(capacity: count)
    names.initialize(repeating: sockaddr_in6(), count: count)
    vectors = .allocate(capacity: count)
    headers = .allocate(capacity: count)
    for index in 0..<count {
      vectors.advanced(by: index).initialize(
        to: iovec(iov_base: data + index * Self.messageBytes, iov_len: Self.messageBytes))
      var header = afsfuse_message()
      header.msg_hdr.msg_iov = vectors + index
      header.msg_hdr.msg_iovlen = 1
      header.msg_hdr.msg_name = UnsafeMutableRawPointer(names + index)
      header.msg_hdr.msg_control = control + index * Self.controlBytes
      headers.advanced(by: index).initialize(to: header)
    }
  }

  deinit {
    data.deallocate()
    control.deallocate()
    names.deallocate()
    vectors.deallocate()
    headers.deallocate()
  }

  /// What one look at the socket gave.
  enum Outcome {
    /// So many messages; the socket may have more when the batch was full.
    case messages(Int)
    case empty
    /// An ICMP error, or another one, was waiting in the socket.
    case failure(Int32)
  }

  func receive(from descriptor: CInt) -> Outcome {
    for index in 0..<used {
      headers[index].msg_hdr.msg_namelen = socklen_t(SocketAddress.sizeMax)
      headers[index].msg_hdr.msg_controllen = Self.controlBytes
    }
    let count = afsfuse_receive_messages(descriptor, headers, UInt32(Self.messagesMax))
    guard count >= 0 else {
      used = 0
      return errno == EAGAIN || errno == EINTR ? .empty : .failure(errno)
    }
    used = Int(count)
    return .messages(used)
  }

  /// Calls `body` with every datagram of message `index`.
  func forEachDatagram(of index: Int, _ body: (UnsafeRawBufferPointer, RxAddress) -> Void) {
    guard let source = SocketAddress.load(from: UnsafeRawPointer(names + index)) else { return }
    let header = headers[index]
    var rest = UnsafeRawBufferPointer(start: data + index * Self.messageBytes, count: Int(header.msg_len))
    let size = segmentSize(of: index) ?? rest.count
    while rest.count > size, size > 0 {
      body(UnsafeRawBufferPointer(rebasing: rest[..<size]), source)
      rest = UnsafeRawBufferPointer(rebasing: rest[size...])
    }
    body(rest, source)
  }

  /// The size of the datagrams in a joined message.
  private func segmentSize(of index: Int) -> Int? {
    let length = headers[index].msg_hdr.msg_controllen
    guard length > 0 else { return nil }
    var size: Int?
    let bytes = UnsafeRawBufferPointer(start: control + index * Self.controlBytes, count: length)
    ControlMessage.forEach(in: bytes) { level, type, data in
      if level == IPPROTO_UDP, type == UDP_GRO, data.count >= 4 { size = Int(data.load(as: Int32.self)) }
    }
    return size
  }
}

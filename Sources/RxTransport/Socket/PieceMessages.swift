import CLinuxShims
import Glibc

/// Arguments of a sendmmsg(2) for the datagrams of a message that the kernel would not cut apart.
struct PieceMessages: ~Copyable {
  private static let piecesMax = 32
  private let vectors = UnsafeMutablePointer<iovec>.allocate(capacity: piecesMax)
  private let headers = UnsafeMutablePointer<afsfuse_message>.allocate(capacity: piecesMax)
  private let sender: MessageSender

  init(sender: @escaping MessageSender) { self.sender = sender }

  deinit {
    vectors.deallocate()
    headers.deallocate()
  }

  /// Sends datagrams of `size` bytes of `whole`, from `offset` on; the last may be shorter.
  /// - Returns: how many were sent, or the negative errno of the first.
  func send(_ message: msghdr, _ whole: iovec, from offset: Int, _ size: Int, to descriptor: CInt) -> Int {
    var count = 0
    for start in stride(from: offset, to: whole.iov_len, by: size).prefix(Self.piecesMax) {
      vectors.advanced(by: count).initialize(
        to: iovec(iov_base: whole.iov_base + start, iov_len: min(size, whole.iov_len - start)))
      var header = afsfuse_message()
      header.msg_hdr = message
      header.msg_hdr.msg_control = nil
      header.msg_hdr.msg_controllen = 0
      header.msg_hdr.msg_iov = vectors + count
      headers.advanced(by: count).initialize(to: header)
      count += 1
    }
    while true {
      let sent = sender(descriptor, headers, UInt32(count))
      if sent >= 0 { return Int(sent) }
      if errno != EINTR { return -Int(errno) }
    }
  }
}

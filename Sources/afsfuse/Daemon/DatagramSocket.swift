import Glibc

/// A connected Unix datagram socket: the system's log, systemd's notifications.
final class DatagramSocket: Sendable {
  private let descriptor: Int32

  /// nil when nobody listens at `path`. A leading `@` names Linux's abstract sockets.
  init?(path: String) {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(path.utf8)
    let isAbstract = bytes.first == UInt8(ascii: "@")
    if isAbstract { bytes[0] = 0 }
    let fits = withUnsafeMutableBytes(of: &address.sun_path) { memory in
      guard bytes.count < memory.count else { return false }
      memory.copyBytes(from: bytes)
      return true
    }
    guard fits else { return nil }
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    // An abstract name is as long as it is said to be.
    let size = isAbstract ? socklen_t(2 + bytes.count) : socklen_t(MemoryLayout<sockaddr_un>.size)
    let code = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
    }
    guard code == 0 else {
      close(descriptor)
      return nil
    }
  }

  deinit {
    close(descriptor)
  }

  /// - Returns: false when it was not taken; never waits.
  @discardableResult
  func send(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes {
      Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)) == $0.count
    }
  }
}

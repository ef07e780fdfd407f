import Glibc

/// A connected control socket which carries lines.
final class ControlConnection: Sendable {
  /// A message's bytes at most.
  static let lineMax = 16 << 20

  let descriptor: Int32

  init(descriptor: Int32) {
    self.descriptor = descriptor
  }

  deinit {
    close(descriptor)
  }

  /// - Parameter seconds: how long one read or write may take; 0 is for ever.
  func setTimeout(seconds: Int) {
    var time = timeval(tv_sec: seconds, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, size)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, size)
  }

  func send(_ json: JSONValue) throws(ControlError) {
    let bytes = Array((json.text() + "\n").utf8)
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw failure(errno) }
      sent += count
    }
  }

  /// The next line; throws `.absent` when the peer has gone.
  func receive() throws(ControlError) -> JSONValue {
    var line: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while line.count < Self.lineMax {
      let count = recv(descriptor, &chunk, chunk.count, 0)
      if count < 0, errno == EINTR { continue }
      if count < 0 { throw failure(errno) }
      if count == 0 { throw .absent }
      // One message at a time: nothing follows the line's end.
      if let end = chunk[..<count].firstIndex(of: UInt8(ascii: "\n")) {
        line += chunk[..<end]
        do throws(JSONError) { return try JSONValue(parsing: line) } catch { throw .malformed }
      }
      line += chunk[..<count]
    }
    throw .malformed
  }

  private func failure(_ code: Int32) -> ControlError {
    switch code {
    case EAGAIN: .timedOut
    case EPIPE, ECONNRESET: .absent
    default: .system("control socket", errno: code)
    }
  }

  /// The uid of the process at the other end (SO_PEERCRED).
  var peerUser: uid_t? {
    // struct ucred: pid, uid, gid (unix(7)).
    var credentials: (pid: pid_t, uid: uid_t, gid: gid_t) = (0, 0, 0)
    var size = socklen_t(MemoryLayout.size(ofValue: credentials))
    guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 else { return nil }
    return credentials.uid
  }
}

extension sockaddr_un {
  /// nil if the path is too long.
  init?(path: String) {
    self.init()
    sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let fits = withUnsafeMutableBytes(of: &sun_path) { memory in
      guard bytes.count < memory.count else { return false }
      memory.copyBytes(from: bytes)
      return true
    }
    if !fits { return nil }
  }

  /// Calls `body` as the socket functions want an address.
  func withAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    withUnsafePointer(to: self) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}

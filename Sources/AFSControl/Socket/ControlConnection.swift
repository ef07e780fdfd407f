import AFSBase
import Glibc

/// A connected control socket, as a command uses it: it waits, until a deadline for a whole message.
final class ControlConnection: Sendable {
  /// A reply's bytes at most: the tables of Rx are the longest.
  static let replyMax = 16 << 20

  let descriptor: Int32

  init(descriptor: Int32) {
    self.descriptor = descriptor
  }

  deinit {
    close(descriptor)
  }

  func send(_ request: ControlRequest, until deadline: MonotonicTime) throws(ControlError) {
    var bytes = request.line
    defer { ConstantTime.wipe(&bytes) }
    var sent = 0
    while sent < bytes.count {
      try wait(for: POLLOUT, until: deadline)
      let count = bytes.withUnsafeBytes {
        Glibc.send(
          descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent,
          Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
      }
      if count < 0, errno == EINTR || errno == EAGAIN { continue }
      guard count > 0 else { throw failure(errno) }
      sent += count
    }
  }

  /// The next line; throws `.absent` when the peer has gone.
  func receive(until deadline: MonotonicTime) throws(ControlError) -> JSONValue {
    var line: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while line.count < Self.replyMax {
      try wait(for: POLLIN, until: deadline)
      let count = recv(descriptor, &chunk, chunk.count, Int32(MSG_DONTWAIT))
      if count < 0, errno == EINTR || errno == EAGAIN { continue }
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

  private func wait(for event: Int32, until deadline: MonotonicTime) throws(ControlError) {
    while true {
      let now = SystemClock.monotonic
      if now >= deadline { throw .timedOut }
      var entry = pollfd(fd: descriptor, events: Int16(event), revents: 0)
      let count = poll(&entry, 1, pollTime(from: now, until: deadline))
      if count > 0 { return }
      if count < 0, errno != EINTR { throw failure(errno) }
    }
  }

  private func failure(_ code: Int32) -> ControlError {
    switch code {
    case EPIPE, ECONNRESET: .absent
    default: .system("control socket", errno: code)
    }
  }

  /// The process at the other end must be `owner`'s.
  func requirePeer(_ owner: uid_t, path: String) throws(ControlError) {
    guard let user = Self.peerUser(descriptor) else { throw .system(path, errno: errno) }
    guard user == owner else { throw .foreignDaemon(path, user: user, owner: owner) }
  }

  /// The uid of the process at the other end (SO_PEERCRED): of the one that connected, or that called listen(2).
  static func peerUser(_ descriptor: Int32) -> uid_t? {
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

import AFSBase
import Glibc
import Rx
import Synchronization

/// What lies between a client and a server: hands on the datagrams of one client, as it is told to.
final class Path: Sendable {
  /// What happens to datagrams.
  struct Rule: Sendable {
    /// The server's port on this host; nil for nowhere.
    var server: UInt16?
    /// The path ends.
    var isOver = false
  }

  struct Failure: Error { let errno: Int32 }

  /// Where clients send to.
  let address: RxAddress
  private let descriptor: CInt
  private let rule: Mutex<Rule>

  init(to server: UInt16? = nil) throws {
    let descriptor = socket(AF_INET, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var name = Self.name(port: 0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    var wait = timeval(tv_sec: 0, tv_usec: 20_000)
    guard Self.with(&name, { bind(descriptor, $0, length) }) == 0,
      Self.with(&name, { getsockname(descriptor, $0, &length) }) == 0,
      setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size)) == 0
    else { throw Failure(errno: errno) }
    self.descriptor = descriptor
    address = RxAddress(ipv4: INADDR_LOOPBACK, port: UInt16(bigEndian: name.sin_port))
    rule = Mutex(Rule(server: server))
    guard WorkerThread(name: "path", { self.run() }) != nil else { throw Failure(errno: EAGAIN) }
  }

  /// The server is another one from now on.
  func lead(to server: UInt16?) { rule.withLock { $0.server = server } }

  func end() { rule.withLock { $0.isOver = true } }

  private func run() {
    defer { close(descriptor) }
    var client: sockaddr_in?
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      var source = Self.name(port: 0)
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let count = Self.with(&source) { recvfrom(descriptor, &bytes, bytes.count, 0, $0, &length) }
      let rule = rule.withLock { $0 }
      if rule.isOver { return }
      guard count > 0, let server = rule.server else { continue }
      let port = UInt16(bigEndian: source.sin_port)
      let isReply = port == server
      if !isReply, client == nil { client = source }
      // An earlier server is no longer heard.
      guard isReply || source.sin_port == client?.sin_port else { continue }
      guard var target = isReply ? client : Self.name(port: server) else { continue }
      _ = Self.with(&target) { sendto(descriptor, bytes, count, 0, $0, length) }
    }
  }

  private static func name(port: UInt16) -> sockaddr_in {
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
    name.sin_port = port.bigEndian
    return name
  }

  private static func with<Result>(_ name: inout sockaddr_in, _ body: (UnsafeMutablePointer<sockaddr>) -> Result)
    -> Result
  {
    withUnsafeMutablePointer(to: &name) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body) }
  }
}

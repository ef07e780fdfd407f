import Glibc
public import RxCore

/// Host names as all programs of this machine know them: `/etc/hosts`, DNS, whatever `nsswitch.conf` names.
public enum HostAddresses {
  /// Why a name has no address, in the C library's words.
  public struct Failure: Error, Hashable, Sendable {
    public var reason: String
  }

  /// The IPv4 addresses of `host` in host order. Blocks: for use before anything is served.
  public static func ipv4(of host: String) throws(Failure) -> [UInt32] {
    try addresses(of: host, AF_INET).compactMap(\.ipv4)
  }

  /// All addresses of `host`, IPv4 and IPv6, best first (RFC 6724); ports are 0. Blocks, as `ipv4(of:)` does.
  public static func all(of host: String) throws(Failure) -> [RxAddress] {
    try addresses(of: host, AF_UNSPEC)
  }

  private static func addresses(of host: String, _ family: CInt) throws(Failure) -> [RxAddress] {
    var hints = addrinfo()
    hints.ai_family = family
    hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let result = getaddrinfo(host, nil, &hints, &list)
    guard result == 0 else { throw Failure(reason: String(cString: gai_strerror(result))) }
    defer { freeaddrinfo(list) }
    var addresses: [RxAddress] = []
    var next = list
    while let item = next?.pointee {
      if let name = item.ai_addr, let address = SocketAddress.load(from: UnsafeRawPointer(name)) {
        addresses.append(address)
      }
      next = item.ai_next
    }
    return addresses
  }
}

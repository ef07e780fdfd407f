import Glibc

/// Host names as all programs of this machine know them: `/etc/hosts`, DNS, whatever `nsswitch.conf` names.
public enum HostAddresses {
  /// Why a name has no address, in the C library's words.
  public struct Failure: Error, Hashable, Sendable {
    public var reason: String
  }

  /// The IPv4 addresses of `host` in host order. Blocks: for use before anything is served.
  public static func ipv4(of host: String) throws(Failure) -> [UInt32] {
    var hints = addrinfo()
    hints.ai_family = AF_INET
    hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let result = getaddrinfo(host, nil, &hints, &list)
    guard result == 0 else { throw Failure(reason: String(cString: gai_strerror(result))) }
    defer { freeaddrinfo(list) }
    var addresses: [UInt32] = []
    var next = list
    while let item = next?.pointee {
      if item.ai_family == AF_INET, let address = item.ai_addr {
        let ipv4 = UnsafeRawPointer(address).load(as: sockaddr_in.self).sin_addr.s_addr
        addresses.append(UInt32(bigEndian: ipv4))
      }
      next = item.ai_next
    }
    return addresses
  }
}

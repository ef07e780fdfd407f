import AFSClient
import Glibc

/// This host's IPv4 addresses, for servers which ask how to reach us.
enum NetworkInterfaces {
  /// Without loopback's: a server elsewhere cannot use it.
  static func current() -> [AFSClientConfiguration.Interface] {
    var list: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&list) == 0 else { return [] }
    defer { freeifaddrs(list) }
    var interfaces: [AFSClientConfiguration.Interface] = []
    var next = list
    while let entry = next?.pointee {
      next = entry.ifa_next
      guard let address = ipv4(entry.ifa_addr), address >> 24 != 127 else { continue }
      interfaces.append(
        .init(address: address, netmask: ipv4(entry.ifa_netmask) ?? .max, mtu: mtu(String(cString: entry.ifa_name))))
    }
    return interfaces
  }

  /// In host order; nil for other families.
  private static func ipv4(_ address: UnsafeMutablePointer<sockaddr>?) -> UInt32? {
    guard let address, address.pointee.sa_family == sa_family_t(AF_INET) else { return nil }
    return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
      UInt32(bigEndian: $0.pointee.sin_addr.s_addr)
    }
  }

  private static func mtu(_ name: String) -> UInt32 {
    let file = open("/sys/class/net/\(name)/mtu", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return 1500 }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = read(file, &bytes, bytes.count)
    let digits = String(decoding: bytes.prefix(max(count, 0)).prefix { $0 >= 0x30 && $0 <= 0x39 }, as: UTF8.self)
    return UInt32(digits) ?? 1500
  }
}

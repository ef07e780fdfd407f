import Glibc
import RxCore

/// Which form of address a UDP socket takes.
enum SocketFamily: Sendable {
  /// IPv6, with IPv4 in its mapped form.
  case dual
  case ipv4
}

/// Conversions between `RxAddress` and the kernel's `sockaddr_in6` and `sockaddr_in`.
enum SocketAddress {
  static let sizeMax = MemoryLayout<sockaddr_in6>.size

  /// Writes `address` to `memory` (room for `sizeMax` bytes).
  /// - Returns: its length there.
  static func store(_ address: RxAddress, to memory: UnsafeMutableRawPointer, _ family: SocketFamily) -> socklen_t {
    switch family {
    case .dual:
      var name = sockaddr_in6()
      name.sin6_family = sa_family_t(AF_INET6)
      name.sin6_port = address.port.bigEndian
      name.sin6_scope_id = address.scope
      var address = address
      address.scope = 0
      withUnsafeMutableBytes(of: &name.sin6_addr) { bytes in
        bytes.storeBytes(of: address.high.bigEndian, as: UInt64.self)
        bytes.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
      }
      memory.storeBytes(of: name, as: sockaddr_in6.self)
      return socklen_t(MemoryLayout<sockaddr_in6>.size)
    case .ipv4:
      var name = sockaddr_in()
      name.sin_family = sa_family_t(AF_INET)
      name.sin_port = address.port.bigEndian
      name.sin_addr.s_addr = UInt32(truncatingIfNeeded: address.low).bigEndian
      memory.storeBytes(of: name, as: sockaddr_in.self)
      return socklen_t(MemoryLayout<sockaddr_in>.size)
    }
  }

  /// Reads an address that the kernel wrote; nil for a family that is not UDP's.
  static func load(from memory: UnsafeRawPointer) -> RxAddress? {
    switch CInt(memory.load(as: sa_family_t.self)) {
    case AF_INET6:
      let port = memory.load(fromByteOffset: 2, as: UInt16.self).bigEndian
      let high = memory.loadUnaligned(fromByteOffset: 8, as: UInt64.self).bigEndian
      let low = memory.loadUnaligned(fromByteOffset: 16, as: UInt64.self).bigEndian
      var address = RxAddress(high: high, low: low, port: port)
      address.scope = memory.load(fromByteOffset: 24, as: UInt32.self)
      return address
    case AF_INET:
      let port = memory.load(fromByteOffset: 2, as: UInt16.self).bigEndian
      return RxAddress(ipv4: memory.load(fromByteOffset: 4, as: UInt32.self).bigEndian, port: port)
    default:
      return nil
    }
  }
}

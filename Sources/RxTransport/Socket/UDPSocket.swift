import CLinuxShims
import Glibc
import RxCore

/// A bound, non-blocking UDP socket with everything switched on that helps Rx and that the kernel has.
struct UDPSocket: ~Copyable {
  let descriptor: CInt
  let family: SocketFamily
  /// Where it is bound; the port is never 0.
  let localAddress: RxAddress

  /// - Parameters:
  ///   - address: nil for every address of the host.
  ///   - joinsPort: whether another socket of ours has the port and lets others share it.
  ///   - wantsIPv6: false does as if the kernel had no IPv6.
  init(
    address: RxAddress?, port: UInt16, bufferBytes: Int, joinsPort: Bool = false, wantsIPv6: Bool = true
  ) throws(RxTransportError) {
    let (descriptor, family) = try Self.create(for: address, wantsIPv6: wantsIPv6)
    do throws(RxTransportError) {
      if joinsPort { try Self.sharePort(of: descriptor) }
      try Self.bind(descriptor, family, address, port)
      localAddress = try Self.boundAddress(of: descriptor)
    } catch {
      close(descriptor)
      throw error
    }
    self.descriptor = descriptor
    self.family = family
    setBuffers(bufferBytes)
    setOptions()
  }

  deinit { close(descriptor) }

  private static func create(
    for address: RxAddress?, wantsIPv6: Bool
  ) throws(RxTransportError) -> (CInt, SocketFamily) {
    let type = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let dual = wantsIPv6 ? socket(AF_INET6, type, 0) : -1
    if dual >= 0 {
      var no: CInt = 0
      if setsockopt(dual, CInt(IPPROTO_IPV6), IPV6_V6ONLY, &no, 4) == 0 { return (dual, .dual) }
      close(dual)
    }
    // A kernel without IPv6.
    guard address.map({ $0.ipv4 != nil }) ?? true else { throw .system("socket", wantsIPv6 ? errno : EAFNOSUPPORT) }
    let plain = socket(AF_INET, type, 0)
    guard plain >= 0 else { throw .system("socket", errno) }
    return (plain, .ipv4)
  }

  /// Lets sockets made later have the same port. Of the first one it is asked only after it was bound: so it is bound
  /// only if nobody else has the port, not even one who would share it.
  static func sharePort(of descriptor: CInt) throws(RxTransportError) {
    var yes: CInt = 1
    guard setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &yes, 4) == 0 else { throw .system("SO_REUSEPORT", errno) }
  }

  private static func bind(
    _ descriptor: CInt, _ family: SocketFamily, _ address: RxAddress?, _ port: UInt16
  ) throws(RxTransportError) {
    // All zero is the wildcard address of both families.
    var wanted = address ?? RxAddress(high: 0, low: 0, port: 0)
    wanted.port = port
    let result = withUnsafeTemporaryAllocation(byteCount: SocketAddress.sizeMax, alignment: 8) { name in
      let length = SocketAddress.store(wanted, to: name.baseAddress!, family)
      return Glibc.bind(descriptor, name.assumingMemoryBound(to: sockaddr.self).baseAddress!, length) == 0 ? 0 : errno
    }
    if result == EADDRINUSE { throw .portTaken(port) }
    if result != 0 { throw .system("bind", result) }
  }

  private static func boundAddress(of descriptor: CInt) throws(RxTransportError) -> RxAddress {
    let address = withUnsafeTemporaryAllocation(byteCount: SocketAddress.sizeMax, alignment: 8) { name in
      var length = socklen_t(SocketAddress.sizeMax)
      guard getsockname(descriptor, name.assumingMemoryBound(to: sockaddr.self).baseAddress!, &length) == 0 else {
        return nil as RxAddress?
      }
      return SocketAddress.load(from: name.baseAddress!)
    }
    guard let address else { throw .system("getsockname", errno) }
    return address
  }

  /// The kernel's usual 208 KiB hold few packets when the thread is not scheduled for a millisecond. FORCE needs
  /// CAP_NET_ADMIN; without it net.core.rmem_max bounds the size.
  private func setBuffers(_ bytes: Int) {
    for (forced, plain) in [(SO_RCVBUFFORCE, SO_RCVBUF), (SO_SNDBUFFORCE, SO_SNDBUF)] {
      if !set(SOL_SOCKET, forced, CInt(clamping: bytes)) { set(SOL_SOCKET, plain, CInt(clamping: bytes)) }
    }
  }

  private func setOptions() {
    let udp = CInt(IPPROTO_UDP)
    set(udp, UDP_GRO, 1)
    // ICMP errors come through the error queue with the address they are about.
    set(CInt(IPPROTO_IP), IP_RECVERR, 1)
    if family == .dual { set(CInt(IPPROTO_IPV6), IPV6_RECVERR, 1) }
    Self.setFragmentation(false, of: descriptor, family)
  }

  /// Whether what is sent from now on may be fragmented on its way. What may not is as long as the interface allows,
  /// whatever the kernel knows of the path (IP_PMTUDISC_PROBE): the endpoint keeps account of paths itself.
  static func setFragmentation(_ isAllowed: Bool, of descriptor: CInt, _ family: SocketFamily) {
    var mode = isAllowed ? IP_PMTUDISC_DONT : IP_PMTUDISC_PROBE
    setsockopt(descriptor, CInt(IPPROTO_IP), IP_MTU_DISCOVER, &mode, 4)
    guard family == .dual else { return }
    mode = isAllowed ? IPV6_PMTUDISC_DONT : IPV6_PMTUDISC_PROBE
    setsockopt(descriptor, CInt(IPPROTO_IPV6), IPV6_MTU_DISCOVER, &mode, 4)
  }

  @discardableResult
  private func set(_ level: CInt, _ option: CInt, _ value: CInt) -> Bool {
    var value = value
    return setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<CInt>.size)) == 0
  }
}

import AFSBase

/// How large the DATA packets to one peer may be (packetization layer path MTU discovery, RFC 8899, with Rx's means).
///
/// A packet cannot be split once it has its number and its seal. So the size of packets is only ever raised after a
/// padded ping of that size has been answered (OpenAFS src/rx/rx.c, rxi_GrowMTUEvent, proves sizes that way, and Linux
/// since 6.13); and when it must be lowered, it is for packets to come: those that exist go out with leave to fragment.
/// IPv6's routers fragment nothing, and hosts only what is longer than they know the path to be: there sizes begin with
/// what every path carries.
///
/// Sizes are of packet bodies: the bytes after the Rx header, those of the security class included.
struct PathMTU: BitwiseCopyable {
  /// What we and the peer allow.
  private(set) var ceiling: Int
  /// For new packets.
  private(set) var current: Int
  /// The least size found too large; `ceiling + 1` while none is known.
  private var tooLarge: Int
  /// When sizes found too large are tried again.
  private var raiseAt: MonotonicTime?
  /// What a router has named above `current`: to be tried next.
  private var named: Int?
  private var probe: Probe?
  private var attempts = 0

  /// A padded ping under way.
  private struct Probe: BitwiseCopyable {
    var size: Int
    var connection: Int
    var serial: Serial
    var sentAt: MonotonicTime
  }

  /// The least size that a path can force upon us (OpenAFS src/rx/rx_packet.h, RX_MIN_PACKET_SIZE: 576 bytes of IP).
  static let floor = 576 - 56 - RxHeader.byteCount
  /// What every IPv6 path carries (RFC 8200: 1280 bytes, of which 40 and 8 go to IP and UDP), and nearly every tunnel:
  /// RFC 8899's BASE_PLPMTU.
  static let base = 1280 - 48 - RxHeader.byteCount
  /// RFC 8899 section 5.1: PMTU_RAISE_TIMER, MAX_PROBES.
  static let raiseInterval: Duration = .seconds(600)
  static let attemptsMax = 3
  /// The search ends when it knows the size to so many bytes.
  static let granularity = 16
  /// How long an answer may take before any round trip has been measured.
  static let probeTimeoutMin: Duration = .seconds(1)

  init(ceiling: Int, mayFragment: Bool = true) {
    self.ceiling = ceiling
    current = mayFragment ? ceiling : min(ceiling, Self.base)
    tooLarge = ceiling + 1
  }

  // MARK: Events

  /// The peer has said what it takes.
  mutating func limit(_ ceiling: Int) {
    guard ceiling != self.ceiling else { return }
    let isOpen = tooLarge > self.ceiling
    let isWhole = isOpen && current == self.ceiling
    self.ceiling = ceiling
    if isOpen || tooLarge > ceiling { tooLarge = ceiling + 1 }
    current = isWhole ? ceiling : min(current, ceiling)
  }

  /// A router says that it takes bodies of `size` at most.
  mutating func receivedTooBig(_ size: Int, now: MonotonicTime) {
    if size < current { return lower(to: size, tooLarge: size + 1, now: now) }
    // It was a probe.
    guard size + 1 < tooLarge else { return }
    tooLarge = size + 1
    named = size
    probe = nil
    attempts = 0
    raiseAt = now + Self.raiseInterval
  }

  /// Packets of `size` vanish while small ones arrive.
  mutating func foundBlackHole(_ size: Int, now: MonotonicTime) {
    guard size <= current, current > min(Self.floor, ceiling) else { return }
    lower(to: current > Self.base ? Self.base : Self.floor, tooLarge: size, now: now)
  }

  private mutating func lower(to size: Int, tooLarge: Int, now: MonotonicTime) {
    current = min(max(size, Self.floor), ceiling)
    self.tooLarge = max(tooLarge, current + 1)
    named = nil
    probe = nil
    attempts = 0
    raiseAt = now + Self.raiseInterval
  }

  // MARK: The search upwards

  /// The size that a padded ping should have now; nil for none.
  mutating func nextProbe(now: MonotonicTime, roundTrip: Duration?) -> Int? {
    guard current < ceiling else { return nil }
    if let raiseAt, raiseAt <= now {
      tooLarge = ceiling + 1
      named = nil
      attempts = 0
      self.raiseAt = now + Self.raiseInterval
    }
    if let probe {
      guard probe.sentAt + max(Self.probeTimeoutMin, (roundTrip ?? .zero) * 2) <= now else { return nil }
      self.probe = nil
      attempts += 1
      if attempts >= Self.attemptsMax {
        tooLarge = min(tooLarge, probe.size)
        attempts = 0
        if raiseAt == nil { raiseAt = now + Self.raiseInterval }
      }
    }
    if let named, current < named, named < tooLarge { return named }
    // The whole first, which a path that has recovered carries; then halves.
    if tooLarge > ceiling { return ceiling }
    guard tooLarge - current > Self.granularity else { return nil }
    return (current + tooLarge) / 2
  }

  mutating func sentProbe(_ size: Int, connection: Int, serial: Serial, now: MonotonicTime) {
    probe = Probe(size: size, connection: connection, serial: serial, sentAt: now)
  }

  /// A ping was answered: if it was the padded one, its size is proven.
  mutating func receivedAnswer(connection: Int, serial: Serial) {
    guard let probe, probe.connection == connection, probe.serial == serial else { return }
    self.probe = nil
    attempts = 0
    current = max(current, min(probe.size, ceiling))
    if tooLarge <= current { tooLarge = current + 1 }
    if current == ceiling {
      tooLarge = ceiling + 1
      raiseAt = nil
    }
  }
}

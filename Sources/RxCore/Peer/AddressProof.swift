import AFSBase

/// What we may send to a client's address before it has shown that it receives there: as many bytes as it has sent.
///
/// Anybody can send a small request under a forged address. Without a limit the service's reply, its repetitions, pings
/// and challenges would go to the forged address's owner: an amplifier. QUIC has the same rule (RFC 9000 section 8.1).
struct AddressProof: BitwiseCopyable {
  /// When the address was last proven.
  private(set) var provenAt: MonotonicTime?
  /// Bytes received and not spent, while it is not proven.
  private var credit = 0
  private var askedAt: MonotonicTime?

  /// How long a proof counts (OpenAFS src/rx/rx.h, RX_CHECKREACH_TTL).
  static let lifetime: Duration = .seconds(60)
  /// Questions follow each other no faster (OpenAFS src/rx/rx.h, RX_CHECKREACH_TIMEOUT).
  static let askInterval: Duration = .seconds(2)
  /// More is not remembered.
  private static let creditMax = 1 << 20

  @inline(__always)
  func isProven(now: MonotonicTime) -> Bool {
    guard let provenAt else { return false }
    return provenAt + Self.lifetime > now
  }

  mutating func received(_ byteCount: Int) { credit = min(credit + byteCount, Self.creditMax) }

  /// Bytes that may be sent now.
  func budget(now: MonotonicTime) -> Int { isProven(now: now) ? .max : credit }

  mutating func spent(_ byteCount: Int, now: MonotonicTime) {
    if !isProven(now: now) { credit -= byteCount }
  }

  mutating func proved(now: MonotonicTime) {
    provenAt = now
    credit = 0
    askedAt = nil
  }

  /// Whether to ask now, at the cost of `byteCount`.
  func mayAsk(_ byteCount: Int, now: MonotonicTime) -> Bool {
    guard credit >= byteCount else { return false }
    if let askedAt, askedAt + Self.askInterval > now { return false }
    return true
  }

  mutating func asked(now: MonotonicTime) { askedAt = now }
}

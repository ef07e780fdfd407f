import AFSBase
import Glibc

/// A byte stream that both sides can compute: stream `id` is a window that moves over random bytes.
struct SwarmStream {
  var id: UInt64

  private static let period = 1 << 16
  /// One period twice, so that every run of up to a period lies in one piece.
  private static let bytes: [UInt8] = {
    var generator = SeededGenerator(seed: 42)
    var once: [UInt8] = []
    for _ in 0..<(period / 8) {
      withUnsafeBytes(of: generator.next()) { once.append(contentsOf: $0) }
    }
    return once + once
  }()

  private func start(_ position: Int) -> Int { (position + Int(truncatingIfNeeded: id &* 977)) & (Self.period - 1) }

  /// The bytes of the stream from `position` on; at most a period of them.
  func withBytes<Result>(from position: Int, count: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    Self.bytes.withUnsafeBytes { bytes in
      body(UnsafeRawBufferPointer(rebasing: bytes[start(position)...].prefix(min(count, Self.period))))
    }
  }

  func matches(_ bytes: UnsafeRawBufferPointer, from position: Int) -> Bool {
    guard let address = bytes.baseAddress, bytes.count > 0 else { return true }
    return withBytes(from: position, count: bytes.count) { memcmp(address, $0.baseAddress!, bytes.count) == 0 }
  }
}

/// What every request begins with.
struct SwarmRequestHead {
  static let byteCount = 16
  var id: UInt64
  /// Repeats the id in another form, so that a damaged head shows.
  var check: UInt64

  init(id: UInt64) {
    self.id = id
    check = id &* 0x9E37_79B9_7F4A_7C15 ^ 0x5357_4152_4D53_5741
  }

  /// nil when damaged.
  init?(_ bytes: [UInt8]) {
    let id = bytes[0..<8].reduce(0) { $0 << 8 | UInt64($1) }
    self.init(id: id)
    guard bytes[8..<16].reduce(0, { $0 << 8 | UInt64($1) }) == check else { return nil }
  }

  var bytes: [UInt8] { withUnsafeBytes(of: (id.bigEndian, check.bigEndian)) { Array($0) } }
}

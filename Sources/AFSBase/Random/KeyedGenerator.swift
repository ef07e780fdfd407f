/// 128 bits that nobody else knows.
public struct RandomKey: Hashable, Sendable, BitwiseCopyable {
  public let first: UInt64
  public let second: UInt64

  public init(_ first: UInt64, _ second: UInt64) {
    self.first = first
    self.second = second
  }

  /// For tests and simulations: a key made of a number.
  public init(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    self.init(generator.next(), generator.next())
  }
}

/// Random numbers of which any number tells nothing about the others (SipHash of a counter), for all that peers see and
/// must not guess. One number of a `SeededGenerator` gives all its others away.
public struct KeyedGenerator: RandomNumberGenerator, Sendable {
  private let key: RandomKey
  private var count: UInt64 = 0

  public init(key: RandomKey) {
    self.key = key
  }

  public mutating func next() -> UInt64 {
    count &+= 1
    var hash = SipHash(key)
    hash.add(count)
    return hash.finish()
  }
}
